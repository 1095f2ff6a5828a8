import { mayBeDone } from '../errors'
import type { IndexEntering } from '../store/index-entering'
import type { Place } from '../store/index-entry'
import { headerOf as storedHeaderOf } from '../store/session-header'
import { placesIn, type SessionIndex } from '../store/session-index'
import type { StoredSession } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import type { Indexing, IndexPlan } from './indexing'
import { headerOf, isPast, sealedText, type SessionKey } from './opened-session'

/** So that entries are written again, and no sweep takes them out. */
const LONG_AGO = 0

/** `replaced` comes with what is stored now. */
export type Swap =
  | { readonly result: 'replaced', readonly stored: StoredSession }
  | { readonly result: 'conflict' | 'gone' }

/** New logins of a session that may take the place of another one yet. */
interface Waiting {
  readonly places: readonly Place[]
  /** When their entries were written. */
  readonly since: number
}

/**
 * Stores sessions that are in indexes: writes their entries first, and checks afterwards whether they may stay.
 *
 * The logins beside a new one that are too many end when that has won: a session that is to take the place of another
 * does so in `settle`. Of two requests that bring one session to a new id one loses, and costs no session.
 */
export class IndexedSaving {
  readonly #store: RecordStore
  readonly #indexing: Indexing
  /** By the session that is stored: it goes when the request that has that goes. */
  readonly #waiting = new WeakMap<StoredSession, Waiting>()

  constructor (store: RecordStore, indexing: Indexing) {
    this.#store = store
    this.#indexing = indexing
  }

  get #entering (): IndexEntering {
    return (this.#indexing.index as SessionIndex).entering
  }

  /** Has `write` make the session of the plan. @see SessionRecords.create */
  async create ({ name }: SessionKey, { record, enter, isMoving, spare }: IndexPlan, write: () => Promise<StoredSession | 'taken'>): Promise<StoredSession | 'taken' | 'ended'> {
    const since = this.#indexing.now()
    if (!await this.#entering.enter(name, enter, record.idleTimeout, record.about?.(), spare)) return 'ended'
    const stored = await this.#entered(name, enter, write)
    if (stored === 'taken') {
      await this.#entering.leave(name, enter)
      return stored
    }
    let isConfirmed = false
    try {
      isConfirmed = await this.#entering.confirm(name, isMoving ? this.#wait(stored, enter, since) : enter, since)
    } finally {
      // No visitor knows it yet.
      if (!isConfirmed) await this.#store.remove(name)
    }
    return isConfirmed ? stored : 'ended'
  }

  /** Has `write` replace the session by that of the plan. @see SessionRecords.replace */
  async replace ({ name }: SessionKey, { record, enter, leave, added, lasting, isMoving, spare }: IndexPlan, base: StoredSession, write: () => Promise<Swap>): Promise<Swap> {
    const since = this.#indexing.now()
    await this.#entering.keepAlive(lasting)
    if (isPast(base) && !await this.#isListed(name, base)) return { result: 'gone' }
    if (!await this.#entering.enter(name, enter, record.idleTimeout, record.about?.(), spare)) return { result: 'gone' }
    const swap = await this.#entered(name, added, write)
    if (swap.result !== 'replaced') {
      // A save that came first may have brought a login to the same label.
      await this.#entering.leave(name, swap.result === 'gone' ? added : added.filter(({ former }) => former === undefined))
      return swap
    }
    const places = isMoving ? this.#wait(swap.stored, enter, since, base) : enter
    if (enter.length > 0 && !await this.#isConfirmed(name, places, since, base, swap.stored)) return { result: 'gone' }
    await this.#entering.leave(name, leave)
    return swap
  }

  /**
   * Ends the logins that are too many beside those of a session that has taken the place of another one now. Returns
   * whether it may stay; if not, the caller removes it. @throws {SessionError}
   */
  async settle (name: string, stored: StoredSession): Promise<boolean> {
    const waiting = this.#waiting.get(stored)
    return waiting === undefined || await this.#entering.confirm(name, waiting.places, waiting.since)
  }

  /** Takes a session that has ended out of the indexes that it was in when it was read as `known`. */
  async leave (name: string, known: StoredSession): Promise<void> {
    const header = headerOf(known)
    if (header.indexed !== undefined) await this.#indexing.index?.entering.leave(name, placesIn(header))
  }

  /**
   * Starts the idle time of the lists anew that the session is in, and returns whether that of the session may start
   * anew as well. One that has expired since it was read, and was swept out of a list, stays so: no `revokeAll` would find it.
   */
  async keepAlive (name: string, stored: StoredSession): Promise<boolean> {
    const { indexed } = headerOf(stored)
    if (indexed === undefined || this.#indexing.index === null) return true
    await this.#entering.keepAlive(Object.keys(indexed))
    return !isPast(stored) || await this.#isListed(name, stored)
  }

  /** Whether the session may be brought back that has expired, as far as it is known. */
  async mayRevive (name: string, known: StoredSession | null): Promise<boolean> {
    return known === null || this.#indexing.index === null || await this.#isListed(name, known).catch(() => false)
  }

  /** Whether the lists name the session as it was read. If so, no sweep takes it out for a while. */
  async #isListed (name: string, known: StoredSession): Promise<boolean> {
    return await this.#entering.confirm(name, placesIn(headerOf(known)), LONG_AGO)
  }

  /** Notes that logins are to count when `settle` is called. Returns the places as those of logins that do not count. */
  #wait (stored: StoredSession, enter: readonly Place[], since: number, base?: StoredSession): Place[] {
    const { indexed = {} } = headerOf(stored)
    const before = base === undefined ? undefined : this.#waiting.get(base)
    const places = [...before?.places ?? [], ...enter].filter(({ label, login, limit }) => limit !== undefined && indexed[label] === login)
    if (places.length > 0) this.#waiting.set(stored, { places, since: before?.since ?? since })
    return enter.map(({ limit, ...place }) => place)
  }

  /** Whether a session that was saved may stay. If not, it has ended; if the lists do not tell, it is again what it was before. */
  async #isConfirmed (name: string, places: readonly Place[], since: number, base: StoredSession, saved: StoredSession): Promise<boolean> {
    let isConfirmed: boolean
    try {
      isConfirmed = await this.#entering.confirm(name, places, since)
    } catch (error) {
      await this.#restore(name, base, saved, since)
      throw error
    }
    if (!isConfirmed) await this.#store.remove(name)
    return isConfirmed
  }

  /** Stores a session that has entered these places. If it surely was not stored, it gives those up that no other request may have entered. */
  async #entered<T> (name: string, places: readonly Place[], write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      const stored = mayBeDone(error) ? undefined : await this.#store.read(name).catch(() => undefined)
      if (stored !== undefined) {
        const indexed = stored === null ? {} : storedHeaderOf(stored.text)?.indexed ?? {}
        const left = places.filter(({ label, login, former }) => former === undefined && indexed[label] !== login)
        await this.#entering.leave(name, left)
      }
      throw error
    }
  }

  /** Puts the earlier record back. If a `revokeAll` may have missed it meanwhile, the session ends. */
  async #restore (name: string, base: StoredSession, saved: StoredSession, since: number): Promise<void> {
    const { result } = await this.#store.replace(name, { text: sealedText(base), idleTimeout: base.idleTimeout }, saved.version)
    if (result !== 'replaced') return
    const mayStay = await this.#entering.confirm(name, placesIn(headerOf(base)), since).catch(() => false)
    if (!mayStay) await this.#store.remove(name)
  }
}
