import type { SessionCodec, SessionStore } from '../../index'
import { SessionManager, type CookieChange, type Visit } from '../../lib/session/session-manager'

export const json: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}

/** Requests to a manager, without the web around them. */
export class Visits {
  readonly log: Array<{ level: 'debug' | 'warn', message: string, error: unknown }> = []
  readonly manager: SessionManager

  constructor (readonly store: SessionStore, { codec = json, rolling = true } = {}) {
    this.manager = new SessionManager(store, codec, rolling)
  }

  /** A request that brings the id as its cookie, or none. */
  async begin (sesid?: string): Promise<Visit> {
    const log = { debug: this.#note('debug'), warn: this.#note('warn') }
    return sesid === undefined ? this.manager.begin(log) : await this.manager.load(sesid, log)
  }

  async finish (visit: Visit): Promise<CookieChange> {
    return await this.manager.finish(visit)
  }

  /** A whole request that stores these data in a new session; answers its id. */
  async stored (data: Record<string, unknown>): Promise<string> {
    const visit = await this.begin()
    for (const [key, value] of Object.entries(data)) visit.session.set(key, value)
    const change = await this.finish(visit)
    if (change.change !== 'send') throw new Error('nothing was stored')
    return change.sesid
  }

  #note (level: 'debug' | 'warn') {
    return (first: unknown, second?: unknown): void => {
      const error = typeof first === 'object' && first !== null ? (first as { err: unknown }).err : undefined
      this.log.push({ level, message: String(second ?? first), error })
    }
  }
}
