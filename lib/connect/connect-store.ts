import { EventEmitter } from 'node:events'
import { SessionError } from '../errors'
import type { PlainObject } from '../session/merge'
import { JSON_CODEC, type SessionCodec } from '../session/codec'
import { momentOf, type ConnectCookie, type ConnectSessionData } from './connect-cookie'
import { ConnectSessions } from './connect-sessions'
import { isVersioned, type VersionedSessionStore } from '../store/session-store'

export interface ConnectStoreOptions {
  /** How data become text. Give the plugin's if it is to read the same sessions. @default JSON */
  codec?: SessionCodec | undefined
}

/** The part of express-session's request that a store deals with. */
export interface ConnectRequest {
  sessionID: string
  session?: unknown
}

type Done = (error?: Error | null) => void

/**
 * Session files for express-session and @fastify/session:
 *
 * ```ts
 * app.use(session({ store: connectStore(new SessionFileStore({ appid: 'sid' })), secret, … }))
 * ```
 *
 * A session lives as long unused as its cookie's `maxAge` says, or as the store's `idleTimeout` if
 * the cookie has none. As with any store there, the last of two requests at once wins.
 *
 * @throws {SessionError} for a store that cannot make sessions under ids that it is given
 */
export function connectStore (store: VersionedSessionStore, options: ConnectStoreOptions = {}): ConnectStore {
  if (!isVersioned(store)) {
    throw new SessionError('SESSION_OPTION', 'connectStore needs a store with the methods readSession, createSession ' +
      'and replaceSession, such as SessionFileStore: express-session makes the ids itself')
  }
  return new ConnectStore(new ConnectSessions(store, options.codec ?? JSON_CODEC))
}

/**
 * A store as express-session and @fastify/session want it. What express-session has its stores
 * inherit is here too, so that this package does not depend on it.
 *
 * `set` does not say whether its session is new. It is taken for new unless this object has met
 * the id before, among the last 10,000: then a session that is not there was destroyed or has
 * expired, and stays gone.
 */
export class ConnectStore extends EventEmitter {
  readonly #sessions: ConnectSessions
  #generate: ((request: ConnectRequest) => void) | undefined
  #models: SessionModels | undefined

  /** @internal */
  constructor (sessions: ConnectSessions) {
    super()
    this.#sessions = sessions
  }

  /** The session; `null` when there is none that lives. */
  get<Data = ConnectSessionData> (sesid: string, callback: (error: Error | null, session?: Data | null) => void): void {
    this.#answer(this.#sessions.get(sesid) as Promise<Data | null>, callback)
  }

  set (sesid: string, session: object, callback?: Done): void {
    this.#answer(this.#sessions.set(sesid, session as PlainObject), callback)
  }

  /** Starts the idle time anew. The data are left as they are stored, whatever `session` holds. */
  touch (sesid: string, session: object, callback?: Done): void {
    this.#answer(this.#sessions.touch(sesid, session as PlainObject), callback)
  }

  destroy (sesid: string, callback?: Done): void {
    this.#answer(this.#sessions.destroy(sesid), callback)
  }

  /** All sessions of the appid, without their ids: the files do not know them. */
  all<Data = ConnectSessionData> (callback: (error: Error | null, sessions?: Data[]) => void): void {
    this.#answer(this.#sessions.all() as Promise<unknown[]> as Promise<Data[]>, callback)
  }

  /** How many sessions of the appid there are. */
  length (callback: (error: Error | null, length?: number) => void): void {
    this.#answer(this.#sessions.count(), callback)
  }

  /** Removes all sessions of the appid. */
  clear (callback?: Done): void {
    this.#answer(this.#sessions.clear(), callback)
  }

  /** express-session's: the session, as its own `Session`. */
  load<Session = unknown> (sesid: string, callback: (error: Error | null, session?: Session) => void): void {
    this.get<ConnectSessionData>(sesid, (error, data) => {
      if (error !== null || data === null || data === undefined) return callback(error)
      const request = { sessionID: sesid, sessionStore: this, headers: {} }
      callback(null, this.createSession<Session>(request, data))
    })
  }

  /** express-session's: a new session in place of the request's. */
  regenerate (request: ConnectRequest, callback: Done): void {
    this.destroy(request.sessionID, error => {
      this.#generator()(request)
      callback(error)
    })
  }

  /** express-session's: makes its `Session` of the data, for the request. */
  createSession<Session> (request: ConnectRequest, data: ConnectSessionData): Session {
    this.#models ??= learn(this.#generator(), request)
    request.session = restore(this.#models, request, data)
    return request.session as Session
  }

  /** express-session puts here how it makes a new session. */
  get generate (): ((request: ConnectRequest) => void) | undefined {
    return this.#generate
  }

  set generate (generate: (request: ConnectRequest) => void) {
    this.#models = undefined
    this.#generate = request => {
      generate(request)
      // A `genid` that draws no id at random may give one that was another session's.
      this.#sessions.forget(request.sessionID)
    }
  }

  #generator (): (request: ConnectRequest) => void {
    if (this.#generate !== undefined) return this.#generate
    throw new SessionError('SESSION_STORE', 'connectStore: this is for express-session, which must be given the store first: ' +
      'session({ store })')
  }

  /** In a tick of its own, so that what the callback throws is no rejection of ours. */
  #answer<T> (promise: Promise<T>, callback: (error: Error | null, value?: T) => void = error => { this.#report(error) }): void {
    promise.then(
      value => { process.nextTick(callback, null, value) },
      (error: Error) => { process.nextTick(callback, error) })
  }

  /** An error without a callback goes to those who listen, if any. */
  #report (error: Error | null): void {
    if (error !== null && this.listenerCount('error') > 0) this.emit('error', error)
  }
}

/** What express-session's sessions and their cookies inherit from. */
interface SessionModels {
  session: object
  cookie: object
}

/** Its classes are not to be had otherwise: a session is made, looked at, and forgotten. */
function learn (generate: (request: ConnectRequest) => void, request: ConnectRequest): SessionModels {
  const { sessionID } = request
  generate(request)
  const session = request.session as { cookie: object }
  request.sessionID = sessionID
  return { session: Object.getPrototypeOf(session) as object, cookie: Object.getPrototypeOf(session.cookie) as object }
}

function restore (models: SessionModels, request: ConnectRequest, data: ConnectSessionData): unknown {
  const cookie = Object.create(models.cookie) as ConnectCookie
  Object.assign(cookie, { path: '/', httpOnly: true }, data.cookie, { expires: momentOf(data.cookie.expires) })
  // Setting `expires` has changed it.
  cookie.originalMaxAge = data.cookie.originalMaxAge
  const Session = models.session.constructor as new (request: ConnectRequest, data: object) => unknown
  return new Session(request, { ...data, cookie })
}
