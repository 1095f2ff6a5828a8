import { isSealed } from '../store/sealed-text'
import { SessionCipher } from '../store/session-cipher'
import type { RecordStore } from '../store/session-store'
import { SessionText, type SessionCodec } from './codec'
import { Indexing, type SettledIndexes } from './indexing'
import { sealedText, type PlainRecord } from './opened-session'
import { SessionRecords } from './session-records'

/** What became of a session. `right`: it was where it belongs. `encrypted`: only a request with its id can look into it. */
export type Reindexed = 'entered' | 'right' | 'encrypted' | 'gone'

/** Enters sessions in indexes that are newer than they are. What else changes a session at the same time comes first. */
export class Reindexing {
  readonly #indexing: Indexing
  readonly #records: SessionRecords

  constructor (store: RecordStore, indexes: SettledIndexes['indexes'], codec: SessionCodec) {
    // No session ends here because there are too many.
    this.#indexing = new Indexing(store, { indexes, maxPerValue: {}, onLimit: 'end-oldest' }, new SessionText(codec))
    this.#records = new SessionRecords(store, new SessionCipher(store.sesAppid(), false), this.#indexing)
  }

  /** Enters the session with this name; that is not use of it. @throws {SessionError} when its text cannot be decoded, or a function of an index throws */
  async enter (name: string): Promise<Reindexed> {
    // No plain text needs the id.
    const key = { sesid: '', name }
    for (;;) {
      const base = await this.#records.read(key)
      if (base === null) return 'gone'
      if (isSealed(sealedText(base))) return 'encrypted'
      const record: PlainRecord = { text: base.text, idleTimeout: base.idleTimeout, isIndexedAnew: true, keepLastUse: true }
      const plan = this.#indexing.plan(record, base)
      if (plan === null || plan.enter.length + plan.leave.length === 0) return 'right'
      const { result } = await this.#records.replace(key, record, base)
      if (result !== 'conflict') return result === 'replaced' ? 'entered' : 'gone'
    }
  }
}
