import { durationSince, isWatched, publish, startOf, type DiagnosticsEvents } from '../diagnostics'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import { endSession } from './ending'
import { KeyedQueue } from '../keyed-queue'
import { publishCreated, publishEnded, publishRenewed } from '../store/session-events'
import { renewSession } from './renewal'
import { createSession, moveSession, type Move } from './move'
import type { SessionText } from './codec'
import type { StoredSession } from '../store/session-record'
import { headerOf, isSameHeader, type NewSession, type PlainRecord, type Predecessor, type SessionKey } from './opened-session'
import type { SessionRecords } from './session-records'

/**
 * Returns the record to store in place of the newest one; null to store nothing.
 * It runs again after each conflict.
 */
type Change = (newest: StoredSession) => PlainRecord | null | Promise<PlainRecord | null>

/** Told what is stored now, before any other commit of the session begins. It must not throw. */
type Won = (stored: StoredSession) => void

type Outcome = 'stored' | 'conflict' | 'gone'

/**
 * Brings changes into the store: the quick way if the store has one, otherwise in one loop of
 * compare-and-swap. Commits to one session wait for each other within the process, so that a session
 * that many requests write to costs no storm of conflicts. It knows keys, plain texts and versions, not
 * the sessions of requests.
 */
export class Committer {
  readonly #records: SessionRecords
  readonly #appid: string
  readonly #text: SessionText
  /** By name. A session that has none yet is its own key. */
  readonly #commits = new KeyedQueue()

  constructor (records: SessionRecords, appid: string, text: SessionText) {
    this.#records = records
    this.#appid = appid
    this.#text = text
  }

  /** Returns the session or null, as the store's `read` does; `undefined`: it takes time, call `read`. */
  readNow (key: SessionKey): StoredSession | null | undefined {
    return this.#records.readNow(key)
  }

  read (key: SessionKey): Promise<StoredSession | null> {
    return this.#records.read(key)
  }

  /** Ends the session and lets go of its encryption key. @see endSession */
  async end (key: SessionKey, known: StoredSession | null): Promise<SessionKey | null> {
    const ended = await endSession(this.#records, key, known)
    if (ended !== null) publishEnded(this.#appid, ended.name, 'destroyed')
    return ended
  }

  /** @see SessionRecords.movedTo */
  movedTo (key: SessionKey): Promise<SessionKey | null> {
    return this.#records.movedTo(key)
  }

  /** Starts the session's idle time anew. */
  touch (key: SessionKey, stored: StoredSession): Promise<void> {
    return this.#records.touch(key, stored)
  }

  /** Returns what is stored now; `undefined`, and nothing has happened, when it takes more than that: call `swap`. */
  replaceNow (key: SessionKey, base: StoredSession, record: PlainRecord): StoredSession | undefined {
    if (this.#commits.isBusy(key.name)) return undefined
    const start = startOf('commit')
    const outcome = this.#records.replaceNow(key, record, base)
    if (outcome?.result !== 'replaced') return undefined
    this.#publishCommit('replace', start, 0)
    return outcome.stored
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
  async swap (kind: 'replace' | 'update', key: SessionKey, base: StoredSession | null, change: Change, won: Won): Promise<boolean> {
    const start = startOf('commit')
    let newest = this.#commits.isBusy(key.name) ? null : base
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const outcome = await this.#attempt(key, newest, change, won)
      if (outcome === 'gone') return false
      if (outcome === 'stored') {
        this.#publishCommit(kind, start, conflicts)
        return true
      }
      if (isWatched('conflict')) publish('conflict', { appid: this.#appid })
      newest = null
    }
    throw tooManyConflicts()
  }

  async #attempt (key: SessionKey, newest: StoredSession | null, change: Change, won: Won): Promise<Outcome> {
    const started = await this.#commits.run(key.name, async () => {
      const base = newest ?? await this.read(key)
      if (base === null) return 'gone'
      const record = change(base)
      return record instanceof Promise ? { base, record } : await this.#replace(key, base, record, won)
    })
    if (typeof started === 'string') return started
    const record = await started.record
    return await this.#commits.run(key.name, () => this.#replace(key, started.base, record, won))
  }

  /** A record that changes nothing is not written. It is right only if it was made of the newest one. */
  async #replace (key: SessionKey, base: StoredSession, record: PlainRecord | null, won: Won): Promise<Outcome> {
    if (record === null) return 'gone'
    if (this.#text.isSame(record.text, base.text) && record.idleTimeout === base.idleTimeout && hasHeaderOf(record, base)) {
      const newest = await this.read(key)
      if (newest?.version !== base.version) return newest === null ? 'gone' : 'conflict'
      won(base)
      return 'stored'
    }
    const outcome = await this.#records.replace(key, record, base)
    if (outcome.result !== 'replaced') return outcome.result
    won(outcome.stored)
    return 'stored'
  }

  /** Runs steps of a session that is not stored yet one after the other: only one of them makes it. */
  whenUnstored<T> (visit: object, step: () => Promise<T>): Promise<T> {
    return this.#commits.run(visit, step)
  }

  /** @see createSession */
  async create (record: PlainRecord): Promise<NewSession | null> {
    const start = startOf('commit')
    const created = await createSession(this.#records, record)
    if (created === null) return null
    this.#publishCommit('create', start, 0)
    publishCreated(this.#appid, created.name, record.header?.freshAt !== undefined)
    return created
  }

  /** @see renewSession */
  async renew (from: Predecessor, base: StoredSession, renewed: (newest: StoredSession) => PlainRecord, grace: number): Promise<NewSession | null> {
    const start = startOf('commit')
    const newest = this.#commits.isBusy(from.name) ? null : base
    const to = await this.#commits.run(from.name, () => renewSession(this.#records, from, newest, renewed, grace))
    if (to === null) return null
    this.#publishCommit('create', start, 0)
    publishRenewed(this.#appid, from.name, to.name, 'age')
    return to
  }

  /** @see moveSession */
  async move (
    from: SessionKey, base: StoredSession, keep: (newest: StoredSession) => PlainRecord | null, cause: 'regenerate' | 'authenticated'
  ): Promise<Move | null> {
    const start = startOf('commit')
    // When a session that was just made began, only the store knows.
    const newest = this.#commits.isBusy(from.name) || base.createdAt === undefined ? null : base
    const move = await this.#commits.run(from.name, () => moveSession(this.#records, from, newest, keep))
    if (move === null) return null
    if (move.to === null) {
      publishEnded(this.#appid, from.name, 'destroyed')
    } else {
      this.#publishCommit('create', start, move.conflicts)
      publishRenewed(this.#appid, from.name, move.to.name, cause)
    }
    return move
  }

  #publishCommit (kind: DiagnosticsEvents['commit']['kind'], start: number, conflicts: number): void {
    if (start !== 0) publish('commit', { appid: this.#appid, duration: durationSince(start), kind, conflicts })
  }
}

function hasHeaderOf ({ header }: PlainRecord, base: StoredSession): boolean {
  return header === undefined || isSameHeader(header, headerOf(base))
}
