import { touchInterval } from './clock'
import type { About, AboutText } from './index-about'
import { isSameEntry, type IndexEntry, type Place } from './index-entry'
import { marked, without, type IndexEnding } from './index-ending'
import { IndexLimit } from './index-limit'
import { NO_LONGER, type IndexLists } from './index-lists'
import { sessionHandle } from './session-id'

/** What is known of a session that enters lists. */
interface Known {
  readonly idleTimeout: number | undefined
  /** What a device list shows, as the lists hold it. */
  readonly sealed: string | undefined
  /** Called for that where neither is known. */
  readonly spare: (() => string | undefined) | undefined
}

/** A process that took longer than this (ms) writes its entry again: a sweep may have judged it meanwhile. */
const SLOW = 60_000
/** Lists that are remembered as touched lately, at most. */
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
    this.#limit = new IndexLimit(lists, ending, now)
    this.#about = about
    this.#interval = touchInterval(idleTimeout)
    this.#now = now
  }

  /**
   * Writes the entries of a session that is about to be stored with these labels. Returns false when one of
   * the logins was ended: then the session must not be stored. Unless it returns true, it takes out again what
   * it has entered. `spare`: what a device list shows where neither `about` nor the list says it.
   * @throws {SessionLimitError}, and {SessionError}
   */
  async enter (
    name: string, places: readonly Place[], idleTimeout: number | undefined, about: About | undefined, spare?: () => About | undefined
  ): Promise<boolean> {
    const sealed = this.#about.seal(about)
    return await this.enterSealed(name, places, idleTimeout, sealed, spare === undefined ? undefined : () => this.#about.seal(spare()))
  }

  /** Does what `enter` does, with `about` as the lists hold it. @throws {SessionLimitError}, and {SessionError} */
  async enterSealed (name: string, places: readonly Place[], idleTimeout: number | undefined, sealed: string | undefined, spare?: () => string | undefined): Promise<boolean> {
    /** A login that has a former label may be entering the same list by another request. */
    const isAlone = ({ login }: Place): boolean => places.every(place => place.login !== login || place.former === undefined)
    const added: Place[] = []
    let hasEntered = false
    try {
      hasEntered = await this.#enterLists(name, places, { idleTimeout, sealed, spare }, added)
    } finally {
      if (!hasEntered) await this.leave(name, added.filter(isAlone))
    }
    return hasEntered
  }

  async #enterLists (name: string, places: readonly Place[], known: Known, added: Place[]): Promise<boolean> {
    for (const place of places) {
      const { login, former } = place
      // A process may list the secrets in another order still, and look under the former label last.
      const before = former === undefined ? known.sealed : await this.#enterList(name, { label: former, login }, known, added)
      if (before === null || await this.#enterList(name, place, { ...known, sealed: before }, added) === null) return false
    }
    return true
  }

  /** Returns what the entry says about the session; null when its login was ended. @throws {SessionLimitError}, and {SessionError} */
  async #enterList (name: string, place: Place, { idleTimeout, sealed, spare }: Known, added: Place[]): Promise<string | undefined | null> {
    const { label, login, others = [] } = place
    const handle = sessionHandle(name)
    let about: string | undefined | null
    let isNew = false
    let unused: ReadonlySet<string> = new Set()
    const after = await this.#lists.change(label, async entries => {
      const before = entries.filter(entry => entry.login === login)
      about = before.some(entry => entry.isEnded) ? null : sealed ?? before.find(entry => entry.about !== undefined)?.about ?? spare?.()
      if (about === null) return null
      isNew = !before.some(entry => entry.handle === handle)
      const entry = { handle, login, at: this.#now(), isEnded: false, about }
      const all = [...without(entries, [entry]) ?? entries, entry]
      unused = await this.#limit.refuse(all, place)
      return marked(all, ({ login }) => unused.has(login)) ?? all
    }, idleTimeout)
    if (about === null) return null
    if (isNew) added.push(place)
    // Of two processes that write to lists of different secrets one at least sees both logins, now that its entry is there.
    if (others.length > 0) await this.#mark(others, new Set([...unused, ...await this.#limit.refuse(after, place)]))
    return about
  }

  async #mark (labels: readonly string[], logins: ReadonlySet<string>): Promise<void> {
    if (logins.size > 0) for (const label of labels) await this.#lists.change(label, entries => marked(entries, ({ login }) => logins.has(login)), NO_LONGER)
  }

  /**
   * Whether the session that was stored with these labels may stay. Marks the logins that are too many beside it,
   * not before it is stored: a login that cannot be stored ends no session. Ends what is marked in the lists.
   * `since`: when `enter` was called. @throws {SessionError}
   */
  async confirm (name: string, places: readonly Place[], since: number): Promise<boolean> {
    const handle = sessionHandle(name)
    for (const place of places) {
      const { label, login, former, others = [] } = place
      const isMine = (entry: IndexEntry): boolean => isSameEntry(entry, { handle, login }) && !entry.isEnded
      const entries = await this.#confirmIn(place, isMine, since)
      await this.#ending.finish(label, entries, 'limit', [label, ...others], login)
      for (const each of others) await this.#ending.finish(each, await this.#lists.read(each), 'limit', [label, ...others], login)
      if (!entries.some(isMine)) return false
      // An end that looked under the newest label before this login had it has marked the former one.
      if (former !== undefined && (await this.#lists.read(former)).some(entry => entry.login === login && entry.isEnded)) return false
    }
    return true
  }

  /** Returns what the list of the place is, with what is too many marked there, and in those of other secrets. @throws {SessionError} */
  async #confirmIn (place: Place, isMine: (entry: IndexEntry) => boolean, since: number): Promise<readonly IndexEntry[]> {
    const { label, limit, others = [] } = place
    const at = this.#now()
    const isSlow = at - since > SLOW
    if (!isSlow && limit === undefined) return await this.#lists.read(label)
    let excess: ReadonlySet<string> = new Set()
    const entries = await this.#lists.change(label, async all => {
      const renewed = isSlow && all.some(isMine) ? all.map(entry => isMine(entry) ? { ...entry, at } : entry) : null
      excess = await this.#limit.excess(all, place)
      return marked(renewed ?? all, ({ login }) => excess.has(login)) ?? renewed
    }, NO_LONGER)
    await this.#mark(others, excess)
    return entries
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

  /**
   * Touches those of the lists for which it is time: a list must outlive its sessions. Ends what is marked in them: the
   * process that was to do that may have died. These are sessions of other requests: if one cannot be removed, a later
   * touch tries again, and this request goes on. @throws {SessionError}
   */
  async keepAlive (labels: readonly string[]): Promise<void> {
    for (const label of labels) {
      if (!this.#isDue(label)) continue
      const now = this.#now()
      const entries = await this.#lists.touch(label)
      await this.#ending.finish(label, entries, 'revoked').catch(() => undefined)
      if (this.#touched.size >= LISTS) this.#touched.clear()
      this.#touched.set(label, now)
    }
  }

  #isDue (label: string): boolean {
    const last = this.#touched.get(label)
    return last === undefined || Math.abs(this.#now() - last) >= this.#interval
  }
}
