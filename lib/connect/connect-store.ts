import { EventEmitter } from 'node:events'
import { SessionError } from '../errors'
import { checkKnown } from '../option-checks'
import { checkCodec, JSON_CODEC, type SessionCodec } from '../session/codec'
import type { PlainObject } from '../session/plain-object'
import { hasRecords } from '../store/features'
import type { RecordStore } from '../store/session-store'
import { momentOf, type ConnectCookie, type ConnectSessionData } from './connect-cookie'
import { ConnectSessions } from './connect-sessions'
import type { IndexFunctions } from './index-functions'

export interface ConnectStoreOptions {
  /** How data become text. Give the plugin's if it is to read the same sessions. @default JSON */
  codec?: SessionCodec | undefined
  /** The plugin's, if it has them: then its `revokeAll` and `sessionsOf` find these sessions as well. @default none */
  indexes?: IndexFunctions
}

/** The part of express-session's request that a store deals with. */
export interface ConnectRequest {
  sessionID: string
  session?: unknown
}

type Done = (error?: Error | null) => void

/**
 * Makes a store for express-session and `@fastify/session` of a store of this package:
 *
 * ```ts
 * app.use(session({ store: connectStore(new SessionFileStore({ appid: 'sid' })), secret, … }))
 * ```
 *
 * A session may stay unused as long as its cookie's `maxAge` says, or as long as the store's
 * `idleTimeout` if the cookie has none. As with any store there, the last of two requests at once wins.
 *
 * @throws {SessionError} for a store without records
 */
export function connectStore (store: RecordStore, options: ConnectStoreOptions = {}): ConnectStore {
  if (!hasRecords(store ?? {})) {
    throw new SessionError('SESSION_OPTION', 'connectStore needs a store that declares the feature records, such as ' +
      'SessionFileStore: express-session makes the ids itself')
  }
  checkKnown(options, ['codec', 'indexes'])
  const { codec = JSON_CODEC, indexes } = options
  checkCodec(codec)
  return new ConnectStore(new ConnectSessions(store, codec, indexes))
}

/**
 * A store as express-session and `@fastify/session` call it. It has what express-session's stores
 * inherit, so that this package does not depend on express-session.
 *
 * `set` does not say whether its session is new. The session counts as new unless this object has met
 * its id before, among the last 10,000 ids. A session whose id it has met and which is not there was
 * destroyed or has expired, and stays gone.
 *
 * Calls for one id that change it take effect in the order of the calls, also when the caller does not
 * wait between them. Each stores the session as it is at the call.
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

  /** Returns the session; `null`, and not an error, when it is unknown, destroyed or expired. */
  get<Data = ConnectSessionData> (sesid: string, callback: (error: Error | null, session?: Data | null) => void): void {
    this.#answer(this.#sessions.get(sesid) as Promise<Data | null>, callback)
  }

  /** Stores the session with its cookie. */
  set (sesid: string, session: object, callback?: Done): void {
    this.#answer(this.#sessions.set(sesid, session as PlainObject), callback)
  }

  /** Starts the idle time anew. The stored data stay as they are, whatever `session` holds. */
  touch (sesid: string, session: object, callback?: Done): void {
    this.#answer(this.#sessions.touch(sesid, session as PlainObject), callback)
  }

  /** Ends the session. A session that is not there is not an error. */
  destroy (sesid: string, callback?: Done): void {
    this.#answer(this.#sessions.destroy(sesid), callback)
  }

  /** Returns all sessions of the appid, without their ids: the store does not know them. */
  all<Data = ConnectSessionData> (callback: (error: Error | null, sessions?: Data[]) => void): void {
    this.#answer(this.#sessions.all() as Promise<unknown[]> as Promise<Data[]>, callback)
  }

  /** Returns how many sessions the appid has. */
  length (callback: (error: Error | null, length?: number) => void): void {
    this.#answer(this.#sessions.count(), callback)
  }

  /** Removes all sessions of the appid. */
  clear (callback?: Done): void {
    this.#answer(this.#sessions.clear(), callback)
  }

  /** Returns the session as express-session's own `Session`. */
  load<Session = unknown> (sesid: string, callback: (error: Error | null, session?: Session) => void): void {
    this.#generator()
    this.get<ConnectSessionData>(sesid, (error, data) => {
      if (error !== null || data === null || data === undefined) return callback(error)
      const request = { sessionID: sesid, sessionStore: this, headers: {} }
      callback(null, this.createSession<Session>(request, data))
    })
  }

  /** Ends the request's session and gives the request a new one. */
  regenerate (request: ConnectRequest, callback: Done): void {
    const generate = this.#generator()
    this.destroy(request.sessionID, error => {
      generate(request)
      callback(error)
    })
  }

  /** Gives the request a `Session` of express-session's, made of the data, and returns it. */
  createSession<Session> (request: ConnectRequest, data: ConnectSessionData): Session {
    this.#models ??= learn(this.#generator(), request)
    request.session = restore(this.#models, request, data)
    return request.session as Session
  }

  /** The function by which express-session makes a new session; express-session sets it. */
  get generate (): ((request: ConnectRequest) => void) | undefined {
    return this.#generate
  }

  set generate (generate: (request: ConnectRequest) => void) {
    this.#models = undefined
    this.#generate = request => {
      generate(request)
      // A `genid` whose ids are not random may return one that another session had.
      this.#sessions.forget(request.sessionID)
    }
  }

  #generator (): (request: ConnectRequest) => void {
    if (this.#generate !== undefined) return this.#generate
    throw new SessionError('SESSION_STORE', 'connectStore: load, regenerate and createSession are for express-session: ' +
      'give it the store first, with session({ store })')
  }

  /** Calls back in a tick of its own: an error that the callback throws is not a rejection of the store. */
  #answer<T> (promise: Promise<T>, callback: (error: Error | null, value?: T) => void = error => { this.#report(error) }): void {
    promise.then(
      value => { process.nextTick(callback, null, value) },
      (error: Error) => { process.nextTick(callback, error) })
  }

  /** Emits an error that no callback takes, if the app listens. */
  #report (error: Error | null): void {
    if (error !== null && this.listenerCount('error') > 0) this.emit('error', error)
  }
}

/** The prototypes of express-session's sessions and of their cookies. */
interface SessionModels {
  session: object
  cookie: object
}

/** Makes a session and looks at its prototypes: express-session gives its classes in no other way. */
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
