import { check, given } from '../option-checks'

/**
 * The attributes of the session cookie, as `@fastify/cookie` takes them. They are written down here, so
 * that these types need no types of `@fastify/cookie`: an app may have another version of it.
 */
export interface SessionCookieOptions {
  /** Host to which, and to whose subdomains, the browser sends the cookie. Left out: to the host that set it. */
  domain?: string
  /** A moment; of use for one response only. */
  expires?: Date
  /** Whether scripts on the page do not see the cookie. */
  httpOnly?: boolean
  /** Seconds that the browser keeps the cookie. Left out: until it is closed. */
  maxAge?: number
  /** Whether the browser keeps a cookie for each site in which the app is embedded. */
  partitioned?: boolean
  /** The browser sends the cookie to this path and to paths below it. */
  path?: string
  /** Which cookies the browser drops last when it has too many of the site. */
  priority?: 'low' | 'medium' | 'high'
  /** `true` is `'strict'`; `false` leaves the attribute out. */
  sameSite?: 'lax' | 'none' | 'strict' | boolean
  /** Whether the browser sends the cookie over https only. `'auto'`: if it came over https. */
  secure?: boolean | 'auto'
  /** Whether the value is signed with the secret of `@fastify/cookie`. */
  signed?: boolean
}

/** What a session's cookie can have of its own, beside `maxAge`. */
const ATTRIBUTES = ['domain', 'expires', 'httpOnly', 'partitioned', 'path', 'priority', 'sameSite', 'secure'] as const
const SAME_SITE = ['lax', 'strict', 'none']
const PRIORITIES = ['low', 'medium', 'high']
/** What a response can say of them. */
const DOMAIN = /^\.?[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i
const PATH = /^\/[ -:=-~]*$/

/**
 * Returns the attributes that a session gives its cookie. Names that are not a cookie's are left out, and so are values that are undefined.
 *
 * @throws {SessionError} SESSION_OPTION, for a value that a cookie of this name cannot have
 */
export function attributesOf (options: SessionCookieOptions, appid: string): SessionCookieOptions {
  const attributes = given(Object.fromEntries(ATTRIBUTES.map(name => [name, options[name]])) as SessionCookieOptions)
  const named = (attribute: string): string => `${attribute} of session.options`
  checkAttributes(attributes, named)
  checkPrefix(appid, attributes, named)
  return attributes
}

/**
 * Checks the attributes of a session cookie that are given, all but `maxAge`. `named` returns what an error calls one.
 *
 * @throws {SessionError} SESSION_OPTION, for a value that no cookie can have
 */
export function checkAttributes (cookie: SessionCookieOptions, named: (attribute: keyof SessionCookieOptions) => string): void {
  const { domain, expires, path, priority, sameSite, secure } = cookie
  for (const name of ['httpOnly', 'signed', 'partitioned'] as const) {
    check(cookie[name] === undefined || typeof cookie[name] === 'boolean', named(name), 'must be true or false')
  }
  check(expires === undefined || (expires instanceof Date && Number.isFinite(expires.getTime())), named('expires'), 'must be a date')
  check(path === undefined || isText(path, PATH), named('path'), 'must begin with /, and have no ; < or other characters than ASCII')
  check(domain === undefined || isText(domain, DOMAIN), named('domain'), 'must be the name of a host, such as example.org')
  check(priority === undefined || PRIORITIES.includes(priority), named('priority'), `must be one of ${PRIORITIES.join(', ')}`)
  check(sameSite === undefined || typeof sameSite === 'boolean' || SAME_SITE.includes(String(sameSite).toLowerCase()), named('sameSite'),
    `must be true, false or one of ${SAME_SITE.join(', ')}`)
  check(secure === undefined || secure === 'auto' || typeof secure === 'boolean', named('secure'), "must be true, false or 'auto'")
}

/**
 * Checks that the attributes that are given do not break the rules of a name that starts with `__Host-` or `__Secure-`: browsers
 * would refuse the cookie. Returns whether the name has such rules.
 *
 * @throws {SessionError} SESSION_OPTION
 */
export function checkPrefix (appid: string, { domain, path, secure }: SessionCookieOptions, named: (attribute: keyof SessionCookieOptions) => string): boolean {
  const isHost = appid.toLowerCase().startsWith('__host-')
  if (!isHost && !appid.toLowerCase().startsWith('__secure-')) return false
  check(secure !== false, named('secure'), `must not be false: the appid ${appid} asks for a Secure cookie`)
  check(!isHost || domain === undefined, named('domain'), `must be left out: the appid ${appid} allows none`)
  check(!isHost || path === undefined || path === '/', named('path'), `must be '/': the appid ${appid} allows no other`)
  return true
}

function isText (value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}
