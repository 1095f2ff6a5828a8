import type { FastifyBaseLogger } from 'fastify'
import { publishError, publishReap, startOf } from '../diagnostics'
import { isReapable } from '../store/features'
import type { SessionIndex } from '../store/session-index'
import type { SessionStore } from '../store/session-store'

/** Milliseconds until the first round at the latest. A process that starts has other work to do first. */
const LONGEST_START = 60_000

export interface ReaperOptions {
  /** Seconds between two rounds. */
  interval: number
  log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn'>
  /** Whose lists are swept, too. @default null: none */
  index?: SessionIndex | null
  /** Returns a number from 0 to 1, which makes the times uneven. @default Math.random */
  random?: () => number
}

/**
 * Tells a store to remove what has expired, round after round. Rounds come at uneven times, so that
 * the processes of one machine do not all work at once.
 */
export class Reaper {
  readonly #store: SessionStore
  readonly #index: SessionIndex | null
  readonly #interval: number
  readonly #log: ReaperOptions['log']
  readonly #random: () => number
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor (store: SessionStore, { interval, log, index = null, random = Math.random }: ReaperOptions) {
    this.#store = store
    this.#index = index
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
      this.#round = this.#reap().then(() => this.#sweep()).then(() => {
        if (!this.#abort.signal.aborted) this.#schedule(this.#interval * (0.9 + 0.2 * this.#random()))
      })
    }, delay)
    this.#timer.unref()
  }

  /** Entries of sessions that are gone do no harm but to take room. */
  async #sweep (): Promise<void> {
    if (this.#index === null) return
    try {
      const { error, ...counts } = await this.#index.sweep(this.#abort.signal)
      if (error === undefined) return this.#log.debug(counts, 'lists of sessions swept')
      publishError('reap', this.#store.sesAppid(), error)
      this.#log.warn({ err: error, ...counts }, 'some lists of sessions could not be swept')
    } catch (error) {
      publishError('reap', this.#store.sesAppid(), error)
      this.#log.warn({ err: error }, 'the lists of sessions could not be swept: the next round tries again')
    }
  }

  async #reap (): Promise<void> {
    if (!isReapable(this.#store)) return
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
