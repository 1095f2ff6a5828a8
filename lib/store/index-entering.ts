import { touchInterval } from './clock'
import type { About, AboutText } from './index-about'
import { isSameEntry, type IndexEntry } from './index-entry'
import { without, type IndexEnding } from './index-ending'
import { IndexLimit, loginsOf, marked } from './index-limit'
import { NO_LONGER, type IndexLists } from './index-lists'
import { sessionHandle } from './session-id'

/** What becomes of a login that is one too many. */
export type OnLimit = 'end-oldest' | 'refuse'

/** A place that a session is to have in an index. */
export interface Place {
  readonly label: string
  readonly login: string
  /** The label that the login had so far, under another secret of the server. Its list names the session until a sweep. */
  readonly former?: string | undefined
  /** How many logins the value may have; `undefined`: any number, or the login is not a new one. */
  readonly limit?: number | undefined
  readonly onLimit?: OnLimit | undefined
  /** The labels of the value under other secrets of the server, where logins count as well; left out: there are none. */
  readonly others?: readonly string[] | undefined
}

/** A process that took longer than this (ms) writes its entry again: a sweep may have judged it meanwhile. */
const SLOW = 60_000
/** So many lists are remembered as touched lately. */
const LISTS = 10_000

/** Keeps the entries of a session right while it is stored, moves and ends. */
export class IndexEntering {
  readonly #lists: IndexLists
  readonly #ending: IndexEnding
  readonly #limit: IndexLimit
  readonly #about: AboutText
  readonly #now: () => number
  /** Milliseconds. */
  readonly #interval: number
  /** When a list was touched last, by label. */
  readonly #touched = new Map<string, number>()

  /** `idleTimeout` is the store's own, in seconds. */
  constructor (lists: IndexLists, ending: IndexEnding, about: AboutText, idleTimeout: number, now: () => number) {
    this.#lists = lists
    this.#ending = ending
    this.#limit = new IndexLimit(ending, now)
    this.#about = about
    this.#interval = touchInterval(idleTimeout)
    this.#now = now
  }

  /**
   * Writes the entries of a session that is about to be stored with these labels. Returns false when one of
   * the logins was ended: then the session must not be stored. @throws {SessionLimitError}, and {SessionError}
   */
  async enter (name: string, places: readonly Place[], idleTimeout: number | undefined, about: About | undefined): Promise<boolean> {
    return await this.enterSealed(name, places, idleTimeout, this.#about.seal(about))
  }

  /** Does what `enter` does, with `about` as the lists hold it. @throws {SessionLimitError}, and {SessionError} */
  async enterSealed (name: string, places: readonly Place[], idleTimeout: number | undefined, sealed: string | undefined): Promise<boolean> {
    for (const place of places) {
      const { login, former } = place
      // A process may list the secrets in another order still, and look under the former label last.
      const before = former === undefined ? sealed : await this.#enterList(name, { label: former, login }, idleTimeout, sealed)
      if (before === null || await this.#enterList(name, place, idleTimeout, before) === null) return false
    }
    return true
  }

  /** Returns what the entry says about the session; null when its login was ended. @throws {SessionLimitError}, and {SessionError} */
  async #enterList (name: string, place: Place, idleTimeout: number | undefined, sealed: string | undefined): Promise<string | undefined | null> {
    const { label, login } = place
    let about: string | undefined | null
    let known: string[] = []
    await this.#lists.change(label, async entries => {
      const before = entries.filter(entry => entry.login === login)
      about = before.some(entry => entry.isEnded) ? null : sealed ?? before[0]?.about
      if (about === null) return null
      const entry = { handle: sessionHandle(name), login, at: this.#now(), isEnded: false, about }
      const elsewhere = await this.#elsewhere(place)
      known = loginsOf(elsewhere)
      const all = [...without(entries, [entry]) ?? entries, entry]
      return marked(all, await this.#limit.excess([...all, ...elsewhere], place)) ?? all
    }, idleTimeout)
    return about === null || !await this.#limitElsewhere(name, place, known) ? null : about
  }

  /** Returns what lists of other secrets hold of the value, as far as it is limited. */
  async #elsewhere ({ others = [] }: Place): Promise<IndexEntry[]> {
    return (await Promise.all(others.map(label => this.#lists.read(label)))).flat()
  }

  /**
   * Looks again at the lists of other secrets, now that the entry of the login is there: of two processes that
   * write to different lists one at least sees both logins. `known`: the logins that the first look found.
   * Returns false when this login is one too many. @throws {SessionLimitError}
   */
  async #limitElsewhere (name: string, place: Place, known: readonly string[]): Promise<boolean> {
    const { label, login, others = [] } = place
    if (others.length === 0) return true
    const elsewhere = await this.#elsewhere(place)
    const late = loginsOf(elsewhere).filter(each => !known.includes(each))
    let excess: Set<string>
    try {
      excess = await this.#limit.excess([...await this.#lists.read(label), ...elsewhere], place, late)
    } catch (error) {
      await this.leave(name, [place])
      throw error
    }
    if (excess.size > 0) for (const each of [label, ...others]) await this.#lists.change(each, entries => marked(entries, excess), NO_LONGER)
    return !excess.has(login)
  }

  /**
   * Whether the session that was stored with these labels may stay. Ends what is marked in the lists.
   * `since`: when `enter` was called. @throws {SessionError}
   */
  async confirm (name: string, places: readonly Place[], since: number): Promise<boolean> {
    const handle = sessionHandle(name)
    for (const { label, login, former, others = [] } of places) {
      const isMine = (entry: IndexEntry): boolean => isSameEntry(entry, { handle, login }) && !entry.isEnded
      const at = this.#now()
      const entries = at - since > SLOW
        ? await this.#lists.change(label, all => all.some(isMine) ? all.map(entry => isMine(entry) ? { ...entry, at } : entry) : null)
        : await this.#lists.read(label)
      await this.#ending.finish(label, entries, 'limit', [label, ...others])
      for (const each of others) await this.#ending.finish(each, await this.#lists.read(each), 'limit', [label, ...others])
      if (!entries.some(isMine)) return false
      // An end that looked under the newest label before this login had it has marked the former one.
      if (former !== undefined && (await this.#lists.read(former)).some(entry => entry.login === login && entry.isEnded)) return false
    }
    return true
  }

  /** Takes the session out of lists. What cannot be taken out is stale, and swept later. */
  async leave (name: string, places: readonly Place[]): Promise<void> {
    const handle = sessionHandle(name)
    for (const { label, login } of places) {
      await this.#lists.change(label, entries => without(entries, [{ handle, login }])).catch(() => undefined)
    }
  }

  /** Whether it is time to touch one of the lists, because a session in it is used. */
  isTouchDue (labels: readonly string[]): boolean {
    return labels.some(label => this.#isDue(label))
  }

  /** Touches those of the lists for which it is time: a list must outlive its sessions. @throws {SessionError} */
  async keepAlive (labels: readonly string[]): Promise<void> {
    for (const label of labels) {
      if (!this.#isDue(label)) continue
      const now = this.#now()
      await this.#lists.touch(label)
      if (this.#touched.size >= LISTS) this.#touched.clear()
      this.#touched.set(label, now)
    }
  }

  #isDue (label: string): boolean {
    const last = this.#touched.get(label)
    return last === undefined || Math.abs(this.#now() - last) >= this.#interval
  }
}
