import { LRUCache } from 'lru-cache'
import { SessionError } from '../errors'
import { decode, encode } from '../session/codec'
import { KeyedQueue } from '../keyed-queue'
import { isPlainObject, type PlainObject } from '../session/plain-object'
import { touchInterval } from '../store/clock'
import { isReserved } from '../store/sealed-text'
import type { PutOptions } from '../store/session-store'
import type { DatedSession, DatedSessionStore } from '../store/store-abilities'
import { isMaxAge, momentOf } from './connect-cookie'
import { connectStoreOptions, type FromConnectStoreOptions, type SettledConnectStoreOptions } from './options'
import { withholdId } from './withhold-id'

/** A store for express-session or `@fastify/session`. */
export interface ConnectSessionStore {
  get (sesid: string, callback: (error?: unknown, session?: object | null) => void): unknown
  set (sesid: string, session: object, callback: (error?: unknown) => void): unknown
  destroy (sesid: string, callback: (error?: unknown) => void): unknown
  touch? (sesid: string, session: object, callback: (error?: unknown) => void): unknown
}

/**
 * Makes a store for this plugin of one that was made for express-session:
 *
 * ```ts
 * fastify.register(fileSessions, { store: fromConnectStore(new RedisStore({ client }), { appid: 'sid' }) })
 * ```
 *
 * It stores what express-session would, data and cookie, so that sessions which are there already go
 * on. Nothing is compared: of two processes that save at once the last wins, and one that saves
 * between another's two steps may undo its `destroy`. `cookie` is not free as a name for data.
 *
 * With the plugin's option `encryption` the session is stored as one text, under the name `sealed`.
 *
 * `newSession` stores nothing: the session is made by the first `putSession`, with one `set`. Until
 * then this object remembers the id, and other processes do not know it. If the process ends before,
 * the session is gone, and nothing of it is left behind. The last 10,000 such ids are remembered.
 *
 * @throws {SessionError} for an option that makes no sense
 */
export function fromConnectStore (store: ConnectSessionStore, options: FromConnectStoreOptions = {}): DatedSessionStore {
  for (const method of ['get', 'set', 'destroy'] as const) {
    if (typeof store?.[method] === 'function') continue
    throw new SessionError('SESSION_OPTION', `fromConnectStore: the store must have the method ${method}`)
  }
  return new ForeignStore(store, connectStoreOptions(options))
}

/** The form of express-session's ids. Others are not asked for: the other store makes keys and file names of ids. */
const ID = /^[\w-]{1,1024}$/
/** Sessions whose last touch is remembered, at most: not every store shows it in what `get` returns. */
const TOUCHES = 10_000
/** Ids that `newSession` returned and no `putSession` has stored: the most that are remembered. */
const BLANKS = 10_000

interface ForeignSession {
  data: PlainObject
  cookie: PlainObject
  /** Milliseconds that the session may stay unused. */
  maxAge: number
  /** When the session was used last, as far as its cookie says; milliseconds since 1970. */
  lastAccess: number
  /** Whether the session has ended, and the other store does not notice. */
  hasExpired: boolean
}

class ForeignStore implements DatedSessionStore {
  readonly features = { dated: true } as const
  readonly #store: ConnectSessionStore
  readonly #options: SettledConnectStoreOptions
  /** By id. Steps that read and then write must not overlap. */
  readonly #queue = new KeyedQueue()
  readonly #touches = new LRUCache<string, number>({ max: TOUCHES })
  readonly #blanks = new LRUCache<string, true>({ max: BLANKS })

  constructor (store: ConnectSessionStore, options: SettledConnectStoreOptions) {
    this.#store = store
    this.#options = options
  }

  sesAppid (): string {
    return this.#options.appid
  }

  async getSession (sesid: string): Promise<string | null> {
    const session = await this.readSession(sesid)
    if (session?.touchDue === true) await this.touchSession(sesid)
    return session === null ? null : session.text
  }

  async readSession (sesid: string): Promise<DatedSession | null> {
    if (this.#blanks.has(sesid)) return { text: '', idleTimeout: undefined, touchDue: false }
    const session = await this.#read(sesid)
    if (session === null) return null
    if (session.hasExpired) {
      await this.#queue.run(sesid, () => this.#removeExpired(sesid))
      return null
    }
    const idleTimeout = session.maxAge / 1000
    return {
      text: this.#text(session),
      // In the other store every session has a time of its own, also one that goes by the option idleTimeout.
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
    this.#blanks.set(sesid, true)
    return sesid
  }

  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    await this.#queue.run(sesid, async () => {
      const blank = { cookie: {}, maxAge: this.#options.idleTimeout * 1000 }
      const session = this.#blanks.has(sesid) ? blank : await this.#readLive(sesid)
      if (session === null) return
      const { idleTimeout = session.maxAge / 1000 } = options ?? {}
      await this.#write(sesid, text, session.cookie, Math.max(Math.ceil(idleTimeout), 1) * 1000)
      this.#blanks.delete(sesid)
    })
  }

  async delSession (sesid: string): Promise<void> {
    if (!isId(sesid)) return
    await this.#queue.run(sesid, async () => {
      this.#blanks.delete(sesid)
      await this.#call('remove a session', sesid, done => this.#store.destroy(sesid, done))
    })
  }

  async touchSession (sesid: string): Promise<void> {
    await this.#queue.run(sesid, async () => {
      const session = this.#blanks.has(sesid) ? null : await this.#readLive(sesid)
      if (session !== null) await this.#touch(sesid, session)
    })
  }

  async #readLive (sesid: string): Promise<ForeignSession | null> {
    const session = await this.#read(sesid)
    return session?.hasExpired === true ? null : session
  }

  /** Looks again first: a save or touch that was under way may have prolonged the session. */
  async #removeExpired (sesid: string): Promise<void> {
    const session = await this.#read(sesid)
    if (session?.hasExpired === true) await this.#call('remove a session', sesid, done => this.#store.destroy(sesid, done))
  }

  async #read (sesid: string): Promise<ForeignSession | null> {
    if (!isId(sesid)) return null
    const found = await this.#call('read a session', sesid, done => this.#store.get(sesid, done))
    if (!found) return null
    // __lastAccess is session-file-store's, not the app's.
    const { cookie: given, __lastAccess, ...data } = found as PlainObject
    const cookie = isPlainObject(given) ? given : {}
    const maxAge = isMaxAge(cookie.originalMaxAge) ? cookie.originalMaxAge : this.#options.idleTimeout * 1000
    const expires = momentOf(cookie.expires)?.getTime()
    // A store that can touch sessions also ends them, and may keep the time of the touch where `get` does not show it.
    const hasExpired = expires !== undefined && expires <= Date.now() && this.#store.touch === undefined
    return { data, cookie, maxAge, lastAccess: (expires ?? 0) - maxAge, hasExpired }
  }

  #text ({ data, cookie }: ForeignSession): string {
    const { sealed } = data
    // An app may call data of its own so; what is encrypted, or has a header, stands alone.
    if (typeof sealed === 'string' && isReserved(sealed) && Object.keys(data).length === 1) return sealed
    return cookie.isBlank === true ? '' : encode(this.#options.codec, data)
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
    await this.#call('save a session', sesid, done => this.#store.set(sesid, session, done), { mayBeMissing: false })
  }

  #decode (text: string): PlainObject {
    if (isReserved(text)) return { sealed: text }
    try {
      return decode(this.#options.codec, text)
    } catch (error) {
      throw new SessionError('SESSION_CODEC', 'fromConnectStore: the session\'s text does not decode to an object: ' +
        'give it the same codec as the plugin', { cause: error })
    }
  }

  async #touch (sesid: string, { data, cookie, maxAge }: ForeignSession): Promise<void> {
    const session = { ...data, cookie: cookieOf(cookie, maxAge) }
    this.#touches.set(sesid, Date.now())
    await this.#call('touch a session', sesid, done => {
      return this.#store.touch === undefined ? this.#store.set(sesid, session, done) : this.#store.touch(sesid, session, done)
    })
  }

  async #call (
    doing: string, sesid: string, start: (done: (error?: unknown, session?: object | null) => void) => unknown,
    { mayBeMissing } = { mayBeMissing: true }
  ): Promise<object | null | undefined> {
    try {
      return await new Promise((resolve, reject) => {
        const returned = start((error, session) => { error ? reject(error) : resolve(session) })
        // Some stores answer twice, by callback and by promise; some reject and never call back.
        Promise.resolve(returned).catch(reject)
      })
    } catch (error) {
      // express-session, too, takes this for a session that is not there: stores of files say so.
      if (mayBeMissing && (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
      throw new SessionError('SESSION_STORE', `the session store cannot ${doing}`, { cause: withholdId(error, sesid) })
    }
  }
}

/** Returns a cookie that runs out when the session does. Stores go by `expires`, `maxAge` or `originalMaxAge`. */
function cookieOf (previous: PlainObject, maxAge: number): PlainObject {
  const expires = new Date(Date.now() + maxAge)
  const cookie = { path: '/', httpOnly: true, ...previous, originalMaxAge: maxAge, expires }
  // As in express-session, maxAge is not stored.
  return Object.defineProperty(cookie, 'maxAge', { get: () => expires.getTime() - Date.now(), enumerable: false })
}

function isId (sesid: unknown): sesid is string {
  return typeof sesid === 'string' && ID.test(sesid)
}
