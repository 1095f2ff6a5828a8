import { strict as assert } from 'node:assert'
import { randomBytes } from 'node:crypto'
import { isOpenable } from '../store/features'
import type { Creation, Replacement, SessionRecord, StoredSession } from '../store/session-record'
import type { RecordStore, SessionStore } from '../store/session-store'
import type { ConformanceOptions, StoreSetup } from './options'

/** The idle timeout of the stores that are checked, in seconds, unless a check needs another. */
export const IDLE_TIMEOUT = 1000

/** A session that was just made. */
export interface NewSession { readonly sesid: string, readonly name: string, readonly version: string }

/** What one check works with: stores on a place of its own. */
export class Bench {
  readonly place = `c${randomBytes(6).toString('hex')}`
  readonly #options: ConformanceOptions
  readonly #stores: SessionStore[] = []

  constructor (options: ConformanceOptions) {
    this.#options = options
  }

  /** The longest text that the store takes, in bytes; `Infinity` if the suite was not told. */
  get maxSize (): number {
    return this.#options.maxSize ?? Infinity
  }

  /** Makes a store on this place. Every call makes another one, as another process would. */
  async store<Store extends SessionStore = RecordStore> (setup: Partial<StoreSetup> = {}): Promise<Store> {
    const store = await this.#options.makeStore({ place: this.place, appid: 'sid', idleTimeout: IDLE_TIMEOUT, absoluteTimeout: undefined, ...setup })
    this.#stores.push(store)
    if (isOpenable(store)) await store.open()
    return store as Store
  }

  async stores<Store extends SessionStore = RecordStore> (count: number, setup?: Partial<StoreSetup>): Promise<Store[]> {
    const stores: Store[] = []
    while (stores.length < count) stores.push(await this.store<Store>(setup))
    return stores
  }

  /** Lets time pass for a session, in seconds. `name` is its id if the store has no records. */
  async age (name: string, seconds: number): Promise<void> {
    await this.#options.age?.(this.place, name, seconds * 1000)
  }

  /** Everything that is at rest at this place, as bytes. */
  async dump (): Promise<Buffer> {
    const dump = await this.#options.dump?.(this.place)
    return Buffer.from(dump as Uint8Array)
  }

  /** Makes every later call of a store at this place fail. */
  async fail (): Promise<void> {
    await this.#options.fail?.(this.place)
  }

  /** Closes the stores, and tells the caller that the place is not needed any more. */
  async end (): Promise<void> {
    try {
      const closings = await Promise.allSettled(this.#stores.map(async store => { if (isOpenable(store)) await store.close() }))
      for (const closing of closings) if (closing.status === 'rejected') throw closing.reason
    } finally {
      await this.#options.dispose?.(this.place)
    }
  }
}

/** A text that every store can keep, also one that keeps JSON objects only. */
export function textOf (value: number | string): string {
  return JSON.stringify({ value })
}

/** Makes a session with a new id, as the plugin does. */
export async function newSession (store: RecordStore, record: SessionRecord = { text: textOf('new') }): Promise<NewSession> {
  const sesid = await store.newId()
  const name = store.nameOf(sesid)
  return { sesid, name, version: created(await store.create(name, record)) }
}

/** Returns the version of a session that was created. */
export function created (creation: Creation): string {
  assert(creation.result === 'created', `create was told ${creation.result} in place of created`)
  return creation.version
}

/** Returns the version of a record that was replaced. */
export function replaced (replacement: Replacement): string {
  assert(replacement.result === 'replaced', `replace was told ${replacement.result} in place of replaced`)
  return replacement.version
}

/** Reads a session that must be there. */
export async function readLive (store: RecordStore, name: string): Promise<StoredSession> {
  const session = await store.read(name)
  assert(session !== null, 'read returns null for a session that is alive')
  return session
}

/** Checks that there is no session of that name, with every way to look. */
export async function checkGone (store: RecordStore, { sesid, name }: NewSession, what: string): Promise<void> {
  assert.equal(await store.read(name), null, `${what}: read returns a session`)
  assert.equal(await store.getSession(sesid), null, `${what}: getSession returns a text`)
}
