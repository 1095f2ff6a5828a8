import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SessionError } from '../errors'
import { prefixedCookie } from './options'
import type { SessionCookieOptions } from '../session/cookie-options'
import type { CookieChange } from '../session/session-manager'

type SettledCookieOptions = SessionCookieOptions & { secure: boolean }

/** The cookie that bears the session's id: reads it from requests, writes it to replies. */
export class SessionCookie {
  readonly #name: string
  readonly #options: SessionCookieOptions
  #warned = false

  /** @throws {SessionError} when the name and the options do not go together */
  constructor (name: string, options: SessionCookieOptions) {
    this.#name = name
    this.#options = prefixedCookie(name, options)
  }

  /**
   * @throws {SessionError} when the cookie is to be signed and there is no secret to do it with, or
   * when the options make no cookie
   */
  check (fastify: FastifyInstance): void {
    if (this.#options.signed === true && !fastify.hasDecorator('signCookie')) {
      throw new SessionError('SESSION_OPTION', 'fastify-file-sessions: option cookie.signed needs a secret: ' +
        'register @fastify/cookie with the option secret before this plugin')
    }
    try {
      fastify.serializeCookie(this.#name, '', { ...this.#options, secure: true })
    } catch (error) {
      throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option cookie: ${(error as Error).message}`, { cause: error })
    }
  }

  /** The id that the request brings; `''`, which is no id, for a forged one; null for none. */
  read (request: FastifyRequest): string | null {
    const value = this.#cookies(request)[this.#name]
    // Where @fastify/cookie found none, `constructor` is a member of what it gives.
    if (typeof value !== 'string') return null
    if (this.#options.signed !== true) return value
    const unsigned = request.unsignCookie(value)
    return unsigned.valid ? unsigned.value : ''
  }

  write (request: FastifyRequest, reply: FastifyReply, change: CookieChange): void {
    if (change.change === 'none') return
    if (change.change === 'clear') {
      this.#set(reply, '', { ...this.#settled(request), expires: new Date(0), maxAge: 0 })
    } else {
      const maxAge = change.maxAge ?? this.#options.maxAge
      if (change.change === 'refresh' && maxAge === undefined) return
      const options = this.#settled(request, change.options)
      this.#warnOnce(request, options)
      const value = this.#options.signed === true ? reply.signCookie(change.sesid) : change.sesid
      this.#set(reply, value, { ...options, ...(maxAge === undefined ? {} : { maxAge }) })
    }
    reply.header('cache-control', privateCacheControl(reply.getHeader('cache-control')))
  }

  /** Not by `reply.setCookie`: that late it sends nothing, unless the request's cookies were parsed before. */
  #set (reply: FastifyReply, value: string, options: SettledCookieOptions): void {
    reply.header('set-cookie', reply.server.serializeCookie(this.#name, value, options))
  }

  /** @fastify/cookie may be told to parse later than we need it, or never. */
  #cookies (request: FastifyRequest): Record<string, string | undefined> {
    const parsed = request.cookies as Record<string, string | undefined> | null | undefined
    if (parsed) return parsed
    const header = request.headers.cookie
    return header === undefined ? {} : request.server.parseCookie(header)
  }

  /** `secure: 'auto'` goes by Fastify's own notion of the protocol, which knows `trustProxy`. */
  #settled (request: FastifyRequest, changes?: SessionCookieOptions): SettledCookieOptions {
    const options = changes === undefined ? this.#options : prefixedCookie(this.#name, { ...this.#options, ...changes })
    return { ...options, secure: options.secure === 'auto' ? request.protocol === 'https' : options.secure === true }
  }

  #warnOnce (request: FastifyRequest, options: SettledCookieOptions): void {
    if (this.#warned || !options.secure || request.protocol === 'https') return
    this.#warned = true
    request.log.warn('the session cookie is Secure but the request came over http, so browsers may drop it: ' +
      'behind a proxy that speaks https set Fastify\'s trustProxy, otherwise cookie.secure to \'auto\'')
  }
}

/** What the response said of caches, made to keep it, and the cookie in it, out of shared ones. */
function privateCacheControl (given: unknown): string {
  const directives = given === undefined ? [] : String(given).split(',').map(directive => directive.trim())
  const kept = directives.filter(directive => directive !== '' && !/^(public|s-maxage\b.*)$/i.test(directive))
  return kept.some(directive => /^(private|no-store)$/i.test(directive)) ? kept.join(', ') : ['private', ...kept].join(', ')
}
