import './small-caches'
import { hash } from 'node:crypto'
import type { SessionKey } from '../../lib/session/opened-session'
import { decodeList, type IndexEntry, type OnLimit } from '../../lib/store/index-entry'
import { IndexLabels, listName } from '../../lib/store/index-labels'
import { forwardedName } from '../../lib/store/forwarding'
import { headerOf } from '../../lib/store/session-header'
import { nameOfHandle, sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import { BEFORE, NEWER, Process, type Mutant } from './indexed-process'
import { Shared, withoutChance } from './indexed-records'
import type { Actor, World } from './interleavings'

/**
 * Processes that log in, move, renew, switch users, list and end sessions, sweep and crash, in every order of
 * their calls to a store and to the lists of its index.
 */

/** The number of the process that looks at what is left. */
const AFTER = 8
/** Milliseconds: then an entry without a session is stale. */
const LATER = 3600_000
/** The user whose sessions are ended when all is over. */
export const USER = 42
/** His labels under all secrets. */
const LABELS = new IndexLabels('sid', [NEWER, null]).of('user', USER)

/** Logins that have the value for as long as a call of sessionsOf lasts. */
interface Listing { labels: readonly string[], logins: string[] }

export interface WorldOptions {
  /** How many logins a user may have. */
  limit?: number
  onLimit?: OnLimit
  /** How many logins there are in the end, if none crashes. */
  logins?: number
  /** Whether processes may be held up for so long that their entries are swept: they end their sessions themselves then. */
  isSlow?: boolean
  /** Whether the server got a newer secret after what happened before. */
  isRotated?: boolean
  /** Whether each second process lists the newer secret last still. Without `isRotated` all processes have it from the start. */
  isMixed?: boolean
  /** What happens before the processes begin, one step after the other. */
  before?: (process: Process) => Promise<SessionKey[]>
  processes: Array<(process: Process, keys: SessionKey[]) => Promise<unknown>>
  mutant?: Mutant
}

export class IndexedWorld implements World {
  readonly shared = new Shared()
  readonly limit: number | undefined
  readonly onLimit: OnLimit
  readonly isRotated: boolean
  readonly isMixed: boolean
  readonly actors: Actor[]
  /** Whether the app itself may call for a new id: then an id that is gone may have moved. */
  mayMove = false
  /** Sessions that a visitor was told of, by name, with their users and the session that they go back to. */
  readonly #answered = new Map<string, { users: Set<number | undefined>, first: string }>()
  /** The first sessions of those that were answered before a call of revokeAll that was answered, with the labels of the value. */
  readonly #revoked = new Set<string>()
  /** The first sessions of those that were ended whatever they hold. */
  readonly #ended = new Set<string>()
  readonly #listings = new Set<Listing>()
  readonly #isSlow: boolean
  readonly #logins: number | undefined
  #failure: string | null = null

  constructor ({ limit, onLimit = 'end-oldest', logins, before, processes, mutant, isSlow = false, isRotated = false, isMixed = false }: WorldOptions) {
    this.isRotated = isRotated
    this.isMixed = isMixed
    this.#isSlow = isSlow
    this.limit = limit
    this.onLimit = onLimit
    this.#logins = logins
    this.shared.changed = () => { this.#look() }
    let setUp: Promise<SessionKey[]> | null = null
    this.actors = processes.map((run, at) => async step => {
      this.shared.answers[at] = []
      const process = new Process(this, at, step)
      mutant?.(process)
      setUp ??= before === undefined ? Promise.resolve([]) : before(new Process(this, BEFORE, async () => {}))
      await run(process, await setUp)
    })
  }

  /** Called when a visitor is told of a session with this user. */
  answer (name: string, user: number | undefined): void {
    const users = (this.#answered.get(name)?.users ?? new Set()).add(user)
    this.#answered.set(name, { users, first: this.#firstOf(name) ?? name })
    this.#look()
  }

  moved (from: string, to: string): void {
    const before = this.#answered.get(from)
    if (before !== undefined) this.#answered.set(to, before)
    this.#look()
  }

  answeredWith (user: number): string[] {
    return [...this.#answered].filter(([, { users }]) => users.has(user)).map(([name]) => name)
  }

  /** Called when revokeAll is answered: no session that was answered before the call works any more. */
  revoked (names: string[], labels: readonly string[]): void {
    for (const name of names) for (const label of labels) this.#revoked.add(`${this.#firstOf(name)} ${label}`)
    this.#look()
  }

  /** Called when an end of this session is answered: nothing that becomes of it works any more. */
  ended (name: string): void {
    this.#ended.add(this.#firstOf(name) ?? name)
    this.#look()
  }

  /** Called when a call of sessionsOf begins. */
  list (labels: readonly string[]): Listing {
    const answered = [...this.shared.sessions].filter(([name]) => this.#firstOf(name) !== undefined)
    const listing = { labels, logins: answered.flatMap(([, { text }]) => loginsOf(text, labels)) }
    this.#listings.add(listing)
    return listing
  }

  /** Called when it is answered: what had the value all the time is in it, once. */
  listed (listing: Listing, handles: string[]): void {
    this.#listings.delete(listing)
    for (const login of listing.logins) {
      const count = handles.filter(handle => this.shared.logins.get(nameOfHandle(handle) ?? '')?.has(login)).length
      if (count !== 1) this.#failure ??= `a session is listed ${count} times`
    }
  }

  state (): string {
    const { sessions, lists, answers, now } = this.shared
    const facts = [[...sessions].sort(), [...lists].sort(), now, [...this.#answered.keys()], [...this.#revoked], [...this.#ended],
      [...this.#listings].map(({ logins }) => logins), this.#failure]
    // In which order the calls were answered that a process made at once is the same to it.
    return hash('sha1', withoutChance(JSON.stringify(facts)) + answers.map(lines => hash('sha1', lines.toSorted(byLabel).join('\n'))).join())
  }

  history (): string {
    return `\n${this.shared.log.join('\n')}`
  }

  async check (): Promise<void> {
    const living = new Set([...this.shared.sessions.values()].flatMap(({ text }) => Object.values(headerOf(text)?.indexed ?? {})))
    if (this.#logins !== undefined && living.size !== this.#logins) this.#failure ??= `${living.size} logins are left, not ${this.#logins}`
    const process = new Process(this, AFTER, async () => {})
    await new SessionIndex(process.store, () => this.shared.now + LATER, async () => {}).sweep()
    for (const { text } of this.shared.lists.values()) this.#checkSwept(decodeList(text))
    await process.revokeAll(USER)
    const labels = process.index.labels.of('user', USER)
    const isLeft = [...this.shared.sessions.values()].some(({ text }) => loginsOf(text, labels).length > 0)
    if (isLeft && !this.#isSlow) this.#failure ??= 'a last revokeAll has missed a session'
    if (this.#failure !== null) throw new Error(this.#failure)
  }

  /** After a sweep the lists name the sessions that there are, and nothing else. */
  #checkSwept ({ label, entries }: { label: string, entries: readonly IndexEntry[] }): void {
    for (const { handle, login } of entries) {
      const { text } = this.shared.sessions.get(nameOfHandle(handle) ?? '') ?? {}
      if (text === undefined || !loginsOf(text, [label]).includes(login)) this.#failure ??= 'an entry is left over after a sweep'
    }
  }

  /** Returns the session that this one goes back to; `undefined` for one that no visitor was told of, and no id that one was told of leads to. */
  #firstOf (name: string): string | undefined {
    const answered = this.#answered.get(name)
    if (answered !== undefined) return answered.first
    for (const [from, { text }] of this.shared.sessions) if (forwardedName(text) === name) return this.#firstOf(from)
    return undefined
  }

  #entriesOf (label: string): readonly IndexEntry[] {
    const list = this.shared.lists.get(listName(label))
    return list === undefined ? [] : decodeList(list.text).entries
  }

  /** Looks for what must never be. */
  #look (): void {
    const living = new Map<string | number, number>()
    for (const [name, { text }] of this.shared.sessions) {
      const first = this.#firstOf(name)
      const short = name.slice(0, 6)
      if (forwardedName(text) === null && first !== undefined && this.#ended.has(first)) this.#failure ??= `the session ${short} lives after its end was answered`
      for (const [label, login] of Object.entries(headerOf(text)?.indexed ?? {})) {
        const isNamed = this.#entriesOf(label).some(entry => entry.handle === sessionHandle(name) && entry.login === login)
        if (!isNamed && (first !== undefined || !this.#isSlow)) this.#failure ??= `the session ${short} has a label, and the index does not name it`
        if (first === undefined) continue
        const value = LABELS.includes(label) ? USER : label
        if (this.#answered.has(name)) living.set(value, (living.get(value) ?? 0) + 1)
        if (this.#revoked.has(`${first} ${label}`)) this.#failure ??= `the session ${short} lives after revokeAll was answered`
      }
    }
    for (const count of living.values()) {
      if (this.limit !== undefined && count > this.limit) this.#failure ??= `${count} logins live, and ${this.limit} may`
    }
    const texts = [...this.shared.sessions.values()].map(({ text }) => text)
    for (const listing of this.#listings) listing.logins = listing.logins.filter(login => texts.some(text => loginsOf(text, listing.labels).includes(login)))
  }
}

/** Calls of the same label stay in their order. */
function byLabel (one: string, other: string): number {
  const [first, second] = [one, other].map(line => line.slice(0, line.indexOf(':'))) as [string, string]
  return first < second ? -1 : first > second ? 1 : 0
}

/** Returns the logins by which a session has one of the labels. */
function loginsOf (text: string, labels: readonly string[]): string[] {
  const { indexed = {} } = headerOf(text) ?? {}
  return labels.flatMap(label => indexed[label] ?? [])
}
