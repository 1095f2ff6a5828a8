import { durationSince, isWatched, publish, startOf, type DiagnosticsEvents } from '../diagnostics'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import { KeyedQueue } from '../keyed-queue'
import { createSession, moveSession, type Move, type NewSession } from './move'
import type { SessionText } from './codec'
import { isImmediate } from '../store/features'
import type { ImmediateRecordStore, RecordStore, SessionRecord, StoredSession } from '../store/session-store'

/**
 * What a caller wants stored on top of the newest record; null when it wants no such thing any more.
 * It runs again after each conflict.
 */
type Change = (newest: StoredSession) => SessionRecord | null | Promise<SessionRecord | null>

/** Told what is stored now, before any other commit of the session begins. It must not throw. */
type Won = (stored: StoredSession) => void

type Outcome = 'stored' | 'conflict' | 'gone'

/**
 * Brings changes into the store: the quick way if the store has one, otherwise in one loop of
 * compare-and-swap. Commits to one session wait for each other within the process, so that a session
 * that many requests write to costs no storm of conflicts. It knows names, texts and versions, not
 * the sessions of requests.
 */
export class Committer {
  readonly #store: RecordStore
  readonly #immediate: ImmediateRecordStore | null
  readonly #text: SessionText
  /** By name. A session that has none yet is its own key. */
  readonly #commits = new KeyedQueue()

  constructor (store: RecordStore, text: SessionText) {
    this.#store = store
    this.#immediate = isImmediate(store) ? store : null
    this.#text = text
  }

  /** Returns the session or null, as the store's `read` does; `undefined`: it takes time, call `read`. */
  readNow (name: string): StoredSession | null | undefined {
    return this.#immediate?.readNow(name)
  }

  async read (name: string): Promise<StoredSession | null> {
    const stored = this.readNow(name)
    return stored === undefined ? await this.#store.read(name) : stored
  }

  /** Returns what is stored now; `undefined`, and nothing has happened, when it takes more than that: call `swap`. */
  replaceNow (name: string, base: StoredSession, record: SessionRecord): StoredSession | undefined {
    if (this.#immediate === null || this.#commits.isBusy(name)) return undefined
    const start = startOf('commit')
    const outcome = this.#immediate.replaceNow(name, record, base.version)
    if (outcome?.result !== 'replaced') return undefined
    this.#publishCommit('replace', start, 0)
    return replaced(base, record, outcome.version)
  }

  /**
   * Stores what `change` makes of the newest record, again and again until no other request came
   * between, and returns whether that was done: false when the session has ended.
   *
   * `base` is the record as the caller knows it; null: the newest is read. A change that returns a
   * promise runs outside the queue, so that it may save the session itself.
   *
   * @throws {SessionError}, and what `change` throws; nothing is stored then
   */
  async swap (kind: 'replace' | 'update', name: string, base: StoredSession | null, change: Change, won: Won): Promise<boolean> {
    const start = startOf('commit')
    let newest = this.#commits.isBusy(name) ? null : base
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const outcome = await this.#attempt(name, newest, change, won)
      if (outcome === 'gone') return false
      if (outcome === 'stored') {
        this.#publishCommit(kind, start, conflicts)
        return true
      }
      if (isWatched('conflict')) publish('conflict', { appid: this.#store.sesAppid() })
      newest = null
    }
    throw tooManyConflicts()
  }

  async #attempt (name: string, newest: StoredSession | null, change: Change, won: Won): Promise<Outcome> {
    const started = await this.#commits.run(name, async () => {
      const base = newest ?? await this.read(name)
      if (base === null) return 'gone'
      const record = change(base)
      return record instanceof Promise ? { base, record } : await this.#replace(name, base, record, won)
    })
    if (typeof started === 'string') return started
    const record = await started.record
    return await this.#commits.run(name, () => this.#replace(name, started.base, record, won))
  }

  /** A record that changes nothing is not written. It is right only if it was made of the newest one. */
  async #replace (name: string, base: StoredSession, record: SessionRecord | null, won: Won): Promise<Outcome> {
    if (record === null) return 'gone'
    if (this.#text.isSame(record.text, base.text) && record.idleTimeout === base.idleTimeout) {
      const newest = await this.read(name)
      if (newest?.version !== base.version) return newest === null ? 'gone' : 'conflict'
      won(base)
      return 'stored'
    }
    const outcome = this.#immediate?.replaceNow(name, record, base.version) ?? await this.#store.replace(name, record, base.version)
    if (outcome.result !== 'replaced') return outcome.result
    won(replaced(base, record, outcome.version))
    return 'stored'
  }

  /** Runs steps of a session that is not stored yet one after the other: only one of them makes it. */
  whenUnstored<T> (visit: object, step: () => Promise<T>): Promise<T> {
    return this.#commits.run(visit, step)
  }

  /** @see createSession */
  async create (record: SessionRecord): Promise<NewSession> {
    const start = startOf('commit')
    const created = await createSession(this.#store, record)
    this.#publishCommit('create', start, 0)
    return created
  }

  /** @see moveSession */
  async move (from: string, base: StoredSession, keep: (newest: StoredSession) => SessionRecord | null): Promise<Move | null> {
    const start = startOf('commit')
    // When a session that was just made began, only the store knows.
    const newest = this.#commits.isBusy(from) || base.createdAt === undefined ? null : base
    const move = await this.#commits.run(from, () => moveSession(this.#store, from, newest, keep))
    if (move !== null && move.to !== null) this.#publishCommit('create', start, move.conflicts)
    return move
  }

  #publishCommit (kind: DiagnosticsEvents['commit']['kind'], start: number, conflicts: number): void {
    if (start !== 0) publish('commit', { appid: this.#store.sesAppid(), duration: durationSince(start), kind, conflicts })
  }
}

function replaced (base: StoredSession, { text, idleTimeout }: SessionRecord, version: string): StoredSession {
  const { createdAt, touchDue, idleLeft } = base
  return { text, idleTimeout, createdAt, version, touchDue, idleLeft }
}
