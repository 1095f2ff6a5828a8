import { LRUCache } from 'lru-cache'
import { touchInterval } from '../store/clock'
import { SessionError } from '../errors'
import { isPlainObject, type PlainObject } from '../session/merge'
import { connectStoreOptions, type FromConnectStoreOptions, type SettledConnectStoreOptions } from './options'
import { momentOf } from './connect-cookie'
import type { DatedSessionStore, PutOptions, StoredSession, TouchableSessionStore } from '../store/session-store'
import { withholdId } from './withhold-id'

/** A store for express-session or @fastify/session. */
export interface ConnectSessionStore {
  get (sesid: string, callback: (error?: unknown, session?: object | null) => void): unknown
  set (sesid: string, session: object, callback: (error?: unknown) => void): unknown
  destroy (sesid: string, callback: (error?: unknown) => void): unknown
  touch? (sesid: string, session: object, callback: (error?: unknown) => void): unknown
}

/**
 * A store that was made for express-session, under this plugin:
 *
 * ```ts
 * fastify.register(fileSessions, { store: fromConnectStore(new RedisStore({ client }), { appid: 'sid' }) })
 * ```
 *
 * What it stores is what express-session would, data and cookie, so that sessions which are there
 * already go on. Nothing is compared: of two requests at once the last wins, and one that comes
 * between the two steps of a save may see its `destroy` undone. `cookie` is no name for data.
 *
 * @throws {SessionError} for an option that makes no sense
 */
export function fromConnectStore (store: ConnectSessionStore, options: FromConnectStoreOptions = {}): TouchableSessionStore & DatedSessionStore {
  for (const method of ['get', 'set', 'destroy'] as const) {
    if (typeof store?.[method] === 'function') continue
    throw new SessionError('SESSION_OPTION', `fromConnectStore: the store must have the method ${method}`)
  }
  return new ForeignStore(store, connectStoreOptions(options))
}

/** Ids become keys and file names over there, so none is looked for that express-session would not make. */
const ID = /^[\w-]{1,1024}$/
/** So many sessions' last touches are remembered: not every store writes them where `get` shows them. */
const TOUCHES = 10_000

interface ForeignSession {
  data: PlainObject
  cookie: PlainObject
  /** Milliseconds that it may stay unused. */
  maxAge: number
  /** When it was used last, as far as its cookie says. */
  lastAccess: number
}

class ForeignStore implements TouchableSessionStore, DatedSessionStore {
  readonly #store: ConnectSessionStore
  readonly #options: SettledConnectStoreOptions
  readonly #touches = new LRUCache<string, number>({ max: TOUCHES })

  constructor (store: ConnectSessionStore, options: SettledConnectStoreOptions) {
    this.#store = store
    this.#options = options
  }

  sesAppid (): string {
    return this.#options.appid
  }

  async getSession (sesid: string): Promise<string | null> {
    const session = await this.#read(sesid)
    if (session === null) return null
    if (this.#touchDue(sesid, session)) await this.#touch(sesid, session)
    return this.#text(session)
  }

  async readSession (sesid: string): Promise<Omit<StoredSession, 'version'> | null> {
    const session = await this.#read(sesid)
    if (session === null) return null
    const idleTimeout = session.maxAge / 1000
    return {
      text: this.#text(session),
      // Over there every session has a time of its own, also one that only has the store's.
      idleTimeout: idleTimeout === this.#options.idleTimeout ? undefined : idleTimeout,
      touchDue: this.#touchDue(sesid, session)
    }
  }

  async newSession (): Promise<string> {
    const sesid: unknown = this.#options.idGenerator()
    if (!isId(sesid)) {
      throw new SessionError('SESSION_ID', 'idGenerator must return a new random string each time, ' +
        'of 1 to 1024 letters, digits, - and _')
    }
    await this.#write(sesid, '', {}, this.#options.idleTimeout * 1000)
    return sesid
  }

  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    const session = await this.#read(sesid)
    if (session === null) return
    const { idleTimeout = session.maxAge / 1000 } = options ?? {}
    await this.#write(sesid, text, session.cookie, Math.max(Math.ceil(idleTimeout), 1) * 1000)
  }

  async delSession (sesid: string): Promise<void> {
    if (isId(sesid)) await this.#call('remove a session', sesid, done => this.#store.destroy(sesid, done))
  }

  async touchSession (sesid: string): Promise<void> {
    const session = await this.#read(sesid)
    if (session !== null) await this.#touch(sesid, session)
  }

  async #read (sesid: string): Promise<ForeignSession | null> {
    if (!isId(sesid)) return null
    const found = await this.#call('read a session', sesid, done => this.#store.get(sesid, done))
    if (!found) return null
    // The last is session-file-store's, not the app's.
    const { cookie: given, __lastAccess, ...data } = found as PlainObject
    const cookie = isPlainObject(given) ? given : {}
    const maxAge = typeof cookie.originalMaxAge === 'number' ? cookie.originalMaxAge : this.#options.idleTimeout * 1000
    const expires = momentOf(cookie.expires)?.getTime()
    // A store that can touch sessions also ends them, and may note the touch where we cannot see it.
    if (expires === undefined || expires > Date.now() || this.#store.touch !== undefined) {
      return { data, cookie, maxAge, lastAccess: (expires ?? 0) - maxAge }
    }
    await this.delSession(sesid)
    return null
  }

  #text ({ data, cookie }: ForeignSession): string {
    return cookie.isBlank === true ? '' : this.#options.codec.encode(data)
  }

  #touchDue (sesid: string, session: ForeignSession): boolean {
    const lastAccess = Math.max(session.lastAccess, this.#touches.get(sesid) ?? 0)
    return Date.now() - lastAccess > touchInterval(session.maxAge / 1000)
  }

  async #write (sesid: string, text: string, cookie: PlainObject, maxAge: number): Promise<void> {
    const data = this.#decode(text)
    if (Object.hasOwn(data, 'cookie')) {
      throw new SessionError('SESSION_NAME_TAKEN', 'stores for express-session keep the cookie in session.cookie: ' +
        'choose another name')
    }
    const session = { ...data, cookie: cookieOf({ ...cookie, isBlank: text === '' ? true : undefined }, maxAge) }
    await this.#call('save a session', sesid, done => this.#store.set(sesid, session, done))
  }

  #decode (text: string): PlainObject {
    if (text === '') return {}
    try {
      const data: unknown = this.#options.codec.decode(text)
      if (isPlainObject(data)) return data
    } catch {
      // What the codec says of it may quote the data.
    }
    throw new SessionError('SESSION_CODEC', 'fromConnectStore: the session\'s text does not decode to an object: ' +
      'give it the same codec as the plugin')
  }

  async #touch (sesid: string, { data, cookie, maxAge }: ForeignSession): Promise<void> {
    const session = { ...data, cookie: cookieOf(cookie, maxAge) }
    this.#touches.set(sesid, Date.now())
    await this.#call('touch a session', sesid, done => {
      return this.#store.touch === undefined ? this.#store.set(sesid, session, done) : this.#store.touch(sesid, session, done)
    })
  }

  async #call (
    doing: string, sesid: string, start: (done: (error?: unknown, session?: object | null) => void) => unknown
  ): Promise<object | null | undefined> {
    try {
      return await new Promise((resolve, reject) => {
        const returned = start((error, session) => { error ? reject(error) : resolve(session) })
        // Some stores answer twice, by callback and by promise; some reject what they never called back.
        Promise.resolve(returned).catch(reject)
      })
    } catch (error) {
      // As with express-session, this is how a store of files may say that there is none.
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
      throw new SessionError('SESSION_STORE', `the session store cannot ${doing}`, { cause: withholdId(error, sesid) })
    }
  }
}

/** A cookie that runs out when the session does; stores go by one or the other of these. */
function cookieOf (previous: PlainObject, maxAge: number): PlainObject {
  const expires = new Date(Date.now() + maxAge)
  const cookie = { path: '/', httpOnly: true, ...previous, originalMaxAge: maxAge, expires }
  // As in express-session, this one is not stored.
  return Object.defineProperty(cookie, 'maxAge', { get: () => expires.getTime() - Date.now(), enumerable: false })
}

function isId (sesid: unknown): sesid is string {
  return typeof sesid === 'string' && ID.test(sesid)
}
