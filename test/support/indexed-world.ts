import './small-caches'
import { SessionText } from '../../lib/session/codec'
import { Indexing } from '../../lib/session/indexing'
import { createSession, moveSession } from '../../lib/session/move'
import { headerOf as openedHeader, type SessionKey } from '../../lib/session/opened-session'
import { SessionRecords } from '../../lib/session/session-records'
import { decodeList, type IndexEntry } from '../../lib/store/index-entry'
import type { OnLimit } from '../../lib/store/index-entering'
import { IndexLabels, listName } from '../../lib/store/index-labels'
import { BaseRecordStore } from '../../lib/store/record-store'
import { headerOf } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { Companion, Creation, PortableRecordStore, PortableSession, Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-store'
import type { Actor, Step, World } from './interleavings'
import { json } from './visits'

/**
 * Processes that log in, move, switch users, end sessions, sweep and crash, in every order of their calls to a
 * store and to the lists of its index.
 */

/** The number of the process that is there before the others. */
const BEFORE = 9
/** A secret that all processes but that one have. */
const NEWER = Buffer.from('a newer secret')

interface Entry { text: string, version: number }

/** What all processes share. */
class Shared {
  readonly sessions = new Map<string, Entry>()
  readonly lists = new Map<string, Entry>()
  readonly log: string[] = []
  now = 1_000_000_000_000
  /** By what each process was answered: it remembers no more than that. */
  readonly answers: string[][] = []
  /** Versions go on when a record is made anew. */
  readonly versions = new Map<string, number>()
}

/** Verbs on a map. A process waits before each call. */
class SharedRecords extends BaseRecordStore implements PortableRecordStore {
  readonly features = { records: true, portable: true, indexable: true } as const

  constructor (readonly shared: Shared, readonly kind: 'sessions' | 'lists', readonly process: number, readonly step: Step, idGenerator: () => string) {
    super({ appid: 'sid', idGenerator })
  }

  companion (): Companion {
    const records = new SharedRecords(this.shared, 'lists', this.process, this.step, () => '')
    return { records, idleTimeout: 7200, latest: name => this.read(name) }
  }

  async open (): Promise<void> {}
  async close (): Promise<void> {}
  async touch (): Promise<void> {}
  async setAside (): Promise<void> {}

  async read (name: string): Promise<StoredSession | null> {
    return await this.#call('read', name, entry => entry === undefined
      ? null
      : { text: entry.text, version: String(entry.version), idleTimeout: undefined, createdAt: 1, touchDue: false, idleLeft: undefined })
  }

  async create (name: string, { text }: SessionRecord): Promise<Creation> {
    return await this.#call('create', name, entry => entry !== undefined ? { result: 'taken' } : { result: 'created', version: this.#write(name, text) })
  }

  async replace (name: string, { text }: SessionRecord, version: string): Promise<Replacement> {
    return await this.#call('replace', name, entry => {
      if (entry === undefined) return { result: 'gone' }
      if (String(entry.version) !== version) return { result: 'conflict' }
      return { result: 'replaced', version: this.#write(name, text) }
    })
  }

  async remove (name: string, version?: string): Promise<Removal> {
    return await this.#call('remove', name, entry => {
      if (entry === undefined) return 'gone'
      if (version !== undefined && String(entry.version) !== version) return 'conflict'
      this.#map.delete(name)
      return 'removed'
    })
  }

  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    await this.step(`${this.kind} list`)
    for (const [name, { text }] of [...this.#map]) yield { name, text, idleTimeout: undefined, createdAt: 1, lastAccess: 1 }
  }

  async importSession (): Promise<Creation> {
    throw new Error('not here')
  }

  get #map (): Map<string, Entry> {
    return this.shared[this.kind]
  }

  #write (name: string, text: string): string {
    const version = (this.shared.versions.get(name) ?? 0) + 1
    this.shared.versions.set(name, version)
    this.#map.set(name, { text, version })
    return String(version)
  }

  async #call<T> (verb: string, name: string, work: (entry: Entry | undefined) => T): Promise<T> {
    const label = `${this.kind} ${verb} ${name.slice(0, 6)}`
    await this.step(label)
    const answer = work(this.#map.get(name))
    this.shared.answers[this.process]?.push(`${label}: ${JSON.stringify(answer)}`)
    this.shared.log.push(`${this.process} ${label}: ${typeof answer === 'string' ? answer : JSON.stringify(answer)}`)
    return answer
  }
}

/** Changes one process, to show that the search would find the mistake. */
export type Mutant = (process: Process) => void

/** One process, with its own view of the store. */
export class Process {
  readonly store: SharedRecords
  readonly index: SessionIndex
  records: SessionRecords

  constructor (readonly world: IndexedWorld, readonly number: number, readonly step: Step) {
    const { shared, limit, onLimit, isRotated, isMixed } = world
    let ids = 0
    this.store = new SharedRecords(shared, 'sessions', number, step, () => `a session id of process ${number}, the ${++ids}th`)
    this.index = new SessionIndex(this.store, () => shared.now, async () => {})
    if (isRotated) Object.assign(this.index, { labels: new IndexLabels('sid', number === BEFORE ? [null] : [NEWER, null]) })
    if (isMixed) Object.assign(this.index, { labels: new IndexLabels('sid', number % 2 === 0 ? [NEWER, null] : [null, NEWER]) })
    registerIndex(this.store, this.index)
    const text = new SessionText(json)
    // Of two logins it is known which one is the older.
    const settled = { indexes: { user: (data: Record<string, unknown>) => data.user as number }, maxPerValue: limit === undefined ? {} : { user: limit }, onLimit }
    this.records = new SessionRecords(this.store, this.store.cipher, new Indexing(this.store, settled, text, () => number === BEFORE ? shared.now : shared.now + 1 + number))
  }

  /** A login that makes a session. Returns its key once it is answered; null when it was ended before. */
  async login (user: number): Promise<SessionKey | null> {
    const created = await createSession(this.records, { text: JSON.stringify({ user }) })
    if (created !== null) this.world.answer(created.name, user)
    return created
  }

  /** A session of a visitor who is not logged in. */
  async visit (): Promise<SessionKey> {
    return await createSession(this.records, { text: '{"cart":1}' }) as SessionKey
  }

  async move (from: SessionKey, keepsLogin = true): Promise<void> {
    const keep = (newest: StoredSession): { text: string, header: object } => ({ text: newest.text, header: keepsLogin ? openedHeader(newest) : {} })
    const move = await moveSession(this.records, from, null, keep)
    if (move?.to) this.world.moved(from.name, move.to.name)
  }

  /** A save that makes it the session of another user, or of none. */
  async become (key: SessionKey, user: number | undefined, note?: number): Promise<void> {
    for (;;) {
      const base = await this.records.read(key)
      if (base === null) return
      const swap = await this.records.replace(key, { text: JSON.stringify({ user, note }) }, base)
      if (swap.result === 'replaced' && user !== undefined) this.world.answer(key.name, user)
      if (swap.result !== 'conflict') return
    }
  }

  async destroy (key: SessionKey): Promise<void> {
    const known = await this.records.read(key)
    await this.records.remove(key, undefined, known)
  }

  async revokeAll (user: number): Promise<void> {
    const before = this.world.answeredWith(user)
    await this.index.revokeAll('user', user)
    this.world.revoked(before, this.index.labels.of('user', user))
  }

  /** After a revoke that ended it, nothing that the session moved to works. */
  async revoke (key: SessionKey, user: number): Promise<void> {
    if (await this.index.revoke(sessionHandle(key.name))) this.world.revoked([key.name], this.index.labels.of('user', user))
  }

  async sweep (): Promise<void> {
    await this.index.sweep()
  }

  async wait (minutes: number): Promise<void> {
    await this.step('time passes')
    this.world.shared.now += minutes * 60_000
  }
}

export interface WorldOptions {
  /** How many logins a user may have. */
  limit?: number
  /** Whether processes may be held up for so long that their entries are swept: they end their sessions themselves then. */
  isSlow?: boolean
  /** Whether the server got a newer secret after what happened before. */
  isRotated?: boolean
  /** Whether all processes have both secrets, and only some take the newer one into use. */
  isMixed?: boolean
  /** What becomes of a login that is one too many. */
  onLimit?: OnLimit
  /** What happens before the processes begin, one step after the other. */
  before?: (process: Process) => Promise<SessionKey[]>
  processes: Array<(process: Process, keys: SessionKey[]) => Promise<unknown>>
  mutant?: Mutant
}

export class IndexedWorld implements World {
  readonly shared = new Shared()
  readonly limit: number | undefined
  readonly isRotated: boolean
  readonly isMixed: boolean
  readonly onLimit: OnLimit
  readonly actors: Actor[]
  /** Sessions that a visitor was told of, by name, with their user and the session that they go back to. */
  readonly #answered = new Map<string, { user: number, first: string }>()
  /** The first sessions of those that were answered before a call of revokeAll that was answered, with the labels of the value. */
  readonly #revoked = new Set<string>()
  readonly #isSlow: boolean
  #failure: string | null = null

  constructor ({ limit, before, processes, mutant, isSlow = false, isRotated = false, isMixed = false, onLimit = 'end-oldest' }: WorldOptions) {
    this.isMixed = isMixed
    this.onLimit = onLimit
    this.isRotated = isRotated
    this.#isSlow = isSlow
    this.limit = limit
    let setUp: Promise<SessionKey[]> | null = null
    this.actors = processes.map((run, at) => async step => {
      this.shared.answers[at] = []
      const process = new Process(this, at, step)
      mutant?.(process)
      setUp ??= before === undefined ? Promise.resolve([]) : before(new Process(this, BEFORE, async () => {}))
      await run(process, await setUp)
    })
  }

  answer (name: string, user: number): void {
    this.#answered.set(name, { user, first: name })
    this.#look()
  }

  moved (from: string, to: string): void {
    const before = this.#answered.get(from)
    if (before !== undefined) this.#answered.set(to, before)
    this.#look()
  }

  answeredWith (user: number): string[] {
    return [...this.#answered].filter(([, { user: has }]) => has === user).map(([name]) => name)
  }

  /** Called when revokeAll is answered: no session that was answered before the call works any more. */
  revoked (names: string[], labels: readonly string[]): void {
    for (const name of names) for (const label of labels) this.#revoked.add(`${name} ${label}`)
    this.#look()
  }

  state (): string {
    this.#look()
    const tags = new Map<string, number>()
    const { sessions, lists, answers, now } = this.shared
    return JSON.stringify([[...sessions], [...lists], answers, now, [...this.#answered.keys()], [...this.#revoked]])
      .replaceAll(/0\w{8}[\w-]{8}/g, tag => `<${tags.get(tag) ?? tags.set(tag, tags.size).size}>`)
  }

  history (): string {
    return `\n${this.shared.log.join('\n')}`
  }

  async check (): Promise<void> {
    this.#look()
    if (this.#failure !== null) throw new Error(this.#failure)
  }

  #entriesOf (label: string): readonly IndexEntry[] {
    const list = this.shared.lists.get(listName(label))
    return list === undefined ? [] : decodeList(list.text).entries
  }

  /** Looks for what must never be. */
  #look (): void {
    const living = new Map<number, number>()
    for (const [name, { text }] of this.shared.sessions) {
      const answered = this.#answered.get(name)
      const indexed = headerOf(text)?.indexed ?? {}
      for (const [label, login] of Object.entries(indexed)) {
        const isNamed = this.#entriesOf(label).some(entry => entry.handle === sessionHandle(name) && entry.login === login)
        if (!isNamed && (answered !== undefined || !this.#isSlow)) this.#failure ??= `the session ${name.slice(0, 6)} has a label, and the index does not name it`
        if (answered === undefined) continue
        living.set(answered.user, (living.get(answered.user) ?? 0) + 1)
        if (this.#revoked.has(`${answered.first} ${label}`) || this.#revoked.has(`${name} ${label}`)) this.#failure ??= `the session ${name.slice(0, 6)} lives after revokeAll was answered`
      }
    }
    for (const count of living.values()) {
      if (this.limit !== undefined && count > this.limit) this.#failure ??= `${count} logins live, and ${this.limit} may`
    }
  }
}
