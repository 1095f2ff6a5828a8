import { setTimeout as wait } from 'node:timers/promises'
import { SessionError } from '../errors'
import { hasRecords, isIndexable } from './features'
import { AboutText } from './index-about'
import { IndexEnding, marked } from './index-ending'
import { IndexEntering } from './index-entering'
import { DamagedList, isSameEntry, type IndexEntry, type Place } from './index-entry'
import { IndexLabels, type IndexValue } from './index-labels'
import { IndexListing, leastPasses } from './index-listing'
import { IndexLists, NO_LONGER } from './index-lists'
import { IndexRepair } from './index-repair'
import { IndexSweeping } from './index-sweeping'
import { headerOf, type SessionHeader } from './session-header'
import { forwardedName } from './forwarding'
import { publishEnded } from './session-events'
import type { FoundSession, IndexReapCounts, RevokeAllOptions } from './session-finder'
import { nameOfHandle, sessionHandle } from './session-id'
import type { SessionStore } from './session-store'
import type { Companion, IndexableRecordStore, PortableSession } from './store-abilities'

/** Times that the lists of a value are gone through, at most, while further logins come. */
const MOST_PASSES = 20

/**
 * Finds sessions by what they hold, and ends them together.
 *
 * Each label has a list of entries. An entry is written before the session is stored with the label, and
 * removed after the session ended or lost it: the list names every session that has the label, and perhaps
 * more. Whether an entry is right is for the header of the session to say, which holds label and login.
 *
 * To end logins their entries are *marked* first, at once. A session that is stored with a label looks for
 * its entry afterwards, before any visitor is told: if that is marked, or not there, the session ends
 * itself. So of a login and an end at the same time one sees the other. A session that moves to a new id
 * keeps its login, and a login with a marked entry gets no other entry.
 *
 * The clocks of the hosts may differ by some minutes.
 */
export class SessionIndex {
  readonly labels: IndexLabels
  readonly entering: IndexEntering
  readonly #store: IndexableRecordStore
  readonly #latest: Companion['latest']
  readonly #companion: Companion
  readonly #lists: IndexLists
  readonly #ending: IndexEnding
  readonly #about: AboutText
  readonly #now: () => number
  readonly #pause: (milliseconds: number) => Promise<unknown>
  /** The indexes that the app has, as far as it said; none: any may be asked for. */
  readonly #declared = new Set<string>()

  constructor (store: IndexableRecordStore, now: () => number = Date.now, pause: (milliseconds: number) => Promise<unknown> = wait) {
    this.#store = store
    this.#companion = store.companion()
    this.#latest = this.#companion.latest
    this.#lists = new IndexLists(this.#companion, pause)
    this.#ending = new IndexEnding(store, this.#latest, this.#lists, now)
    this.#about = new AboutText(store.cipher?.keysFor('index about') ?? [null])
    this.labels = new IndexLabels(store.sesAppid(), store.cipher?.keysFor('index label') ?? [null])
    this.entering = new IndexEntering(this.#lists, this.#ending, this.#about, this.#companion.idleTimeout, now)
    this.#now = now
    this.#pause = pause
  }

  /** Notes which indexes the app has: to ask for another is a mistake then, which must not pass for "there are no sessions". */
  declare (names: readonly string[]): void {
    for (const name of names) this.#declared.add(name)
  }

  /** Every live session with this value, read as it is asked for; of one that moves to a new id only one of both. @throws {SessionError} */
  async * sessionsOf (index: string, value: IndexValue): AsyncGenerator<FoundSession, void> {
    yield * new IndexListing(this.#lists, this.#ending, this.#about, this.#now).sessions(this.#labelsOf(index, value))
  }

  /** Ends the session with this handle for good. Returns whether this has ended it. @throws {SessionError} */
  async revoke (handle: string): Promise<boolean> {
    const name = nameOfHandle(handle)
    if (name === null) return false
    const session = await this.#latest(name)
    const moved = session === null ? null : forwardedName(session.text)
    // It has a new id by now, and so a new handle.
    const hasMoved = moved !== null && await this.revoke(sessionHandle(moved))
    const places = session === null ? [] : placesIn(headerOf(session.text))
    const logins = new Set(places.map(({ login }) => login))
    // A request may be moving it at this moment: what it moves to has the same logins.
    const ended = await this.#endAll(places.map(({ label }) => label), () => ({ login }) => logins.has(login))
    const removal = await this.#store.remove(name, session?.version)
    // A request has changed it meanwhile, or given it a new id.
    if (removal === 'conflict') return await this.revoke(handle) || ended > 0
    if (moved !== null) return hasMoved
    await this.entering.leave(name, places)
    if (removal === 'removed') publishEnded(this.#store.sesAppid(), name, 'revoked')
    return removal === 'removed' || ended > 0
  }

  /**
   * Ends every session with this value for good, and returns how many logins that were. None that had the
   * value, and was answered before the call, works after it: whatever was under way. If the process is
   * killed meanwhile, a further call completes it. @throws {SessionError}
   */
  async revokeAll (index: string, value: IndexValue, { except }: RevokeAllOptions = {}): Promise<number> {
    const labels = this.#labelsOf(index, value)
    const handle = typeof except === 'object' ? except.handle : except
    if (handle !== undefined && nameOfHandle(handle) === null) {
      throw new SessionError('SESSION_ARGUMENT', 'revokeAll: except takes a session, or the handle of one (session.handle): no session was ended')
    }
    // A session that moves at this moment leaves the lists under its former handle: they are read first.
    const before = handle === undefined ? [] : (await Promise.all(labels.map(label => this.#lists.read(label)))).flat()
    const { handles, logins } = await this.#spared(handle)
    const spare = (entries: readonly IndexEntry[]): void => {
      for (const { handle, login } of entries) if (handles.has(handle)) logins.add(login)
    }
    spare(before)
    return await this.#endAll(labels, entries => {
      spare(entries)
      return entry => !logins.has(entry.login)
    })
  }

  /** @throws {SessionError} SESSION_INDEX, for an index that the app does not have */
  #labelsOf (index: string, value: IndexValue): [string, ...string[]] {
    if (this.#declared.size === 0 || this.#declared.has(index)) return this.labels.of(index, value)
    throw new SessionError('SESSION_INDEX', `there is no index ${index}: the option indexes has ${[...this.#declared].join(', ')}`)
  }

  /**
   * Returns the handle, and those of the sessions which it has moved to by itself since, with their logins: when the
   * session gets a new id later on, it has another handle, and the same logins.
   */
  async #spared (handle: string | undefined): Promise<{ handles: Set<string>, logins: Set<string> }> {
    const handles = new Set<string>()
    const logins = new Set<string>()
    let name = nameOfHandle(handle)
    while (name !== null && !handles.has(sessionHandle(name))) {
      handles.add(sessionHandle(name))
      const session = await this.#latest(name)
      for (const { login } of session === null ? [] : placesIn(headerOf(session.text))) logins.add(login)
      name = session === null ? null : forwardedName(session.text)
    }
    return { handles, logins }
  }

  async #endAll (labels: readonly string[], choose: (entries: readonly IndexEntry[]) => (entry: IndexEntry) => boolean): Promise<number> {
    const ended = new Set<string>()
    const lists = new Map<string, readonly IndexEntry[]>()
    // A session may get another label meanwhile: it is in the list of that before it leaves the other one.
    for (let hasMarked = true, passes = 0; passes < leastPasses(labels) || (hasMarked && passes < MOST_PASSES && labels.length > 1); passes++) {
      hasMarked = false
      for (const label of labels.toReversed()) {
        lists.set(label, await this.#lists.change(label, entries => {
          const after = marked(entries, choose(entries))
          hasMarked ||= after !== null
          return after
        }, NO_LONGER))
      }
    }
    for (const [label, entries] of lists) {
      for (const login of await this.#ending.finish(label, entries, 'revoked', labels)) ended.add(login)
    }
    return ended.size
  }

  /**
   * Removes, once, the entries whose sessions are gone, and what has expired of the lists. Stays out of the
   * way of requests. When `signal` is aborted it ends early. @throws {SessionError}
   */
  async sweep (signal?: AbortSignal): Promise<IndexReapCounts> {
    return await new IndexSweeping(this.#lists, this.#ending, this.#companion.records, this.#now, this.#pause).sweep(signal)
  }

  /** Begins to put sessions back into lists that have lost them. */
  repair (): IndexRepair {
    return new IndexRepair(this.#lists, this.#now)
  }

  /** Ends all sessions that any list names, and empties the lists. @throws {SessionError} */
  async clear (): Promise<void> {
    for await (const { name, list, error } of this.#lists.all()) {
      if (list !== null) await this.#endAll([list.label], () => () => true)
      else if (error instanceof DamagedList) await this.#lists.restore(name, { label: '', entries: [] })
      else throw error
    }
  }

  /**
   * Writes the entries of a session that is about to come from another store, by its header, with what the index over
   * there says about it. @throws {SessionError}
   */
  async welcome ({ name, text, idleTimeout }: PortableSession, from: SessionIndex): Promise<void> {
    const handle = sessionHandle(name)
    for (const place of placesIn(headerOf(text))) {
      const entries = await from.#lists.read(place.label)
      const entry = entries.find(each => isSameEntry(each, { handle, login: place.login }))
      await this.entering.enterSealed(name, [place], idleTimeout, entry?.about)
    }
  }

  /** Reads the lists of a session that has moved from one store to another: so they move as well. @throws {SessionError} */
  async fetchLists (text: string): Promise<void> {
    for (const { label } of placesIn(headerOf(text))) await this.#lists.read(label)
  }

  async close (): Promise<void> {
    await this.#companion.records.close()
  }
}

/** Returns the places that a session has in indexes. */
export function placesIn (header: SessionHeader | null): Place[] {
  return Object.entries(header?.indexed ?? {}).map(([label, login]) => ({ label, login }))
}

const indexes = new WeakMap<SessionStore, SessionIndex>()

/** Returns the index of a store; null for a store that can have none. The same for each call. */
export function indexOf (store: SessionStore): SessionIndex | null {
  const known = indexes.get(store)
  if (known !== undefined) return known
  if (!hasRecords(store) || !isIndexable(store)) return null
  const index = new SessionIndex(store)
  registerIndex(store, index)
  return index
}

/** Makes it the index that `indexOf` returns for the store. */
export function registerIndex (store: SessionStore, index: SessionIndex): void {
  indexes.set(store, index)
}

/** Returns the index of a store if anything has used it; it is not made. */
export function indexInUse (store: SessionStore): SessionIndex | undefined {
  return indexes.get(store)
}
