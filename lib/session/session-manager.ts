import { durationSince, publish, publishError, startOf } from '../diagnostics'
import { hasRecords } from '../store/features'
import type { SettledEncryption } from '../store/encryption-options'
import type { RecordStore, SessionStore } from '../store/session-store'
import { SessionCipher } from '../store/session-cipher'
import { FiveMethodStore } from '../store/five-method-store'
import { SessionText, type SessionCodec } from './codec'
import { Committer } from './commit'
import type { CookieValue } from './cookie-change'
import type { CookieOutlet } from './cookie-outlet'
import { KeyedQueue } from '../keyed-queue'
import type { SessionLog } from './session-log'
import type { Shared } from './shared'
import { Indexing, type SettledIndexes } from './indexing'
import { RenewalTimes, type RenewalOptions } from './renewal-times'
import { SessionRecords } from './session-records'
import { Unserved } from './unserved'
import { UpdateQueue } from './update-queue'
import { Visit } from './visit'
import type { Loaded } from './visit-end'

export type { CookieChange, CookieValue } from './cookie-change'
export type { CookieOutlet } from './cookie-outlet'
export { Visit } from './visit'

/** How the sessions of an app are kept, beside the store. */
export interface SessionManagerOptions {
  codec: SessionCodec
  rolling: boolean
  /** For a store that does not encrypt by an option of its own. @default false */
  encryption?: SettledEncryption | false
  /** @default null: none */
  indexes?: SettledIndexes | null
  /** @default null: ids are not renewed by themselves */
  renewal?: RenewalOptions | null
  /** The clock that proofs of identity and ids are dated by, in milliseconds since 1970. @default Date.now */
  now?: () => number
}

/** What the requests of one app share: the store, the codec, and the queues. It begins a visit for each request. */
export class SessionManager {
  readonly #shared: Shared
  readonly #records: SessionRecords

  /** @throws {SessionError} SESSION_CODEC, when the codec does not make text; SESSION_OPTION, for an encryption that makes no sense */
  constructor (
    store: SessionStore, { codec, rolling, encryption = false, indexes = null, renewal = null, now = Date.now }: SessionManagerOptions
  ) {
    const recordStore: RecordStore = hasRecords(store) ? store : new FiveMethodStore(store)
    const appid = store.sesAppid()
    const cipher = recordStore.cipher ?? new SessionCipher(appid, encryption)
    const text = new SessionText(codec)
    this.#records = new SessionRecords(recordStore, cipher, new Indexing(recordStore, indexes, text), now)
    this.#shared = {
      store: recordStore,
      appid,
      text,
      unserved: new Unserved(appid, cipher),
      committer: new Committer(this.#records, appid, text),
      steps: new KeyedQueue(),
      updates: new UpdateQueue(),
      rolling,
      renewal: renewal === null ? null : new RenewalTimes(renewal, !hasRecords(store), now),
      now,
      touchFails: false
    }
  }

  /** Begins the visit of a request without a session cookie. Without an outlet the caller takes care of the cookie. */
  begin (log: SessionLog, outlet: CookieOutlet | null = null): Visit {
    return this.#begun(log, outlet, null)
  }

  /**
   * Begins the visit of a request with these values of session cookies: the first that names a live
   * session counts. Returns `undefined` when that takes time: call `load`.
   *
   * @throws {SessionError} when the store cannot be read
   */
  loadNow (values: readonly CookieValue[], log: SessionLog, outlet: CookieOutlet | null = null): Visit | undefined {
    if (!this.#records.areImmediate) return undefined
    const { unserved, appid } = this.#shared
    const start = startOf('load')
    try {
      for (const value of values) {
        const key = this.#records.keyOf(value.sesid)
        const stored = this.#records.readNow(key)
        if (stored === undefined) return undefined
        if (stored !== null && unserved.admits(log, key, stored)) return this.#loaded(start, log, outlet, { value, key, stored })
      }
    } catch (error) {
      publishError('load', appid, error)
      throw error
    }
    return this.#loaded(start, log, outlet, null)
  }

  /** The same, for a store that takes time. */
  async load (values: readonly CookieValue[], log: SessionLog, outlet: CookieOutlet | null = null): Promise<Visit> {
    const { unserved, appid } = this.#shared
    const start = startOf('load')
    try {
      for (const value of values) {
        const found = await this.#records.find(this.#records.keyOf(value.sesid))
        if (found !== null && unserved.admits(log, found.key, found.stored)) return this.#loaded(start, log, outlet, { value, ...found })
      }
    } catch (error) {
      publishError('load', appid, error)
      throw error
    }
    return this.#loaded(start, log, outlet, null)
  }

  #loaded (start: number, log: SessionLog, outlet: CookieOutlet | null, loaded: Loaded | null): Visit {
    if (start !== 0) publish('load', { appid: this.#shared.appid, duration: durationSince(start), found: loaded !== null })
    if (loaded === null) log.debug('the cookie names no live session')
    return this.#begun(log, outlet, loaded)
  }

  #begun (log: SessionLog, outlet: CookieOutlet | null, loaded: Loaded | null): Visit {
    const visit = new Visit(this.#shared, log, loaded)
    visit.outlet = outlet
    return visit
  }
}
