import { KeyedQueue } from '../keyed-queue'
import { isDated } from './features'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from './session-record'
import type { PutOptions, RecordStore, SessionStore } from './session-store'

const MARK = 'id:'

/**
 * Gives a store that has the five methods alone the verbs with versions, so that sessions have one
 * way to go. The name of a session is its id with a mark before it, and its text is its version.
 *
 * Its limits are those of the five methods, which compare nothing:
 * - `replace` and `remove` compare and then act, in two steps. Within a process they wait for each
 *   other. Of two processes at once the last writer wins, a session that one of them ends between the
 *   steps of the other may come back, and both may be told `removed`.
 * - A session that two processes change back and forth may have an old version again.
 * - `createdAt` is not kept: what the store takes for the age of a session begins anew when the
 *   session moves to a new id.
 * - `idleTimeout: undefined` leaves the session the idle timeout that it has.
 * - `setAside` removes the session: there is no place to keep its bytes.
 */
export class FiveMethodStore implements RecordStore {
  readonly features = { records: true } as const
  readonly #store: SessionStore
  /** By id. */
  readonly #queue = new KeyedQueue()

  constructor (store: SessionStore) {
    this.#store = store
  }

  sesAppid (): string {
    return this.#store.sesAppid()
  }

  getSession (sesid: string): Promise<string | null> {
    return this.#store.getSession(sesid)
  }

  newSession (): Promise<string> {
    return this.#store.newSession()
  }

  putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    return this.#store.putSession(sesid, text, options)
  }

  delSession (sesid: string): Promise<void> {
    return this.#store.delSession(sesid)
  }

  /** Makes an empty session, because the store makes no id without one; `create` fills it. */
  newId (): Promise<string> {
    return this.#store.newSession()
  }

  /** The mark tells the name from a hash, whatever the id looks like: a handle must not give an id away. */
  nameOf (sesid: string): string {
    return MARK + sesid
  }

  async open (): Promise<void> {}

  async close (): Promise<void> {}

  async read (name: string): Promise<StoredSession | null> {
    const unknown = { idleTimeout: undefined, createdAt: undefined, touchDue: false, idleLeft: undefined }
    if (isDated(this.#store)) {
      const session = await this.#store.readSession(idOf(name))
      return session === null ? null : { ...unknown, ...session, version: session.text }
    }
    const text = await this.#store.getSession(idOf(name))
    return text === null ? null : { ...unknown, text, version: text }
  }

  async create (name: string, record: SessionRecord): Promise<Creation> {
    try {
      await this.#put(name, record)
    } catch (error) {
      // No visitor was told its id: the session that `newId` made is removed, if that can be done.
      await this.#store.delSession(idOf(name)).catch(() => undefined)
      throw error
    }
    return { result: 'created', version: record.text }
  }

  replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    return this.#queue.run(name, async () => {
      const current = await this.read(name)
      if (current === null) return { result: 'gone' }
      if (current.version !== version) return { result: 'conflict' }
      await this.#put(name, record)
      return { result: 'replaced', version: record.text }
    })
  }

  remove (name: string, version?: string): Promise<Removal> {
    return this.#queue.run(name, async () => {
      const current = await this.read(name)
      if (current === null) return 'gone'
      if (version !== undefined && current.version !== version) return 'conflict'
      await this.#store.delSession(idOf(name))
      return 'removed'
    })
  }

  async touch (name: string): Promise<void> {
    if (isDated(this.#store)) await this.#store.touchSession(idOf(name))
  }

  async setAside (name: string, version?: string): Promise<void> {
    await this.remove(name, version)
  }

  #put (name: string, { text, idleTimeout }: SessionRecord): Promise<void> {
    return this.#store.putSession(idOf(name), text, idleTimeout === undefined ? undefined : { idleTimeout })
  }
}

function idOf (name: string): string {
  return name.slice(MARK.length)
}
