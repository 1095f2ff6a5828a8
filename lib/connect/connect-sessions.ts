import { LRUCache } from 'lru-cache'
import { SessionError } from '../errors'
import { isPlainObject, put, type PlainObject } from '../session/merge'
import type { SessionCodec } from '../session/codec'
import { cookieToStore, idleTimeoutOf, withStoredCookie, type ConnectSessionData } from './connect-cookie'
import {
  isIterable, isOpenable, isQuarantining, isReadable, isTouchable, type StoredSession, type VersionedSessionStore
} from '../store/session-store'

/** So many ids are remembered, to tell a session that was destroyed from one that is new. */
const SEEN = 10_000
/** How often a session may appear and go again between two looks at it. */
const ATTEMPTS = 10

/** What express-session asks of a store, done with ours, which knows neither given ids nor cookies. */
export class ConnectSessions {
  readonly #store: VersionedSessionStore
  readonly #codec: SessionCodec
  readonly #seen = new LRUCache<string, true>({ max: SEEN })
  #opened: Promise<void> | undefined

  constructor (store: VersionedSessionStore, codec: SessionCodec) {
    this.#store = store
    this.#codec = codec
  }

  async get (sesid: string): Promise<ConnectSessionData | null> {
    await this.#open()
    const stored = await this.#store.readSession(sesid)
    if (stored === null) return null
    this.#seen.set(sesid, true)
    const data = this.#decode(stored.text)
    if (data !== null) return withStoredCookie(data, stored)
    if (isQuarantining(this.#store)) await this.#store.setAsideSession(sesid)
    return null
  }

  async set (sesid: string, session: PlainObject): Promise<void> {
    await this.#open()
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (idleTimeout !== undefined && idleTimeout <= 0) return await this.destroy(sesid)
    const text = this.#encode(session)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stored = await this.#store.readSession(sesid)
      if (stored !== null) {
        this.#seen.set(sesid, true)
        if (text === stored.text && keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(sesid, stored)
        return await this.#store.putSession(sesid, text, { idleTimeout })
      }
      if (this.#seen.has(sesid) || await this.#create(sesid, text, idleTimeout)) return
    }
    throw new SessionError('SESSION_CONFLICT', 'the session could not be saved: it comes and goes all the time')
  }

  async touch (sesid: string, session: PlainObject): Promise<void> {
    await this.#open()
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (idleTimeout !== undefined && idleTimeout <= 0) return await this.destroy(sesid)
    for (;;) {
      const stored = await this.#store.readSession(sesid)
      if (stored === null) return
      if (keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(sesid, stored)
      const { result } = await this.#store.replaceSession(sesid, stored.text, stored.version, { idleTimeout })
      if (result !== 'conflict') return
    }
  }

  async destroy (sesid: string): Promise<void> {
    this.#seen.set(sesid, true)
    await this.#open()
    await this.#store.delSession(sesid)
  }

  /** Says that the next session with this id is a new one. */
  forget (sesid: string): void {
    this.#seen.delete(sesid)
  }

  async all (): Promise<PlainObject[]> {
    await this.#open()
    if (!isReadable(this.#store)) throw cannot('hand out all its sessions', 'texts')
    const sessions: PlainObject[] = []
    for await (const text of this.#store.texts()) {
      const data = this.#decode(text)
      if (data !== null) sessions.push(data)
    }
    return sessions
  }

  async count (): Promise<number> {
    await this.#open()
    if (!isIterable(this.#store)) throw cannot('count its sessions', 'sessions')
    const sessions = this.#store.sessions()[Symbol.asyncIterator]()
    let count = 0
    while ((await sessions.next()).done !== true) count++
    return count
  }

  async clear (): Promise<void> {
    await this.#open()
    if (!isIterable(this.#store)) throw cannot('remove all its sessions', 'clear')
    await this.#store.clear()
  }

  /** express-session has no moment for a store to get ready: the first call is it. */
  async #open (): Promise<void> {
    if (!isOpenable(this.#store)) return
    this.#opened ??= this.#store.open().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    await this.#opened
  }

  /** Answers false when the id has a session by now. */
  async #create (sesid: string, text: string, idleTimeout: number | undefined): Promise<boolean> {
    let created: string
    try {
      created = (await this.#store.createSession(text, { sesid, idleTimeout })).sesid
    } catch (error) {
      if (error instanceof SessionError && error.code === 'SESSION_ID_TAKEN') return false
      throw error
    }
    if (created !== sesid) {
      await this.#store.delSession(created)
      throw cannot('make a session under a given id', 'createSession with the option sesid')
    }
    this.#seen.set(sesid, true)
    return true
  }

  async #touchIfDue (sesid: string, { touchDue }: StoredSession): Promise<void> {
    if (touchDue && isTouchable(this.#store)) await this.#store.touchSession(sesid)
  }

  /** Null for what cannot be decoded; why is not told, for it may quote the data. */
  #decode (text: string): PlainObject | null {
    if (text === '') return {}
    try {
      const data: unknown = this.#codec.decode(text)
      return isPlainObject(data) ? data : null
    } catch {
      return null
    }
  }

  #encode (session: PlainObject): string {
    const data: PlainObject = {}
    for (const key of Object.keys(session)) put(data, key, session[key])
    data.cookie = cookieToStore(session.cookie)
    return this.#codec.encode(data)
  }
}

function keepsIdleTimeout (stored: StoredSession, idleTimeout: number | undefined): boolean {
  return idleTimeout === undefined || idleTimeout === stored.idleTimeout
}

function cannot (doing: string, method: string): SessionError {
  return new SessionError('SESSION_STORE', `connectStore: this store cannot ${doing}: it has no ${method}`)
}
