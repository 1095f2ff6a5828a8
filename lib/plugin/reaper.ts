import type { FastifyBaseLogger } from 'fastify'
import { publishError, publishReap, startOf } from '../diagnostics'
import type { ReapableSessionStore } from '../store/session-store'

/** Milliseconds until the first round at the latest. A process that starts has other work to do first. */
const LONGEST_START = 60_000

/**
 * Tells a store to remove what has expired, round after round. Rounds come at uneven times, so that
 * the processes of one machine do not all work at once.
 */
export class Reaper {
  readonly #store: ReapableSessionStore
  readonly #interval: number
  readonly #log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn'>
  readonly #random: () => number
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  /** `interval` is in seconds. */
  constructor (
    store: ReapableSessionStore, interval: number, log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn'>,
    random: () => number = Math.random
  ) {
    this.#store = store
    this.#interval = interval * 1000
    this.#log = log
    this.#random = random
  }

  /** Plans the first round. */
  start (): void {
    this.#schedule(Math.min(this.#interval, LONGEST_START) * this.#random())
  }

  /** Ends the round that is under way, and waits until it has ended. */
  async stop (): Promise<void> {
    this.#abort.abort()
    clearTimeout(this.#timer)
    await this.#round
  }

  #schedule (delay: number): void {
    this.#timer = setTimeout(() => {
      this.#round = this.#reap().then(() => {
        if (!this.#abort.signal.aborted) this.#schedule(this.#interval * (0.9 + 0.2 * this.#random()))
      })
    }, delay)
    this.#timer.unref()
  }

  async #reap (): Promise<void> {
    const start = startOf('reap')
    try {
      const { error, ...counts } = await this.#store.reap(this.#abort.signal)
      publishReap(this.#store.sesAppid(), start, counts)
      if (error !== undefined) publishError('reap', this.#store.sesAppid(), error)
      const removed = counts.expired + counts.orphans + counts.setAside
      if (error !== undefined) this.#log.warn({ err: error, ...counts }, 'some expired sessions could not be removed')
      else if (removed > 0) this.#log.info(counts, 'expired sessions removed')
      else this.#log.debug(counts, 'no expired sessions to remove')
    } catch (error) {
      publishError('reap', this.#store.sesAppid(), error)
      this.#log.warn({ err: error }, 'expired sessions could not be removed: the next round tries again')
    }
  }
}
