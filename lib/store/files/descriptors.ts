import { AsyncResource } from 'node:async_hooks'
import { hasCode } from '../../errors'

/** Most descriptors that this process keeps: a small part of those that systems allow. */
const MOST = 128
/** Milliseconds after which a descriptor without use is closed; at the latest after twice as long. */
const IDLE = 5000
/** Milliseconds during which nothing is kept, after others needed the room. */
const SCARCE = 1000

/** Starts the timer outside the context of the request that comes first: the timer would keep it in memory. */
const startTimer = AsyncResource.bind((tick: () => void): NodeJS.Timeout => setInterval(tick, IDLE).unref())

export interface Holder {
  /** Set by every use. */
  isUsed: boolean
  release: () => void
}

/**
 * The descriptors that this process keeps open, of all stores together: a few, for a short while,
 * and none that is needed elsewhere.
 */
export class Descriptors {
  readonly #holders = new Set<Holder>()
  readonly #now: () => number
  #scarceUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  get hasRoom (): boolean {
    return this.#holders.size < MOST && this.#now() >= this.#scarceUntil
  }

  /** Returns false when there are too many already. */
  add (holder: Holder): boolean {
    if (!this.hasRoom) return false
    this.#holders.add(holder)
    this.#timer ??= startTimer(() => { this.#closeUnused() })
    return true
  }

  delete (holder: Holder): void {
    if (!this.#holders.delete(holder) || this.#holders.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  closeAll (): void {
    for (const holder of this.#holders) holder.release()
  }

  /** Closes all, for others need the room, and keeps none for a while. Returns false when there is nothing to close. */
  makeRoom (): boolean {
    if (this.#holders.size === 0) return false
    this.#scarceUntil = this.#now() + SCARCE
    this.closeAll()
    return true
  }

  #closeUnused (): void {
    for (const holder of this.#holders) {
      if (holder.isUsed) holder.isUsed = false
      else holder.release()
    }
  }
}

export const descriptors = new Descriptors()

/**
 * Does what needs a descriptor, at once or as a promise. Does it once more when it failed for want
 * of a descriptor and some could be given back.
 */
export function withRoom<T> (work: () => T, kept = descriptors): T {
  const again = (error: unknown): T => {
    if (!hasCode(error, 'EMFILE', 'ENFILE') || !kept.makeRoom()) throw error
    return work()
  }
  try {
    const result = work()
    return result instanceof Promise ? result.catch(again) as T : result
  } catch (error) {
    return again(error)
  }
}
