import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '../errors'
import { KeyedQueue } from '../keyed-queue'

/** A change function that is running, and the one that it was begun in. */
interface Running {
  readonly visit: object
  readonly name: string
  readonly outer: Running | undefined
  isOver: boolean
}

/** Which change function the code that runs now was begun in. */
const context = new AsyncLocalStorage<Running>()
/** How many change functions are running. While there are none, the context costs nothing. */
let count = 0

/** The updates of one process: those of one session run one after the other, each with what the one before stored. */
export class UpdateQueue {
  readonly #queue = new KeyedQueue()

  /**
   * Runs a visit's update of the session with this name (`''`: of one that is not stored yet) when
   * all earlier ones are done, and tells it whether it had to wait.
   *
   * An update that is begun in the change function of another session's does not wait: two such
   * pairs could wait for each other.
   *
   * @throws {SessionError} SESSION_NESTED_UPDATE, at once, when it is begun in the change function of
   * the same session: each of them would wait for the other
   */
  async run<T> (visit: object, name: string, update: (hasWaited: boolean) => Promise<T>): Promise<T> {
    let isInside = false
    for (let running = context.getStore(); running !== undefined; running = running.outer) {
      if (running.isOver) continue
      if (running.visit === visit || (name !== '' && running.name === name)) throw nested()
      isInside = true
    }
    if (isInside) return await update(false)
    const key = name === '' ? visit : name
    const hasWaited = this.#queue.isBusy(key)
    return await this.#queue.run(key, () => update(hasWaited))
  }
}

/** Calls a change function so that `UpdateQueue.run` knows what is begun in it. */
export function callChange<T> (visit: object, name: string, change: () => T | PromiseLike<T>): T | Promise<T> {
  const running: Running = { visit, name, outer: context.getStore(), isOver: false }
  const end = (): void => {
    running.isOver = true
    if (--count === 0) context.disable()
  }
  count++
  let answer: T | PromiseLike<T>
  try {
    answer = context.run(running, change)
  } catch (error) {
    end()
    throw error
  }
  if (!isThenable(answer)) {
    end()
    return answer
  }
  // Once only: a promise of another library may begin its work anew at each `then`.
  const settled = Promise.resolve(answer)
  settled.then(end, end)
  return settled
}

/** Whether the value can be waited for: an app's function may return a promise of another library. */
function isThenable<T> (value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}

function nested (): SessionError {
  return new SessionError('SESSION_NESTED_UPDATE', 'session.update was called inside the function of another update of the same session: ' +
    'change the draft instead')
}
