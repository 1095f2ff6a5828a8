import type { FastifyInstance } from 'fastify'
import { SessionError } from '../errors'
import type { Session } from '../session/session'
import type { CookieOutlet, SessionManager } from '../session/session-manager'
import type { SessionCookie } from './session-cookie'

/** No response: a change of the cookie stays with the caller. */
const NO_RESPONSE: CookieOutlet = {
  closedBecause: () => 'the session was loaded outside of a request. Make sessions, and give them new ids, in a request',
  put () {},
  opened () {}
}

/** The sessions of one registration, for code that has no request. */
export class OutsideSessions {
  readonly #fastify: FastifyInstance
  readonly #manager: SessionManager
  readonly #cookie: SessionCookie
  /** Whether the store is ready: the plugin says so when it has opened it. */
  isReady = false

  constructor (fastify: FastifyInstance, manager: SessionManager, cookie: SessionCookie) {
    this.#fastify = fastify
    this.#manager = manager
    this.#cookie = cookie
  }

  /** Returns the session that a Cookie header names; null when it names no live one. @throws {SessionError} */
  async load (header: string | undefined): Promise<Session | null> {
    const values = this.#cookie.readHeader(header, this.#fastify)
    if (values.length === 0) return null
    const visit = await this.#manager.load(values, this.#fastify.log, NO_RESPONSE)
    const { session } = visit
    if (visit.sesid !== null) return session
    // A session that cannot be decoded is set aside.
    await session.save()
    return null
  }

  /** Stores a session with these data, and returns the Cookie header that brings it. @throws {SessionError} */
  async create (data: object): Promise<string> {
    const { session } = this.#manager.begin(this.#fastify.log)
    for (const [key, value] of Object.entries(data)) session.set(key, value)
    await session.save()
    const { sessionId } = session
    if (sessionId === undefined) throw new SessionError('SESSION_ARGUMENT', 'sessionCookie: the data are empty, and a session without data is not stored')
    return this.#cookie.header(this.#fastify, sessionId)
  }
}
