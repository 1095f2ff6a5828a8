import { SessionError } from '../errors'
import { KeyedQueue } from '../keyed-queue'
import { DamagedList, decodeList, encodeList, isSameEntry, mayBeMarked, type IndexEntry, type IndexList } from './index-entry'
import { listName } from './index-labels'
import { LONGEST_IDLE_TIMEOUT } from './record-options'
import type { StoredSession } from './session-record'
import type { Companion } from './store-abilities'

type Entries = readonly IndexEntry[]

/** Returns what the list is to be; null when nothing is to change. It runs again after each conflict. */
type Alter = (entries: Entries) => Entries | null | Promise<Entries | null>

/** What is kept under the name of a list: the list, or why it cannot be read. */
export type FoundList =
  | { readonly name: string, readonly list: IndexList, readonly error?: undefined }
  | { readonly name: string, readonly list: null, readonly error: SessionError }

/** Conflicts in a row after which a change of a list fails: this is not bad luck. */
const MOST_CONFLICTS = 1000
/** From so many on, a process lets others go first for a moment. */
const FEW_CONFLICTS = 3
/** Milliseconds. */
const LONGEST_PAUSE = 20
/**
 * A list outlives the sessions in it by so much (seconds): by the grace after a session's end, and by
 * the time that may pass until a list is touched after a session.
 */
export const MARGIN = 600
/** The idle timeout (seconds) for a change by which no session enters: the list lives as long as it did. */
export const NO_LONGER = 0
/** The version of what holds no record at all: it cannot be replaced, and a list is made in its place. */
export const NO_VERSION = ''
/** Bytes. */
export const LONGEST_LIST = 64 * 1024 * 1024

/** The lists of sessions, one for each label: a record each, changed by compare-and-swap. */
export class IndexLists {
  readonly #companion: Companion
  readonly #pause: (milliseconds: number) => Promise<unknown>
  /** By label. */
  readonly #changes = new KeyedQueue()

  constructor (companion: Companion, pause: (milliseconds: number) => Promise<unknown>) {
    this.#companion = companion
    this.#pause = pause
  }

  /** Returns the entries under a label, in the order in which they were written. @throws {SessionError} */
  async read (label: string): Promise<Entries> {
    const stored = await this.#companion.records.read(listName(label))
    return stored === null ? [] : decodeList(stored.text).entries
  }

  /**
   * Changes the list, and returns what it is then. `idleTimeout` is that of a session in it, in seconds;
   * `undefined`: the store's own. @throws {SessionError}, and what `alter` throws
   */
  change (label: string, alter: Alter, idleTimeout?: number): Promise<Entries> {
    return this.#changes.run(label, () => this.#change(label, alter, idleTimeout))
  }

  /** Every list, in no particular order, read as it is asked for. @throws {SessionError} */
  async * all (): AsyncGenerator<FoundList, void> {
    for await (const { name, text } of this.#companion.records.exportSessions()) yield foundList(name, text)
  }

  /**
   * Puts a list in place of a damaged one. If it is not damaged any more, the entries that it lacks are
   * added. An empty list is not kept. @throws {SessionError}
   */
  async restore (name: string, { label, entries }: IndexList, idleTimeout?: number): Promise<void> {
    const { records } = this.#companion
    const text = encodeList({ label, entries })
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const stored = await records.read(name)
      const found = stored === null ? null : foundList(name, stored.text)
      if (found !== null && !(found.error instanceof DamagedList)) {
        if (entries.length > 0) await this.change(label, all => joined(all, entries), idleTimeout)
        return
      }
      const record = { text, idleTimeout: this.#lifeOf(idleTimeout) }
      const change = stored === null || stored.version === NO_VERSION ? await records.create(name, record) : await records.replace(name, record, stored.version)
      if (change.result === 'created' || change.result === 'replaced') {
        if (entries.length === 0) await records.remove(name, change.version)
        return
      }
      if (change.result === 'taken' && stored !== null) throw new SessionError('SESSION_INDEX', 'a list of an index was damaged less than a minute ago: do it again in a minute')
    }
    throw restless()
  }

  async #change (label: string, alter: Alter, idleTimeout: number | undefined): Promise<Entries> {
    const { records } = this.#companion
    const name = listName(label)
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      if (conflicts > FEW_CONFLICTS) await this.#pause(Math.random() * LONGEST_PAUSE)
      const stored = await records.read(name)
      const before = stored === null ? [] : decodeList(stored.text).entries
      const after = await alter(before)
      if (after === null) return before
      if (after.length === 0) {
        if (stored === null || await records.remove(name, stored.version) === 'removed') return after
        continue
      }
      const record = { text: encodeList({ label, entries: after }), idleTimeout: Math.max(stored?.idleTimeout ?? 0, this.#lifeOf(idleTimeout)) }
      const { result } = stored === null ? await records.create(name, record) : await records.replace(name, record, stored.version)
      if (result === 'created' || result === 'replaced') return after
    }
    throw restless()
  }

  /**
   * Starts the idle time of a list anew. One that was written under a shorter idle timeout of the store is
   * written again, to outlive its sessions. Returns the entries if logins among them may be ended. @throws {SessionError}
   */
  async touch (label: string): Promise<Entries> {
    const name = listName(label)
    const stored = await this.#companion.records.read(name)
    if (!await this.#lengthen(label, stored)) await this.#companion.records.touch(name)
    return stored !== null && mayBeMarked(stored.text) ? foundList(name, stored.text).list?.entries ?? [] : []
  }

  /**
   * Writes a list again if a session with this idle timeout (`undefined`: the store's own) could outlive it.
   * Returns whether it was. What cannot be read is left alone. @throws {SessionError}
   */
  async lengthen (label: string, idleTimeout?: number): Promise<boolean> {
    return await this.#lengthen(label, await this.#companion.records.read(listName(label)), idleTimeout)
  }

  async #lengthen (label: string, stored: StoredSession | null, idleTimeout?: number): Promise<boolean> {
    const isShort = stored?.idleTimeout !== undefined && stored.idleTimeout < Math.min(this.#lifeOf(idleTimeout), LONGEST_IDLE_TIMEOUT)
    if (!isShort || foundList(listName(label), stored.text).list === null) return false
    await this.change(label, entries => entries, idleTimeout)
    return true
  }

  /** Returns the idle timeout of a list (seconds) by that of a session in it. */
  #lifeOf (idleTimeout: number | undefined): number {
    return (idleTimeout ?? this.#companion.idleTimeout) + MARGIN
  }
}

function foundList (name: string, text: string): FoundList {
  try {
    return { name, list: decodeList(text) }
  } catch (error) {
    return { name, list: null, error: error as SessionError }
  }
}

/** Returns the entries with those that they lack; null if they lack none. */
function joined (entries: Entries, those: Entries): Entries | null {
  const lacking = those.filter(entry => !entries.some(each => isSameEntry(each, entry)))
  return lacking.length === 0 ? null : [...entries, ...lacking]
}

function restless (): SessionError {
  return new SessionError('SESSION_CONFLICT', 'an index of sessions could not be changed: other processes change it all the time')
}
