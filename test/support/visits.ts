import type { SessionCodec } from '../../lib/session/codec'
import { SessionManager, type CookieChange, type CookieValue, type Visit } from '../../lib/session/session-manager'
import { encryptionOptions, type EncryptionOptions } from '../../lib/store/encryption-options'
import type { RenewalOptions } from '../../lib/session/renewal-times'
import type { SessionStore } from '../../lib/store/session-store'
import { MemoryStore } from './map-store'

export const json: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}

/** Requests to a manager, without the web around them. */
export class Visits {
  readonly log: Array<{ level: 'debug' | 'warn', message: string, session: string | undefined, error: unknown }> = []
  readonly manager: SessionManager
  /** Milliseconds that the session layer's clock is ahead. */
  later = 0

  constructor (readonly store: SessionStore, {
    codec = json, rolling = true, encryption = false as boolean | EncryptionOptions, renewal = null as RenewalOptions | null, now = Date.now
  } = {}) {
    this.manager = new SessionManager(store, { codec, rolling, encryption: encryptionOptions(encryption), renewal, now: () => now() + this.later })
  }

  /** A request that brings these ids as its cookies, or none. */
  async begin (...sesids: string[]): Promise<Visit> {
    return await this.bring(...sesids.map(sesid => ({ sesid, renew: false })))
  }

  async bring (...values: CookieValue[]): Promise<Visit> {
    const log = { debug: this.#note('debug'), warn: this.#note('warn') }
    if (values.length === 0) return this.manager.begin(log)
    return this.manager.loadNow(values, log) ?? await this.manager.load(values, log)
  }

  async finish (visit: Visit): Promise<CookieChange> {
    return visit.finishNow() ?? await visit.finish()
  }

  /** A whole request that stores these data in a new session; returns its id. */
  async stored (data: Record<string, unknown>): Promise<string> {
    const visit = await this.begin()
    for (const [key, value] of Object.entries(data)) visit.session.set(key, value)
    const change = await this.finish(visit)
    if (change.change !== 'send') throw new Error('nothing was stored')
    return change.sesid
  }

  #note (level: 'debug' | 'warn') {
    return (first: unknown, second?: string): void => {
      const { err: error, session } = typeof first === 'string' ? {} as { err?: unknown, session?: string } : first as { err?: unknown, session: string }
      this.log.push({ level, message: second ?? String(first), session, error })
    }
  }
}

/** A request whose session is stored with these data. The store has noted no call yet. */
export async function begin (data: Record<string, unknown>, store = new MemoryStore()) {
  const visits = new Visits(store)
  const sesid = await visits.stored(data)
  const visit = await visits.begin(sesid)
  store.calls.length = 0
  return { store, visits, sesid, visit, session: visit.session }
}

/** The data of the session with this id; null when it is not served. */
export async function look (visits: Visits, sesid: string): Promise<Record<string, unknown> | null> {
  const visit = await visits.begin(sesid)
  const data = visit.session.data()
  const isServed = !visit.session.isNew
  await visits.finish(visit)
  return isServed ? data : null
}

/** A whole request that changes these data. */
export async function change (visits: Visits, sesid: string, data: Record<string, unknown>): Promise<void> {
  const visit = await visits.begin(sesid)
  for (const [key, value] of Object.entries(data)) visit.session.set(key, value)
  await visits.finish(visit)
}
