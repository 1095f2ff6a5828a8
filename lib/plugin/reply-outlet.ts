import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CookieChange, CookieOutlet, Visit } from '../session/session-manager'
import type { LateChanges } from './late-changes'

/** What writes the cookie to a reply. Returns the header's value; null: there is nothing to write. */
export interface CookieWriter {
  write (request: FastifyRequest, reply: FastifyReply, change: CookieChange): string | null
  /** What the header Clear-Site-Data says at a logout; null: nothing. */
  readonly clearSiteData: string | null
}

const SENT = 'the headers of the response have gone out. Store something in the session before, ' +
  'such as by await session.save() ahead of the first byte'
const WEBSOCKET = 'a WebSocket answers without the session cookie. Make the session in a request before the upgrade'

/**
 * The way of one request's cookie to the visitor. At the end of the request the cookie goes into
 * Fastify's reply. Before, it goes to the raw response as well, for an app that writes that itself:
 * with `reply.hijack()`, `reply.raw` or server-sent events no end comes.
 */
export class ReplyOutlet implements CookieOutlet {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #cookie: CookieWriter
  readonly #lateChanges: LateChanges
  visit: Visit | null = null
  /** The Set-Cookie header that was put on the response before the end. */
  #early: string | null = null

  constructor (request: FastifyRequest, reply: FastifyReply, cookie: CookieWriter, lateChanges: LateChanges) {
    this.#request = request
    this.#reply = reply
    this.#cookie = cookie
    this.#lateChanges = lateChanges
  }

  closedBecause (isEnd: boolean): string | null {
    if (this.#reply.raw.headersSent) return SENT
    return !isEnd && isWebSocket(this.#request) ? WEBSOCKET : null
  }

  put (change: CookieChange, isEnd: boolean): void {
    if (isEnd) {
      this.#withdraw()
      if (change.change !== 'none') this.#keepOthers()
      if (this.#isLogout) this.#reply.header('clear-site-data', this.#cookie.clearSiteData)
      this.#cookie.write(this.#request, this.#reply, change)
    } else if (this.closedBecause(false) === null) {
      this.#withdraw()
      this.#putEarly(change)
    }
  }

  opened (): void {
    if (this.visit !== null) this.#lateChanges.watch(this.#request, this.#reply, this.visit)
  }

  /** Fastify sends its own headers in place of those on the raw response, where middleware of Connect puts cookies. */
  #keepOthers (): void {
    const others = this.#reply.getHeader('set-cookie')
    if (others === undefined) return
    this.#reply.removeHeader('set-cookie')
    this.#reply.header('set-cookie', others)
  }

  get #isLogout (): boolean {
    return this.#cookie.clearSiteData !== null && this.visit?.hasLoggedOut === true
  }

  #putEarly (change: CookieChange): void {
    const { raw } = this.#reply
    try {
      this.#early = this.#cookie.write(this.#request, this.#reply, change)
      if (this.#early === null) return
      raw.setHeader('set-cookie', [...setCookies(raw.getHeader('set-cookie')), this.#early])
      if (this.#isLogout) raw.setHeader('clear-site-data', String(this.#cookie.clearSiteData))
      raw.setHeader('cache-control', String(this.#reply.getHeader('cache-control')))
    } catch (error) {
      // The session is stored already, so the step has not failed. The end of the request, if it comes, tries again and fails.
      this.#request.log.warn({ err: error }, 'the session cookie cannot be put on the response')
    }
  }

  /** Takes back the cookie that was put on the response before the end. Those of others stay. */
  #withdraw (): void {
    if (this.#early === null) return
    const { raw } = this.#reply
    const others = (header: unknown): string[] => setCookies(header).filter(cookie => cookie !== this.#early)
    const onRaw = others(raw.getHeader('set-cookie'))
    raw.removeHeader('set-cookie')
    const onReply = others(this.#reply.getHeader('set-cookie'))
    this.#reply.removeHeader('set-cookie')
    if (onReply.length > 0) this.#reply.header('set-cookie', onReply)
    if (onRaw.length > 0) raw.setHeader('set-cookie', onRaw)
    this.#early = null
  }
}

function setCookies (header: unknown): string[] {
  if (header === undefined) return []
  return Array.isArray(header) ? header as string[] : [String(header)]
}

/** Whether `@fastify/websocket` answers the request, by itself and not through the reply. */
function isWebSocket (request: FastifyRequest): boolean {
  return (request as FastifyRequest & { ws?: unknown }).ws === true
}
