import { LRUCache } from 'lru-cache'
import { SessionError } from '../errors'
import { decode, encode, type SessionCodec } from '../session/codec'
import { KeyedQueue } from '../keyed-queue'
import type { PlainObject } from '../session/plain-object'
import { isSessionId, LONGEST_ID } from '../store/session-id'
import { isIterable, isReadable } from '../store/features'
import type { RecordStore, StoredSession } from '../store/session-store'
import { cookieToStore, idleTimeoutOf, withStoredCookie, type ConnectSessionData } from './connect-cookie'

/** So many ids are remembered, to tell a session that was destroyed from one that is new. */
const SEEN = 10_000
/** So often a session may appear and go again while it is saved. */
const ATTEMPTS = 10

/**
 * What express-session asks of a store, done with a store of this package. Calls that change a
 * session run one after the other, in the order in which they were made; what they store is taken
 * at the call, before anything is waited for.
 */
export class ConnectSessions {
  readonly #store: RecordStore
  readonly #codec: SessionCodec
  /** By name. */
  readonly #queue = new KeyedQueue()
  readonly #seen = new LRUCache<string, true>({ max: SEEN })
  #opened: Promise<void> | undefined

  constructor (store: RecordStore, codec: SessionCodec) {
    this.#store = store
    this.#codec = codec
  }

  async get (sesid: string): Promise<ConnectSessionData | null> {
    const name = this.#name('get', sesid)
    await this.#open()
    const stored = await this.#store.read(name)
    if (stored === null) return null
    this.#seen.set(name, true)
    const data = this.#decode(stored.text)
    if (data !== null) return withStoredCookie(data, stored)
    await this.#queue.run(name, () => this.#setAside(name))
    return null
  }

  async set (sesid: string, session: PlainObject): Promise<void> {
    const name = this.#name('set', sesid)
    if (!isSessionId(sesid)) throw badId('set')
    checkSession('set', session)
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (hasRunOut(idleTimeout)) return await this.destroy(sesid)
    const text = encode(this.#codec, Object.fromEntries([...Object.entries(session), ['cookie', cookieToStore(session.cookie)]]))
    await this.#queue.run(name, () => this.#save(name, text, idleTimeout))
  }

  async touch (sesid: string, session: PlainObject): Promise<void> {
    const name = this.#name('touch', sesid)
    checkSession('touch', session)
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (hasRunOut(idleTimeout)) return await this.destroy(sesid)
    await this.#queue.run(name, () => this.#touch(name, idleTimeout))
  }

  async destroy (sesid: string): Promise<void> {
    const name = this.#name('destroy', sesid)
    this.#seen.set(name, true)
    await this.#queue.run(name, async () => {
      await this.#open()
      await this.#store.remove(name)
    })
  }

  /** Says that the next session with this id is a new one. */
  forget (sesid: string): void {
    this.#seen.delete(this.#store.nameOf(sesid))
  }

  async all (): Promise<PlainObject[]> {
    await this.#open()
    if (!isReadable(this.#store)) throw cannot('hand out all its sessions', 'readable')
    const sessions: PlainObject[] = []
    for await (const text of this.#store.texts()) {
      const data = this.#decode(text)
      if (data !== null) sessions.push(data)
    }
    return sessions
  }

  async count (): Promise<number> {
    await this.#open()
    if (!isIterable(this.#store)) throw cannot('count its sessions', 'iterable')
    const sessions = this.#store.sessions()[Symbol.asyncIterator]()
    let count = 0
    while ((await sessions.next()).done !== true) count++
    return count
  }

  async clear (): Promise<void> {
    await this.#open()
    if (!isIterable(this.#store)) throw cannot('remove all its sessions', 'iterable')
    await this.#store.clear()
  }

  /** @throws {SessionError} SESSION_ID, for what is not a string: it is no id that a store could look for */
  #name (method: string, sesid: unknown): string {
    if (typeof sesid !== 'string') throw badId(method)
    return this.#store.nameOf(sesid)
  }

  /** express-session has no moment for a store to get ready: the first call is it. */
  async #open (): Promise<void> {
    this.#opened ??= this.#store.open().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    await this.#opened
  }

  async #save (name: string, text: string, idleTimeout: number | undefined): Promise<void> {
    await this.#open()
    for (let attempt = 0; attempt < ATTEMPTS;) {
      const stored = await this.#store.read(name)
      if (stored === null) {
        if (this.#seen.has(name)) return
        const { result } = await this.#store.create(name, { text, idleTimeout })
        if (result === 'created') {
          this.#seen.set(name, true)
          return
        }
        // Another process made the session since the look: it is there to be replaced, or gone again.
        attempt++
        continue
      }
      this.#seen.set(name, true)
      if (text === stored.text && keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(name, stored)
      const record = { text, idleTimeout: idleTimeout ?? stored.idleTimeout }
      const { result } = await this.#store.replace(name, record, stored.version)
      // A conflict is with another process; as everywhere with express-session, the later one wins.
      if (result !== 'conflict') return
    }
    throw new SessionError('SESSION_CONFLICT', 'the session could not be saved: it comes and goes all the time')
  }

  async #touch (name: string, idleTimeout: number | undefined): Promise<void> {
    await this.#open()
    for (;;) {
      const stored = await this.#store.read(name)
      if (stored === null) return
      if (keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(name, stored)
      const { result } = await this.#store.replace(name, { text: stored.text, idleTimeout }, stored.version)
      if (result !== 'conflict') return
    }
  }

  async #touchIfDue (name: string, { touchDue }: StoredSession): Promise<void> {
    if (touchDue) await this.#store.touch(name)
  }

  /** Looks again first: a save may have put a readable session in place of the one that was read. */
  async #setAside (name: string): Promise<void> {
    const stored = await this.#store.read(name)
    if (stored !== null && this.#decode(stored.text) === null) await this.#store.setAside(name)
  }

  #decode (text: string): PlainObject | null {
    try {
      return decode(this.#codec, text)
    } catch {
      return null
    }
  }
}

function keepsIdleTimeout (stored: StoredSession, idleTimeout: number | undefined): boolean {
  return idleTimeout === undefined || idleTimeout === stored.idleTimeout
}

function hasRunOut (idleTimeout: number | undefined): boolean {
  return idleTimeout !== undefined && idleTimeout <= 0
}

function checkSession (method: string, session: unknown): void {
  if (typeof session === 'object' && session !== null) return
  throw new SessionError('SESSION_CODEC', `connectStore: the caller of ${method}() must give the session, an object, as the second parameter`)
}

function badId (method: string): SessionError {
  return new SessionError('SESSION_ID', `connectStore: the caller of ${method}() must give the session's id as the first parameter: ` +
    `a string of 1 to ${LONGEST_ID} characters`)
}

function cannot (doing: string, feature: string): SessionError {
  return new SessionError('SESSION_STORE', `connectStore: this store cannot ${doing}: it does not declare the feature ${feature}`)
}
