import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SessionError } from '../errors'
import { cookieValues } from './cookie-header'
import { isSameSiteNone, prefixedCookie } from './cookie-rules'
import type { SettledOptions } from './options'
import { outOfScale } from './time-scale'
import type { SessionCookieOptions } from '../session/cookie-options'
import type { CookieChange, CookieValue } from '../session/cookie-change'

/** What checks signatures: `@fastify/cookie` decorates apps and requests with it. */
type Signer = Pick<FastifyRequest, 'unsignCookie'>
/** What is said beside the cookie. */
type CookieHeaders = Pick<SettledOptions, 'cacheControl' | 'clearSiteData'>
type SettledCookieOptions = SessionCookieOptions & { secure: boolean }

/** The most values of one request that are tried: more cookies of the name are not an accident. */
const MOST_VALUES = 4
/** The most cookies of the name that are looked at, forged ones included: checking a signature takes time. */
const MOST_COOKIES = 64

/** The cookie with the session's id: reads it from requests, writes it to replies. */
export class SessionCookie {
  readonly #name: string
  readonly #options: SessionCookieOptions
  /** Requests outside this path have no session. */
  readonly path: string
  readonly #cacheControl: string
  /** What the header Clear-Site-Data says at a logout; null: nothing. */
  readonly clearSiteData: string | null
  #warned = false
  #warnedOfScale = false

  /** @throws {SessionError} when the name and the options do not go together */
  constructor (name: string, options: SessionCookieOptions, { cacheControl, clearSiteData }: CookieHeaders = { cacheControl: 'private', clearSiteData: [] }) {
    this.#name = name
    this.#cacheControl = cacheControl
    this.clearSiteData = clearSiteData.length === 0 ? null : clearSiteData.map(word => `"${word}"`).join(', ')
    this.#options = prefixedCookie(name, options)
    this.path = options.path ?? '/'
  }

  /** @throws {SessionError} SESSION_OPTION, when the cookie must be signed and the app has no secret */
  check (fastify: FastifyInstance): void {
    if (this.#options.signed === true && !fastify.hasDecorator('signCookie')) {
      throw new SessionError('SESSION_OPTION', 'fastify-file-sessions: option cookie.signed needs a secret: ' +
        'register @fastify/cookie with the option secret before this plugin')
    }
  }

  /**
   * Returns what the request's cookies of this name say, in the order of the header, each value once
   * and at most four: none of them may be the one that names a live session. Empty values and
   * forged or malformed signed values are left out.
   */
  read (request: FastifyRequest): CookieValue[] {
    return this.readHeader(request.headers.cookie, request)
  }

  /** The same, of a Cookie header. `signer` is the app, or a request of it. */
  readHeader (header: string | undefined, signer: Signer): CookieValue[] {
    const values: CookieValue[] = []
    if (header === undefined) return values
    for (const text of cookieValues(header, this.#name, MOST_COOKIES)) {
      const value = this.#options.signed === true ? unsigned(signer, text) : { sesid: text, renew: false }
      if (value === null || value.sesid === '' || (values.length > 0 && values.some(({ sesid }) => sesid === value.sesid))) continue
      if (values.push(value) === MOST_VALUES) break
    }
    return values
  }

  /** Returns the Cookie header with which a browser brings this id. */
  header (fastify: FastifyInstance, sesid: string): string {
    const value = this.#options.signed === true ? fastify.signCookie(sesid) : sesid
    return fastify.serializeCookie(this.#name, value)
  }

  /**
   * Whether a browser sends this cookie to the request's path: the path-match of RFC 6265, section
   * 5.1.4. It goes by the path that the browser asked for, not by the one that `rewriteUrl` made of it.
   */
  covers (request: FastifyRequest): boolean {
    const { path } = this
    if (path === '/') return true
    const requested = requestPath(request.originalUrl)
    return requested.startsWith(path) &&
      (requested.length === path.length || path.endsWith('/') || requested[path.length] === '/')
  }

  /**
   * Sets, refreshes or clears the cookie in the reply, and keeps the reply out of shared caches then.
   * Returns the header's value; null: there is nothing to do.
   */
  write (request: FastifyRequest, reply: FastifyReply, change: CookieChange): string | null {
    if (change.change === 'none') return null
    let header: string
    if (change.change === 'clear') {
      header = this.#set(reply, '', { ...this.#settled(request), expires: new Date(0), maxAge: 0 })
    } else {
      const maxAge = change.maxAge ?? this.#options.maxAge
      if (change.change === 'refresh' && maxAge === undefined) return null
      const options = this.#settled(request, change.options)
      this.#warnOnce(request, options)
      this.#warnOfScaleOnce(request, change.maxAge)
      const value = this.#options.signed === true ? reply.signCookie(change.sesid) : change.sesid
      header = this.#set(reply, value, { ...options, ...(maxAge === undefined ? {} : { maxAge }) })
    }
    const given = reply.getHeader('cache-control')
    reply.header('cache-control', given === undefined ? this.#cacheControl : privateCacheControl(given))
    return header
  }

  /** Keeps the response to a request with a session out of all caches, if that is asked for and the app says nothing else. */
  keepOut (reply: FastifyReply): void {
    if (this.#cacheControl === 'no-store' && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  }

  /** `reply.setCookie` would send nothing at this point, unless `@fastify/cookie` has parsed the request's cookies. */
  #set (reply: FastifyReply, value: string, options: SettledCookieOptions): string {
    const header = reply.server.serializeCookie(this.#name, value, options)
    reply.header('set-cookie', header)
    return header
  }

  /**
   * `secure: 'auto'` goes by Fastify's own notion of the protocol, which knows `trustProxy`. Browsers
   * refuse a cookie that is not Secure and says `SameSite=None` or `Partitioned`, so neither is sent then.
   */
  #settled (request: FastifyRequest, changes?: SessionCookieOptions): SettledCookieOptions {
    const options = changes === undefined ? this.#options : prefixedCookie(this.#name, { ...this.#options, ...changes })
    const secure = options.secure === 'auto' ? request.protocol === 'https' : options.secure === true
    if (secure) return { ...options, secure }
    return { ...options, secure, partitioned: false, ...(isSameSiteNone(options.sameSite) ? { sameSite: 'lax' } : {}) }
  }

  #warnOnce (request: FastifyRequest, options: SettledCookieOptions): void {
    if (this.#warned || !options.secure || request.protocol === 'https') return
    this.#warned = true
    request.log.warn('the session cookie is Secure but the request came over http, so browsers may drop it: ' +
      'behind a proxy that speaks https set Fastify\'s trustProxy, otherwise cookie.secure to \'auto\'')
  }

  /** The time that a session was given by its method `options`. */
  #warnOfScaleOnce (request: FastifyRequest, maxAge: number | undefined): void {
    const [warning] = this.#warnedOfScale ? [] : outOfScale('maxAge of session.options', maxAge)
    if (warning === undefined) return
    this.#warnedOfScale = true
    request.log.warn(warning)
  }
}

/** Returns null for a value that no secret of the app signed. */
function unsigned (signer: Signer, text: string): CookieValue | null {
  const { valid, value, renew } = signer.unsignCookie(text)
  return valid ? { sesid: value, renew: renew === true } : null
}

/** Returns the path of a request's target, which may be a whole address. */
function requestPath (target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

/** Returns what the response says of caches, changed so that no shared cache keeps it and the cookie in it. */
function privateCacheControl (given: unknown): string {
  const directives = String(given).split(',').map(directive => directive.trim())
  const kept = directives.filter(directive => directive !== '' && !/^(public|s-maxage\b.*)$/i.test(directive))
  return kept.some(directive => /^(private|no-store)$/i.test(directive)) ? kept.join(', ') : ['private', ...kept].join(', ')
}
