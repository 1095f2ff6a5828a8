import { performance } from 'node:perf_hooks'
import { GRACE } from '../store/clock'
import { forwardingText, openForwarding, type Forwarding } from '../store/forwarding'
import type { Replacement, StoredSession } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import type { SessionKey } from './opened-session'

/**
 * The records of one store that forward from ids that were renewed. The store's clock tells when a grace ends, so that
 * all hosts go by one clock.
 */
export class Forwards {
  readonly #store: RecordStore
  readonly #now: () => number

  /** `now` is the clock of this machine, in milliseconds since 1970, for a store that has none. */
  constructor (store: RecordStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** Returns where the record forwards to; null for one that does not. For requests that had the session already. */
  of ({ sesid }: SessionKey, { text }: StoredSession): Forwarding | null {
    return openForwarding(this.#store.sesAppid(), sesid, text)
  }

  /** Returns the id that the record forwards to while its grace lasts; otherwise null. */
  inGrace (key: SessionKey, stored: StoredSession): string | null {
    const forwarding = this.of(key, stored)
    if (forwarding === null) return null
    return this.#timeOf(stored) - forwarding.since < forwarding.grace ? forwarding.sesid : null
  }

  /**
   * Replaces the session by a record that forwards, if it is still `base`. For `grace` seconds the old id
   * names the new session. The record stays a minute more for requests that loaded the session before.
   */
  async put ({ sesid, name }: SessionKey, base: StoredSession, to: SessionKey, grace: number): Promise<Replacement['result']> {
    // A session that was just made does not tell the store's clock.
    const since = this.#timeOf(base.clock === undefined ? await this.#store.read(name) ?? base : base)
    const text = forwardingText(this.#store.sesAppid(), sesid, { sesid: to.sesid, since, grace: grace * 1000 })
    const record = { text, idleTimeout: Math.ceil(grace) + GRACE / 1000, createdAt: base.createdAt, forgetEarlier: true }
    const { result } = await this.#store.replace(name, record, base.version)
    return result
  }

  /** Returns what the clock of the store that the session was read from shows now, in milliseconds since 1970. */
  #timeOf ({ clock }: StoredSession): number {
    return clock === undefined ? this.#now() : performance.now() + clock
  }
}
