import type { Listening, Listener, RedisConnection } from '../../lib/store/redis/redis-connection'
import { numbered } from './numbered'

interface Waiter {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A connection to a server that answers what a test says. */
export class ScriptedRedis implements RedisConnection {
  readonly client = 'client of a test'
  readonly keyPrefix = ''
  isCluster = false
  joinsCalls = true
  ready = true
  /** The commands that were sent, the oldest first. */
  readonly sent: string[][] = []
  /** Answers a command: return the answer, of a script without the number of the command, or throw. */
  answer: (command: string[]) => unknown = () => null
  /** Makes a listener: return it, or throw. */
  listener: (listening: Listening) => Promise<Listener> | Listener = () => ({ close () {} })

  /** Who waits for answers, the first first; null: nobody lost count. */
  #waiting: Waiter[] | null = null

  isReady (): boolean {
    return this.ready
  }

  obstacle (): null {
    return null
  }

  async run (_key: string, command: string[]): Promise<unknown> {
    this.sent.push(command)
    const waiting = this.#waiting
    if (waiting === null) return numbered(command, await this.answer(command))
    return await new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      const first = (): Waiter => waiting.shift() as Waiter
      Promise.resolve(command).then(this.answer).then(
        answer => { first().resolve(numbered(command, answer)) },
        (error: unknown) => { first().reject(error) })
    })
  }

  /** From now on the first caller gets no answer, and each other one that to the command before, as with a client that waits for an answer that never comes. */
  loseCount (): void {
    this.#waiting = [{ resolve () {}, reject () {} }]
  }

  /** From now on each gets its own answer again. */
  count (): void {
    this.#waiting = null
  }

  async servers () {
    return [(command: string[]) => this.run('', command)]
  }

  async listen (listening: Listening): Promise<Listener> {
    return await this.listener(listening)
  }
}
