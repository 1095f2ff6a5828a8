import { isDeepStrictEqual } from 'node:util'
import { durationSince, isWatched, publish, startOf, type DiagnosticsEvents } from '../diagnostics'
import { SessionError } from '../errors'
import { KeyedQueue } from './keyed-queue'
import { isPlainObject, merge, type PlainObject } from './merge'
import type { SessionCodec } from './codec'
import { inside, type Session, type SessionDraft, type SessionState } from './session'
import type { CreatedSession, Replacement, StoredSession, VersionedSessionStore } from '../store/session-store'

/** So many conflicts in a row are no bad luck any more: somebody never stops writing. */
const MOST_CONFLICTS = 1000

/** Where it is said what became of a session. Lines hold no ids and no data. */
export interface SessionLog {
  debug (message: string): void
  warn (details: { err: unknown }, message: string): void
}

type Change<T> = (draft: SessionDraft) => T | Promise<T>

/**
 * Brings a session's changes into the store: compare-and-swap on the version that was loaded; on a
 * conflict merge with what is there now, and again. Commits to one session wait for each other
 * within the process, so that a session that everybody writes to costs no storm of conflicts.
 */
export class Committer {
  readonly #store: VersionedSessionStore
  readonly #codec: SessionCodec
  /** By session id, for all requests of the process; a session that has none yet is its own key. */
  readonly #queue = new KeyedQueue()
  readonly #emptyText: string
  /** Whether the codec makes the same text of the same data. One that encrypts does not. */
  readonly #repeats: boolean

  constructor (store: VersionedSessionStore, codec: SessionCodec) {
    this.#store = store
    this.#codec = codec
    this.#emptyText = this.encode({})
    this.#repeats = this.encode({}) === this.#emptyText
  }

  /**
   * Stores what differs from what is stored; a new session that is empty stays unstored. Answers
   * whether there was anything to store, at once when nobody has to be waited for.
   */
  commit (session: Session, log: SessionLog): boolean | Promise<true> {
    const state = inside.state(session)
    const text = this.encode(session.data())
    if (!this.#isChanged(state, text)) return false
    const { sesid } = state
    if (sesid === null || this.#queue.isBusy(sesid)) return this.#commit(session, text, log)
    // Nobody is to be waited for, and a store that has the session in memory does not wait either.
    const start = startOf('commit')
    const outcome = this.#store.replaceSession(sesid, text, state.version, changedIdleTimeout(state))
    if (outcome instanceof Promise || outcome.result !== 'replaced') {
      return this.#queue.run(sesid, () => this.#replace(session, sesid, text, log, outcome)).then(() => true)
    }
    this.#publishCommit('replace', start, 0)
    this.#stored(session, text, { sesid, text, version: outcome.version, storedIdleTimeout: state.idleTimeout })
    return true
  }

  async #commit (session: Session, text: string, log: SessionLog): Promise<true> {
    const state = inside.state(session)
    const { sesid } = state
    let waited = false
    const turn = this.#queue.run(sesid ?? session, async () => {
      // Other steps of this request may have come first.
      if (state.sesid !== sesid) return false
      if (waited) text = this.encode(session.data())
      if (sesid === null) await this.#create(session, text)
      else await this.#replace(session, sesid, text, log)
      return true
    })
    waited = true
    if (!await turn) await this.commit(session, log)
    return true
  }

  /** Whether there is something to store. */
  isModified (session: Session): boolean {
    return this.#isChanged(inside.state(session), this.encode(session.data()))
  }

  async insert (text: string, idleTimeout: number | undefined): Promise<CreatedSession> {
    const start = startOf('commit')
    const created = await this.#store.createSession(text, { idleTimeout })
    this.#publishCommit('create', start, 0)
    return created
  }

  /** @see Session.update */
  async update<T> (session: Session, change: Change<T>, log: SessionLog): Promise<T | undefined> {
    const state = inside.state(session)
    const { sesid } = state
    if (sesid === null) return await this.#updateUnstored(session, change, log)
    const start = startOf('commit')
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      // A change that answers at once keeps its place in the queue, so it meets no conflict within
      // this process. One that takes its time gives it up, lest it wait for itself.
      const attempt = await this.#queue.run(sesid, async () => {
        if (state.sesid !== sesid) return null
        const newest = conflicts === 0 ? { text: state.text, version: state.version } : await this.#store.readSession(sesid)
        if (newest === null) return null
        const draft = this.decode(newest.text)
        const answer = change(draft as SessionDraft)
        const swap = (): Promise<Replacement['result']> => this.#swap(session, sesid, newest, draft)
        return isPromise(answer) ? { answer, swap } : { answer, swapped: await swap() }
      })
      if (attempt === null) return this.#drop(session, sesid, log)
      const answer = await attempt.answer
      const swapped = attempt.swapped ?? await this.#queue.run(sesid, attempt.swap)
      if (swapped === 'replaced') {
        this.#publishCommit('update', start, conflicts)
        return answer
      }
      if (swapped === 'gone') return this.#drop(session, sesid, log)
      this.#publish('conflict')
    }
    throw tooManyConflicts()
  }

  /** These data of a session, with what others stored meanwhile merged in; null when it was destroyed. */
  async rebase ({ text, version }: SessionState, sesid: string, data: PlainObject, log: SessionLog): Promise<PlainObject | null> {
    const theirs = await this.#store.readSession(sesid)
    if (theirs === null) {
      log.debug('the session was destroyed in the meantime: nothing of it is kept')
      this.#publish('gone')
      return null
    }
    return theirs.version === version ? data : merge(this.decode(text), this.decode(theirs.text), data)
  }

  /** @throws {SessionError} SESSION_CODEC */
  encode (data: PlainObject): string {
    let reason = 'codec.encode must return a string'
    try {
      const text: unknown = this.#codec.encode(data)
      if (typeof text === 'string') return text
    } catch (error) {
      // No more of it, and not as a cause: it may quote the data.
      reason = `${nameOf(error)}: is there something in it that the codec cannot store, such as a circle or a BigInt?`
    }
    throw new SessionError('SESSION_CODEC', `the session cannot be encoded (${reason})`)
  }

  /** @throws {SessionError} SESSION_UNDECODABLE */
  decode (text: string): PlainObject {
    // A session that newSession made and nobody filled.
    if (text === '') return {}
    let reason: string
    try {
      const data: unknown = this.#codec.decode(text)
      if (isPlainObject(data)) return data
      reason = 'it is no object'
    } catch (error) {
      // No more of it, and not as a cause: parsers quote the text, and causes are logged.
      reason = nameOf(error)
    }
    throw new SessionError('SESSION_UNDECODABLE',
      `the stored session cannot be decoded (${reason}): was it written with another codec?`)
  }

  #isChanged ({ sesid, text, idleTimeout, storedIdleTimeout }: SessionState, newText: string): boolean {
    return !this.#isSame(newText, sesid === null ? this.#emptyText : text) ||
      (sesid !== null && idleTimeout !== storedIdleTimeout)
  }

  #isSame (text: string, other: string): boolean {
    return text === other || (!this.#repeats && isDeepStrictEqual(this.decode(text), this.decode(other)))
  }

  async #create (session: Session, text: string): Promise<void> {
    const state = inside.state(session)
    const { idleTimeout } = state
    const { sesid, version } = await this.insert(text, idleTimeout)
    Object.assign(state, { sesid, version, text, storedIdleTimeout: idleTimeout })
  }

  /** `first` is the answer to a first try. */
  async #replace (
    session: Session, sesid: string, mineText: string, log: SessionLog, first?: Replacement | Promise<Replacement>
  ): Promise<void> {
    const state = inside.state(session)
    const { text: baseText, idleTimeout } = state
    let text = mineText
    let { version } = state
    const start = startOf('commit')
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const outcome = conflicts === 0 && first !== undefined
        ? await first
        : await this.#store.replaceSession(sesid, text, version, changedIdleTimeout(state))
      if (outcome.result === 'gone') return this.#drop(session, sesid, log)
      if (outcome.result === 'replaced') {
        this.#publishCommit('replace', start, conflicts)
        return this.#stored(session, mineText, { sesid, text, version: outcome.version, storedIdleTimeout: idleTimeout })
      }
      this.#publish('conflict')
      const theirs = await this.#store.readSession(sesid)
      if (theirs === null) return this.#drop(session, sesid, log)
      text = this.encode(merge(this.decode(baseText), this.decode(theirs.text), this.decode(mineText)))
      version = theirs.version
    }
    throw tooManyConflicts()
  }

  /** One try to store a draft. One that changes nothing is right only if it saw the newest state. */
  async #swap (
    session: Session, sesid: string, newest: Pick<StoredSession, 'text' | 'version'>, draft: PlainObject
  ): Promise<Replacement['result']> {
    const state = inside.state(session)
    if (state.sesid !== sesid) return 'gone'
    const { idleTimeout } = state
    const text = this.encode(draft)
    let { version } = newest
    if (this.#isSame(text, newest.text) && idleTimeout === state.storedIdleTimeout) {
      const current = await this.#store.readSession(sesid)
      if (current?.version !== version) return current === null ? 'gone' : 'conflict'
    } else {
      const outcome = await this.#store.replaceSession(sesid, text, version, changedIdleTimeout(state))
      if (outcome.result !== 'replaced') return outcome.result
      version = outcome.version
    }
    this.#stored(session, state.text, { sesid, text, version, storedIdleTimeout: idleTimeout })
    return 'replaced'
  }

  /** Takes over what is stored now. What was changed here since `base` stays, on top of it. */
  #stored (session: Session, base: string, now: Pick<SessionState, 'text' | 'version' | 'storedIdleTimeout'> & { sesid: string }): void {
    const state = inside.state(session)
    if (state.sesid !== now.sesid) return
    if (now.text !== base) inside.fill(session, merge(this.decode(base), this.decode(now.text), session.data()))
    state.text = now.text
    state.version = now.version
    state.storedIdleTimeout = now.storedIdleTimeout
  }

  /** Nobody else can know a session that is not stored, but other steps of this request may store it. */
  async #updateUnstored<T> (session: Session, change: Change<T>, log: SessionLog): Promise<T | undefined> {
    const base = this.encode(session.data())
    const draft = this.decode(base)
    const answer = await change(draft as SessionDraft)
    const isDone = await this.#queue.run(session, async () => {
      const state = inside.state(session)
      if (state.sesid !== null) return false
      const text = this.encode(merge(this.decode(base), draft, session.data()))
      if (this.#isChanged(state, text)) await this.#create(session, text)
      inside.fill(session, merge(this.decode(base), draft, session.data()))
      return true
    })
    return isDone ? answer : await this.update(session, change, log)
  }

  /** The session was destroyed in the meantime, and the changes with it. */
  #drop (session: Session, sesid: string, log: SessionLog): undefined {
    log.debug('the session was destroyed in the meantime: the changes of this request are dropped')
    this.#publish('gone')
    const state = inside.state(session)
    // This request may have begun a new one itself.
    if (state.sesid !== sesid) return
    inside.begin(session, {})
    state.destroyed = true
  }

  #publish (name: 'conflict' | 'gone'): void {
    if (isWatched(name)) publish(name, { appid: this.#store.sesAppid() })
  }

  #publishCommit (kind: DiagnosticsEvents['commit']['kind'], start: number, conflicts: number): void {
    if (start !== 0) publish('commit', { appid: this.#store.sesAppid(), duration: durationSince(start), kind, conflicts })
  }
}

function changedIdleTimeout ({ idleTimeout, storedIdleTimeout }: SessionState): { idleTimeout: number | undefined } | undefined {
  return idleTimeout === storedIdleTimeout ? undefined : { idleTimeout }
}

function nameOf (error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

/** Whoever writes a store or a change may have promises of another make. */
export function isPromise (value: unknown): value is Promise<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function tooManyConflicts (): SessionError {
  return new SessionError('SESSION_CONFLICT', 'the session could not be saved: others change it all the time')
}
