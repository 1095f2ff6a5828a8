import { Committer, isPromise, type SessionLog } from './commit'
import { durationSince, isWatched, publish, publishError, startOf, watchErrors, type DiagnosticsEvents } from '../diagnostics'
import { KeyedQueue } from './keyed-queue'
import { merge, put, type PlainObject } from './merge'
import type { SessionCodec } from './codec'
import type { SessionCookieOptions } from './cookie-options'
import { inside, Session, SessionState, type SessionActions, type SessionDraft } from './session'
import { LastWriterWins } from '../store/five-method-store'
import {
  isQuarantining, isTouchable, isVersioned, type CreatedSession, type SessionStore, type StoredSession, type VersionedSessionStore
} from '../store/session-store'

/** What is to become of the visitor's cookie. `refresh`: it is right, but may be about to run out. */
export type CookieChange =
  | { change: 'none' }
  | { change: 'clear' }
  | { change: 'send' | 'refresh', sesid: string, maxAge: number | undefined, options: SessionCookieOptions | undefined }

const NONE: CookieChange = { change: 'none' }
const CLEAR: CookieChange = { change: 'clear' }

/**
 * The way of one request: the cookie's value comes in, the session is loaded, handed out, and at
 * the end stored; what is to become of the cookie goes out. Knows stores by their interface only.
 */
export class SessionManager {
  readonly #store: SessionStore
  readonly #versions: VersionedSessionStore
  readonly #committer: Committer
  readonly #rolling: boolean
  /** By session object, for the steps of one request: nobody may have waited for a `save()`. */
  readonly #steps = new KeyedQueue()

  constructor (store: SessionStore, codec: SessionCodec, rolling: boolean) {
    this.#store = store
    this.#versions = isVersioned(store) ? store : new LastWriterWins(store)
    this.#committer = new Committer(this.#versions, codec)
    this.#rolling = rolling
  }

  /** For a request without a session cookie. */
  begin (log: SessionLog): Visit {
    return new Visit(this, log, null, null)
  }

  /** For a request with one. @throws {SessionError} when the store cannot be read */
  load (sesid: string, log: SessionLog): Visit | Promise<Visit> {
    const start = startOf('load')
    const stored = this.#versions.readSession(sesid)
    return isPromise(stored)
      ? this.#watch('load', Promise.resolve(stored)).then(stored => this.#visit(sesid, stored, start, log))
      : this.#visit(sesid, stored, start, log)
  }

  #visit (sesid: string, stored: StoredSession | null, start: number, log: SessionLog): Visit {
    if (start !== 0) {
      publish('load', { appid: this.#store.sesAppid(), duration: durationSince(start), found: stored !== null })
    }
    if (stored === null) log.debug('the cookie names no live session')
    return new Visit(this, log, sesid, stored)
  }

  /** The session of a visit, made when a handler first looks at it. */
  open (visit: Visit): Session {
    const { sesid, stored, log } = visit
    const state = new SessionState()
    if (sesid !== null && stored !== null) {
      try {
        const data = this.#committer.decode(stored.text)
        state.remember(sesid, stored)
        return new Session(state, data, visit)
      } catch (error) {
        log.warn({ err: error }, 'a stored session is set aside, and a new one begins')
        publishError('decode', this.#store.sesAppid(), error)
        state.abandoned.push({ sesid, keep: true })
      }
    }
    return new Session(state, {}, visit)
  }

  /**
   * The end of a request: stores what there is to store. Answers at once when there is nothing to
   * be done; a second time, when the first failed and its error is sent, nothing is.
   *
   * A reply that is sent twice at once, as by a hook that redirects and a handler after it, waits
   * for the first: it must not go out before the session is stored and the cookie written.
   *
   * @throws {SessionError} when the session could not be stored
   */
  finish (visit: Visit): CookieChange | Promise<CookieChange> {
    if (visit.finishing !== null) return visit.finishing.then(() => NONE)
    if (visit.finished) return NONE
    visit.finished = true
    let change: CookieChange | Promise<CookieChange>
    try {
      change = this.#finishVisit(visit)
    } catch (error) {
      publishError('save', this.#store.sesAppid(), error)
      throw error
    }
    if (!(change instanceof Promise)) return change
    const settled = (): void => { visit.finishing = null }
    visit.finishing = change
    change.then(settled, settled)
    return this.#watch('save', change)
  }

  #finishVisit (visit: Visit): CookieChange | Promise<CookieChange> {
    const { opened, sesid, stored } = visit
    if (opened !== null) {
      // Whoever called save() and the like may not have waited for it.
      return this.#steps.isBusy(opened)
        ? this.#steps.run(opened, async () => await this.#finishOpened(opened, visit))
        : this.#finishOpened(opened, visit)
    }
    if (sesid === null) return NONE
    if (stored === null) return CLEAR
    return stored.touchDue ? this.#touch(sesid, stored.idleTimeout) : NONE
  }

  #finishOpened (session: Session, visit: Visit): CookieChange | Promise<CookieChange> {
    const { abandoned } = inside.state(session)
    const storing = abandoned.length > 0
      ? this.#removeAbandoned(session).then(() => this.#commit(session, visit))
      : this.#commit(session, visit)
    if (storing instanceof Promise) return storing.then(() => this.#cookieChange(session, visit))
    visit.storedAtOnce = storing
    return this.#cookieChange(session, visit)
  }

  #commit (session: Session, visit: Visit): boolean | Promise<boolean> {
    return inside.state(session).skipSave ? false : this.#committer.commit(session, visit.log)
  }

  #cookieChange (session: Session, visit: Visit): CookieChange | Promise<CookieChange> {
    const { sesid, idleTimeout: maxAge, cookieOptions: options, touched, skipSave } = inside.state(session)
    if (sesid === null) return visit.sesid === null ? NONE : CLEAR
    const send: CookieChange | null = sesid !== visit.sesid || options !== undefined
      ? { change: 'send', sesid, maxAge, options }
      : null
    if (skipSave || sesid !== visit.sesid || !(touched || visit.stored?.touchDue === true)) return send ?? NONE
    return this.#touch(sesid, maxAge).then(refresh => send ?? refresh)
  }

  async #touch (sesid: string, maxAge: number | undefined): Promise<CookieChange> {
    if (isTouchable(this.#store)) await this.#store.touchSession(sesid)
    return this.#rolling ? { change: 'refresh', sesid, maxAge, options: undefined } : NONE
  }

  isModified (session: Session): boolean {
    return this.#committer.isModified(session)
  }

  save (session: Session, log: SessionLog): Promise<void> {
    return this.#watch('save', this.#steps.run(session, async () => {
      await this.#removeAbandoned(session)
      await this.#committer.commit(session, log)
      const { sesid, touched } = inside.state(session)
      if (touched && sesid !== null && isTouchable(this.#store)) await this.#store.touchSession(sesid)
    }))
  }

  update<T> (session: Session, change: (draft: SessionDraft) => T | Promise<T>, log: SessionLog): Promise<T | undefined> {
    return this.#watch('update', this.#committer.update(session, change, log))
  }

  reload (session: Session): Promise<void> {
    return this.#watch('load', this.#steps.run(session, async () => {
      const state = inside.state(session)
      const stored = state.sesid === null ? null : await this.#versions.readSession(state.sesid)
      if (stored === null) {
        state.destroyed ||= state.sesid !== null
        inside.begin(session, {})
      } else {
        inside.fill(session, this.#committer.decode(stored.text))
        state.remember(state.sesid as string, stored)
      }
    }))
  }

  destroy (session: Session): Promise<void> {
    return this.#watch('destroy', this.#steps.run(session, async () => {
      session.delete()
      await this.#removeAbandoned(session)
    }))
  }

  /** The new session is stored before the old one goes: trouble in between loses neither. */
  regenerate (session: Session, keepKeys: readonly string[], log: SessionLog): Promise<void> {
    return this.#watch('regenerate', this.#steps.run(session, async () => {
      const state = inside.state(session)
      const { sesid, idleTimeout } = state
      const before = session.data()
      let kept = pick(before, keepKeys)
      // At once: what is set while this goes on belongs to the new session.
      inside.fill(session, kept)
      try {
        if (sesid !== null && keepKeys.length > 0) {
          // What others stored is kept as well; what somebody destroyed does not live on under another id.
          const newest = await this.#committer.rebase(state, sesid, before, log)
          state.destroyed ||= newest === null
          if (newest !== before) {
            const rebased = pick(newest ?? {}, keepKeys)
            inside.fill(session, merge(kept, rebased, session.data()))
            kept = rebased
          }
        }
        const created = sesid === null || Object.keys(kept).length === 0 ? null : await this.#create(kept, idleTimeout)
        if (sesid !== null) await this.#store.delSession(sesid)
        state.forget()
        state.idleTimeout = idleTimeout
        if (created !== null) state.remember(created.sesid, created)
      } catch (error) {
        inside.fill(session, merge(kept, before, session.data()))
        throw error
      }
    }))
  }

  async #create (data: PlainObject, idleTimeout: number | undefined): Promise<CreatedSession & Pick<StoredSession, 'text' | 'idleTimeout'>> {
    const text = this.#committer.encode(data)
    return { ...await this.#committer.insert(text, idleTimeout), text, idleTimeout }
  }

  #watch<T> (operation: DiagnosticsEvents['error']['operation'], work: Promise<T>): Promise<T> {
    return isWatched('error') ? watchErrors(operation, this.#store.sesAppid(), work) : work
  }

  async #removeAbandoned (session: Session): Promise<void> {
    const { abandoned } = inside.state(session)
    for (let next = abandoned[0]; next !== undefined; next = abandoned[0]) {
      if (!next.keep) await this.#store.delSession(next.sesid)
      else if (isQuarantining(this.#store)) await this.#store.setAsideSession(next.sesid)
      abandoned.shift()
    }
  }
}

/** One request's session: what was loaded for it, and the way from the session to the manager. */
export class Visit implements SessionActions {
  /** Null until a handler looks at it: a route that never does costs no decoding. */
  opened: Session | null = null
  finished = false
  /** Whether the end of the request stored something, and did not have to wait for it. */
  storedAtOnce = false
  /** While the end of the request is under way. */
  finishing: Promise<CookieChange> | null = null

  constructor (
    readonly manager: SessionManager,
    readonly log: SessionLog,
    /** The cookie's value; null without one. It may name no session. */
    readonly sesid: string | null,
    readonly stored: StoredSession | null
  ) {}

  /** Whether there is nothing to do at the end: the visitor has no session, and nobody looked for one. */
  get isIdle (): boolean {
    return this.opened === null && this.sesid === null
  }

  get session (): Session {
    this.opened ??= this.manager.open(this)
    return this.opened
  }

  isModified (session: Session): boolean {
    return this.manager.isModified(session)
  }

  save (session: Session): Promise<void> {
    return this.manager.save(session, this.log)
  }

  reload (session: Session): Promise<void> {
    return this.manager.reload(session)
  }

  destroy (session: Session): Promise<void> {
    return this.manager.destroy(session)
  }

  regenerate (session: Session, keepKeys: readonly string[]): Promise<void> {
    return this.manager.regenerate(session, keepKeys, this.log)
  }

  update<T> (session: Session, change: (draft: SessionDraft) => T | Promise<T>): Promise<T | undefined> {
    return this.manager.update(session, change, this.log)
  }
}

function pick (data: PlainObject, keys: readonly string[]): PlainObject {
  const picked: PlainObject = {}
  for (const key of keys) {
    if (Object.hasOwn(data, key)) put(picked, key, data[key])
  }
  return picked
}
