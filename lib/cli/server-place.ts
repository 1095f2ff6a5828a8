import { isOutage } from '../errors'
import { asStoreError } from './server-trouble'
import type { Lifetimes } from '../store/clock'
import type { SettledEncryption } from '../store/encryption-options'
import { isReapable } from '../store/features'
import { DAMAGED_TEXT } from '../store/session-header'
import type { PortableRecordStore, PortableSession, ReapCounts } from '../store/store-abilities'
import { unopened } from '../unopened'
import { NotFound, type AppidPlace, type Finding, type OnProgress, type Place, type Unreadable, type Verified } from './place'
import { ANY_AGE, timeLeftOf } from './time-left'

/** What a server's place needs of the server. */
export interface ServerCalls {
  readonly title: string
  /** Returns the appids of all sessions on the server, in any order. */
  appids (): Promise<string[]>
  makeStore (appid: string, limits: Lifetimes, encryption?: SettledEncryption): PortableRecordStore
  findings (): AsyncIterable<Finding>
  close (): Promise<void>
}

/** Sessions on a server, by way of its store. */
export class ServerPlace implements Place {
  readonly title: string
  readonly #calls: ServerCalls

  constructor (calls: ServerCalls) {
    this.title = calls.title
    this.#calls = calls
  }

  findings (): AsyncIterable<Finding> {
    return this.#calls.findings()
  }

  async appids (appid?: string): Promise<AppidPlace[]> {
    const all = await this.#calls.appids()
    if (appid !== undefined && !all.includes(appid)) throw new NotFound(`${this.title} holds no sessions of appid ${appid}`)
    return (appid === undefined ? all.sort() : [appid]).map(each => new ServerAppid(each, this.title, limits => this.store(each, limits)))
  }

  /** Other programs may use the server. */
  async foreign (): Promise<string[]> {
    return []
  }

  store (appid: string, limits: Lifetimes, encryption?: SettledEncryption): PortableRecordStore {
    return this.#calls.makeStore(appid, limits, encryption)
  }

  async close (): Promise<void> {
    await this.#calls.close()
  }
}

class ServerAppid implements AppidPlace {
  readonly appid: string
  readonly title: string
  readonly #makeStore: (limits: Lifetimes) => PortableRecordStore
  readonly #store: PortableRecordStore

  constructor (appid: string, title: string, makeStore: (limits: Lifetimes) => PortableRecordStore) {
    this.appid = appid
    this.title = `${title}, appid ${appid}`
    this.#makeStore = makeStore
    this.#store = makeStore(ANY_AGE)
  }

  async * sessions (onProgress: OnProgress): AsyncGenerator<PortableSession | Unreadable> {
    let done = 0
    try {
      for await (const session of this.#store.exportSessions()) {
        onProgress(++done)
        yield session.text === DAMAGED_TEXT ? { error: unopened(this.appid, 'damaged') } : session
      }
    } catch (error) {
      if (isOutage(error)) throw error
      yield { error: asStoreError(error) }
    }
  }

  async find (name: string): Promise<PortableSession | null> {
    const stored = await this.#store.read(name)
    if (stored === null) return null
    const { text, idleTimeout, createdAt = 0, idleLeft = 0 } = stored
    const idle = (idleTimeout ?? ANY_AGE.idleTimeout) * 1000 - idleLeft
    return { name, text, idleTimeout, createdAt, lastAccess: Date.now() - idle }
  }

  async remove (name: string): Promise<boolean> {
    return await this.#store.remove(name) === 'removed'
  }

  async clean (limits: Lifetimes, { dryRun, onProgress }: { dryRun: boolean, onProgress: OnProgress }): Promise<ReapCounts> {
    const store = this.#makeStore(limits)
    if (!dryRun && isReapable(store)) return await store.reap()
    const counts: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
    for await (const session of this.sessions(onProgress)) {
      if (session.name === undefined) {
        counts.failed++
        counts.error ??= session.error
        continue
      }
      counts.seen++
      if (isReapable(store) && timeLeftOf(session, limits) <= 0) counts.expired++
    }
    return counts
  }

  async * verify (onProgress: OnProgress): AsyncGenerator<Verified> {
    for await (const session of this.sessions(onProgress)) {
      if (session.name !== undefined) yield { isSession: true, problem: null }
      else yield { isSession: false, problem: { kind: 'unreadable', what: this.title, reason: session.error.message } }
    }
  }
}
