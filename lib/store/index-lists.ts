import { SessionError } from '../errors'
import { KeyedQueue } from '../keyed-queue'
import { decodeList, encodeList, type IndexEntry, type IndexList } from './index-entry'
import { listName } from './index-labels'
import type { Companion } from './store-abilities'

type Entries = readonly IndexEntry[]

/** Returns what the list is to be; null when nothing is to change. It runs again after each conflict. */
type Alter = (entries: Entries) => Entries | null | Promise<Entries | null>

/** So many conflicts in a row are not bad luck. */
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
  async * all (): AsyncGenerator<IndexList, void> {
    for await (const { text } of this.#companion.records.exportSessions()) yield decodeList(text)
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
      const record = { text: encodeList({ label, entries: after }), idleTimeout: Math.max(stored?.idleTimeout ?? 0, (idleTimeout ?? this.#companion.idleTimeout) + MARGIN) }
      const { result } = stored === null ? await records.create(name, record) : await records.replace(name, record, stored.version)
      if (result === 'created' || result === 'replaced') return after
    }
    throw new SessionError('SESSION_CONFLICT', 'an index of sessions could not be changed: other processes change it all the time')
  }

  /** Starts the idle time of a list anew. @throws {SessionError} */
  async touch (label: string): Promise<void> {
    await this.#companion.records.touch(listName(label))
  }
}
