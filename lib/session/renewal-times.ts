import type { StoredSession } from '../store/session-record'
import { isAhead } from './freshness'
import { headerOf } from './opened-session'

/** When ids are renewed, in seconds. */
export interface RenewalOptions {
  /** The age at which an id is renewed. */
  readonly after: number
  /** Seconds for which the old id still names the session. */
  readonly grace: number
}

/** Tells which ids are to be renewed. */
export class RenewalTimes {
  readonly grace: number
  /** Whether every session must say itself when it got its id, because the store does not know how old it is. */
  readonly datesAll: boolean
  readonly #after: number
  readonly #now: () => number

  constructor ({ after, grace }: RenewalOptions, datesAll: boolean, now: () => number) {
    this.datesAll = datesAll
    this.#after = after * 1000
    this.grace = grace
    this.#now = now
  }

  /**
   * Whether the session has had its id for long enough. One whose age no store knows has not. When a clock
   * that was ahead dated it, its age is not known, and the new id is dated right.
   */
  isDue (stored: StoredSession): boolean {
    const since = headerOf(stored).renewedAt ?? stored.createdAt
    const now = this.#now()
    return since !== undefined && (now - since >= this.#after || isAhead(since, now))
  }

  /** Returns the moment at which a session gets an id, to be known beside its data. */
  now (): number {
    return this.#now()
  }
}
