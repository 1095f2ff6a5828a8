import { isOutage, SessionError } from '../errors'
import { departed, looksMarked } from '../store/moving-marks'
import { headerOf as headerOfText } from '../store/session-header'
import { DamagedList } from '../store/index-entry'
import type { IndexRepair } from '../store/index-repair'
import { isSealed } from '../store/sealed-text'
import { SessionCipher } from '../store/session-cipher'
import { indexOf, placesIn, type SessionIndex } from '../store/session-index'
import type { RecordStore } from '../store/session-store'
import type { PortableSession } from '../store/store-abilities'
import { SessionText, type SessionCodec } from './codec'
import { Indexing, type SettledIndexes } from './indexing'
import { headerOf, sealedText, type PlainRecord } from './opened-session'
import { SessionRecords } from './session-records'

/**
 * What became of a session. `right`: it was where it belongs. `encrypted`: only a request with its id can look into it.
 * `moving`: it is on its way from this store to another one.
 */
export type Reindexed = 'entered' | 'right' | 'encrypted' | 'gone' | 'moving'

export type ReindexCounts = Record<Reindexed | 'failed', number> & { error?: SessionError }

/** Does the work for every session, one after the other, and returns whether it has come to all of them. */
export type Walk = (work: (session: PortableSession) => Promise<void>) => Promise<boolean>

/**
 * Enters sessions in indexes that are newer than they are, and in lists that have lost them. What else
 * changes a session at the same time comes first. To be entered is not use of a session.
 *
 * It may be ended at any time, and done again.
 */
export class Reindexing {
  readonly #indexing: Indexing
  readonly #records: SessionRecords
  readonly #index: SessionIndex
  /** For single sessions. It collects none. */
  readonly #repair: IndexRepair

  /** @throws {SessionError} SESSION_INDEX, for a store that can have no indexes */
  constructor (store: RecordStore, indexes: SettledIndexes['indexes'], codec: SessionCodec) {
    const index = indexOf(store)
    if (index === null) throw new SessionError('SESSION_INDEX', 'this store can have no indexes: it does not declare the feature indexable')
    // No session ends here because there are too many.
    this.#indexing = new Indexing(store, { indexes, maxPerValue: {}, onLimit: 'end-oldest' }, new SessionText(codec))
    this.#records = new SessionRecords(store, new SessionCipher(store.sesAppid(), false), this.#indexing)
    this.#index = index
    this.#repair = index.repair()
  }

  /**
   * Goes through all sessions; twice, if lists are damaged, which are made anew first. Once more for each time that
   * some are damaged meanwhile. Returns what became of the sessions. @throws {SessionError}
   */
  async run (walk: Walk): Promise<ReindexCounts> {
    const counts: ReindexCounts = { entered: 0, right: 0, encrypted: 0, gone: 0, moving: 0, failed: 0 }
    const isMended = await this.#mend(walk, counts)
    /** The names of sessions that lists were damaged for since. */
    const hindered = isMended ? new Set<string>() : undefined
    await walk(async ({ name, text }) => {
      if (looksMarked(text)) counts.moving++
      else await this.#count(name, counts, hindered)
    })
    if (hindered !== undefined && hindered.size > 0) {
      await this.#mend(walk, counts)
      for (const name of hindered) await this.#count(name, counts)
    }
    return counts
  }

  /** Makes damaged lists anew, and returns whether none is left. @throws {SessionError} */
  async #mend (walk: Walk, counts: ReindexCounts): Promise<boolean> {
    const repair = this.#index.repair()
    if (!await repair.begin()) return true
    const isWhole = await walk(async ({ name, text, idleTimeout }) => {
      repair.collect(name, placesIn(headerOfText(departed(text)?.text ?? text)), idleTimeout)
    })
    if (isWhole) {
      await repair.finish()
      return true
    }
    counts.failed++
    counts.error ??= new SessionError('SESSION_INDEX', 'damaged lists of indexes were not made anew, because not all sessions could be looked at: do it again')
    return false
  }

  async #count (name: string, counts: ReindexCounts, hindered?: Set<string>): Promise<void> {
    try {
      counts[await this.#enter(name)]++
    } catch (error) {
      if (error instanceof DamagedList && hindered !== undefined) {
        hindered.add(name)
        return
      }
      if (isOutage(error)) throw error
      counts.failed++
      counts.error ??= error as SessionError
    }
  }

  /** @throws {SessionError} when its text cannot be decoded, or a function of an index throws */
  async #enter (name: string): Promise<Reindexed> {
    // No plain text needs the id.
    const key = { sesid: '', name }
    for (;;) {
      const base = await this.#records.read(key)
      if (base === null) return 'gone'
      const isPutBack = await this.#repair.putBack(name, placesIn(headerOf(base)), base.idleTimeout)
      if (isSealed(sealedText(base))) return isPutBack ? 'entered' : 'encrypted'
      const record: PlainRecord = { text: base.text, idleTimeout: base.idleTimeout, isIndexedAnew: true, keepLastUse: true }
      const plan = this.#indexing.plan(name, record, base)
      if (plan === null || plan.enter.length + plan.leave.length === 0) return isPutBack ? 'entered' : 'right'
      const { result } = await this.#records.replace(key, record, base)
      if (result !== 'conflict') return result === 'replaced' ? 'entered' : 'gone'
    }
  }
}
