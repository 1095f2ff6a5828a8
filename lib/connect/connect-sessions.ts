import { LRUCache } from 'lru-cache'
import { SessionError } from '../errors'
import { unopened, UnopenedError } from '../unopened'
import { decode, encode, type SessionCodec } from '../session/codec'
import { KeyedQueue } from '../keyed-queue'
import type { PlainObject } from '../session/plain-object'
import { sealedText, type SessionKey } from '../session/opened-session'
import { SessionRecords } from '../session/session-records'
import { isKeyId, LEAST_KEY_BITS, SHORTEST_KEY_ID } from '../store/id-strength'
import { SessionCipher } from '../store/session-cipher'
import { isSessionId, LONGEST_ID } from '../store/session-id'
import { isIterable, isReadable } from '../store/features'
import type { StoredSession } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import { indexingOf, type IndexFunctions } from './index-functions'
import { cookieToStore, idleTimeoutOf, withStoredCookie, type ConnectSessionData } from './connect-cookie'

/** Ids that are remembered, at most, to tell a session that was destroyed from one that is new. */
const SEEN = 10_000
/** Times that a session may appear and go again while it is saved. */
const ATTEMPTS = 10

/**
 * What express-session asks of a store, done with a store of this package. Calls that change a
 * session run one after the other, in the order in which they were made; what they store is taken
 * at the call, before anything is waited for.
 */
export class ConnectSessions {
  readonly #store: RecordStore
  readonly #cipher: SessionCipher
  readonly #records: SessionRecords
  readonly #codec: SessionCodec
  /** By name. */
  readonly #queue = new KeyedQueue()
  readonly #seen = new LRUCache<string, true>({ max: SEEN })
  #opened: Promise<void> | undefined

  /** @throws {SessionError} SESSION_OPTION */
  constructor (store: RecordStore, codec: SessionCodec, indexes?: IndexFunctions) {
    this.#store = store
    this.#cipher = store.cipher ?? new SessionCipher(store.sesAppid(), false)
    this.#records = new SessionRecords(store, this.#cipher, indexingOf(store, codec, indexes))
    this.#codec = codec
  }

  async get (sesid: string): Promise<ConnectSessionData | null> {
    const key = this.#key('get', sesid)
    await this.#open()
    const stored = await this.#read(key)
    if (stored === null) return null
    const data = this.#dataOf(stored)
    if (data !== null) return withStoredCookie(data, stored)
    await this.#queue.run(key.name, () => this.#setAside(key))
    return null
  }

  async set (sesid: string, session: PlainObject): Promise<void> {
    const key = this.#key('set', sesid)
    if (!isSessionId(sesid)) throw badId('set')
    checkSession('set', session)
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (hasRunOut(idleTimeout)) return await this.destroy(sesid)
    const text = encode(this.#codec, Object.fromEntries([...Object.entries(session), ['cookie', cookieToStore(session.cookie)]]))
    await this.#queue.run(key.name, () => this.#save(key, text, idleTimeout))
  }

  async touch (sesid: string, session: PlainObject): Promise<void> {
    const key = this.#key('touch', sesid)
    checkSession('touch', session)
    const idleTimeout = idleTimeoutOf(session.cookie)
    if (hasRunOut(idleTimeout)) return await this.destroy(sesid)
    await this.#queue.run(key.name, () => this.#touch(key, idleTimeout))
  }

  async destroy (sesid: string): Promise<void> {
    const key = this.#key('destroy', sesid)
    this.#seen.set(key.name, true)
    await this.#queue.run(key.name, async () => {
      await this.#open()
      await this.#records.remove(key)
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

  /** @throws {SessionError} SESSION_ID, for what is not a string: it is not an id that a store could look for */
  #key (method: string, sesid: unknown): SessionKey {
    if (typeof sesid !== 'string') throw badId(method)
    return this.#records.keyOf(sesid)
  }

  /** express-session has no moment for a store to get ready: the first call is it. */
  async #open (): Promise<void> {
    this.#opened ??= this.#store.open().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    await this.#opened
  }

  /** Returns the session, also a damaged one. One that this process cannot open, for lack of a secret, is not there. */
  async #read (key: SessionKey): Promise<StoredSession | null> {
    const stored = await this.#records.read(key)
    if (stored === null) return null
    this.#seen.set(key.name, true)
    const refusal = this.#cipher.refusal(sealedText(stored))
    if (refusal === null || refusal === 'damaged') return stored
    unopened(this.#store.sesAppid(), refusal)
    return null
  }

  async #save (key: SessionKey, text: string, idleTimeout: number | undefined): Promise<void> {
    await this.#open()
    for (let attempt = 0; attempt < ATTEMPTS;) {
      const stored = await this.#read(key)
      if (stored === null) {
        if (this.#seen.has(key.name)) return
        if (this.#cipher.isOn && !isKeyId(key.sesid)) throw weakId()
        if (await this.#records.create(key, { text, idleTimeout }) !== 'taken') {
          this.#seen.set(key.name, true)
          return
        }
        // Another process made the session since the look: it is there to be replaced, or gone again.
        attempt++
        continue
      }
      if (text === openedText(stored) && keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(key, stored)
      const record = { text, idleTimeout: idleTimeout ?? stored.idleTimeout }
      const { result } = await this.#records.replace(key, record, stored)
      // A conflict is with another process; as everywhere with express-session, the later one wins.
      if (result !== 'conflict') return
    }
    throw new SessionError('SESSION_CONFLICT', 'the session could not be saved: it comes and goes all the time')
  }

  async #touch (key: SessionKey, idleTimeout: number | undefined): Promise<void> {
    await this.#open()
    for (;;) {
      const stored = await this.#read(key)
      const text = stored === null ? null : openedText(stored)
      if (stored === null || text === null) return
      if (keepsIdleTimeout(stored, idleTimeout)) return await this.#touchIfDue(key, stored)
      const { result } = await this.#records.replace(key, { text, idleTimeout }, stored)
      if (result !== 'conflict') return
    }
  }

  async #touchIfDue (key: SessionKey, stored: StoredSession): Promise<void> {
    if (stored.touchDue) await this.#records.touch(key, stored)
  }

  /** Looks again first: a save may have put a readable session in place of the one that was read. */
  async #setAside (key: SessionKey): Promise<void> {
    const stored = await this.#records.read(key)
    if (stored !== null && this.#dataOf(stored) === null) await this.#store.setAside(key.name, stored.version)
  }

  /** Returns null for what cannot be opened or decoded. */
  #dataOf (stored: StoredSession): PlainObject | null {
    const text = openedText(stored)
    return text === null ? null : this.#decode(text)
  }

  #decode (text: string): PlainObject | null {
    try {
      return decode(this.#codec, text)
    } catch {
      return null
    }
  }
}

/** Returns the text of a session; null when it does not open. */
function openedText (stored: StoredSession): string | null {
  try {
    return stored.text
  } catch (error) {
    if (error instanceof UnopenedError) return null
    throw error
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

function weakId (): SessionError {
  return new SessionError('SESSION_ID', `connectStore: the caller of set() makes ids of fewer random bits than the ${LEAST_KEY_BITS} that the option ` +
    'encryption needs, for keys are made of ids: leave out express-session\'s option genid, or have it return ' +
    `${SHORTEST_KEY_ID} or more random letters and digits`)
}

function cannot (doing: string, feature: string): SessionError {
  return new SessionError('SESSION_STORE', `connectStore: this store cannot ${doing}: it does not declare the feature ${feature}`)
}
