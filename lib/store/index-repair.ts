import { DamagedList, isSameEntry, type IndexEntry, type Place } from './index-entry'
import { listName } from './index-labels'
import type { IndexLists } from './index-lists'
import { sessionHandle } from './session-id'

interface Lost {
  readonly label: string
  readonly entries: IndexEntry[]
  /** Seconds: the longest of the sessions; `undefined`: the store's own. */
  idleTimeout: number | undefined
}

/**
 * Puts sessions back into lists that have lost them, by what the headers of the sessions say.
 *
 * A list that is damaged takes no session in until it is made anew. So what all sessions say is the
 * whole of it, if it was damaged before the first of them was looked at: `begin`, then `collect` for each
 * session, then `finish`. What was known of the sessions beside that, such as `about`, is lost.
 */
export class IndexRepair {
  readonly #lists: IndexLists
  readonly #now: () => number
  /** The names of the lists that were damaged at the beginning. */
  readonly #damaged = new Set<string>()
  /** By name. */
  readonly #lost = new Map<string, Lost>()

  constructor (lists: IndexLists, now: () => number) {
    this.#lists = lists
    this.#now = now
  }

  /** Looks for damaged lists, and returns whether there are any. @throws {SessionError} */
  async begin (): Promise<boolean> {
    for await (const { name, error } of this.#lists.all()) if (error instanceof DamagedList) this.#damaged.add(name)
    return this.#damaged.size > 0
  }

  /** Notes what belongs into the damaged lists of a session, which has these places. */
  collect (name: string, places: readonly Place[], idleTimeout: number | undefined): void {
    for (const { label, login } of places) {
      const list = listName(label)
      if (!this.#damaged.has(list)) continue
      const lost = this.#lost.get(list) ?? { label, entries: [], idleTimeout }
      this.#lost.set(list, lost)
      lost.entries.push(this.#entry(name, login))
      if (idleTimeout !== undefined) lost.idleTimeout = Math.max(lost.idleTimeout ?? 0, idleTimeout)
    }
  }

  /** Makes the damaged lists anew. Those of which no session spoke are removed. @throws {SessionError} */
  async finish (): Promise<void> {
    for (const name of this.#damaged) {
      const { label = '', entries = [], idleTimeout } = this.#lost.get(name) ?? {}
      await this.#lists.restore(name, { label, entries }, idleTimeout)
    }
  }

  /** Enters a session in those of the lists that do not name it, and returns whether there were any. @throws {SessionError} */
  async putBack (name: string, places: readonly Place[], idleTimeout: number | undefined): Promise<boolean> {
    let isPutBack = false
    for (const { label, login } of places) {
      const entry = this.#entry(name, login)
      let isNamed = false
      await this.#lists.change(label, entries => {
        isNamed = entries.some(each => isSameEntry(each, entry) || (each.login === login && each.isEnded))
        return isNamed ? null : [...entries, entry]
      }, idleTimeout)
      if (isNamed) await this.#lists.lengthen(label, idleTimeout)
      else isPutBack = true
    }
    return isPutBack
  }

  #entry (name: string, login: string): IndexEntry {
    return { handle: sessionHandle(name), login, at: this.#now(), isEnded: false, about: undefined }
  }
}
