import { check, isTime } from '../option-checks'
import type { SessionCookieOptions } from '../session/cookie-options'

const COOKIE_OPTIONS: Array<keyof SessionCookieOptions> = [
  'domain', 'httpOnly', 'maxAge', 'partitioned', 'path', 'priority', 'sameSite', 'secure', 'signed'
]
const SAME_SITE = ['lax', 'strict', 'none']
const DEFAULT_COOKIE: SessionCookieOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }

/** Checks the option `cookie` and fills in the defaults. @throws {SessionError} SESSION_OPTION */
export function cookieOptions (given: SessionCookieOptions = {}): SessionCookieOptions {
  check(typeof given === 'object' && given !== null, 'cookie', 'must be an object')
  const cookie: SessionCookieOptions = { ...DEFAULT_COOKIE }
  for (const [name, value] of Object.entries(given)) {
    // An option that is undefined is left out, as everywhere: it must not remove a default such as httpOnly.
    if (value !== undefined) Object.assign(cookie, { [name]: value })
  }
  check(cookie.expires === undefined, 'cookie.expires', 'must be left out: a moment in time fits one visitor only; use maxAge')
  for (const name of Object.keys(cookie)) {
    check(COOKIE_OPTIONS.some(known => known === name), `cookie.${name}`, `is not known; the cookie's options are ${COOKIE_OPTIONS.join(', ')}`)
  }
  for (const name of ['httpOnly', 'signed', 'partitioned'] as const) {
    check(cookie[name] === undefined || typeof cookie[name] === 'boolean', `cookie.${name}`, 'must be true or false')
  }
  check(typeof cookie.path === 'string' && cookie.path.startsWith('/'), 'cookie.path', 'must begin with /')
  check(cookie.domain === undefined || typeof cookie.domain === 'string', 'cookie.domain', 'must be a string')
  check(typeof cookie.sameSite === 'boolean' || SAME_SITE.includes(String(cookie.sameSite).toLowerCase()), 'cookie.sameSite',
    `must be true, false or one of ${SAME_SITE.join(', ')}`)
  check(cookie.maxAge === undefined || (isTime(cookie.maxAge) && Number.isInteger(cookie.maxAge)), 'cookie.maxAge',
    'must be a whole number of seconds above 0')
  check(cookie.secure === 'auto' || typeof cookie.secure === 'boolean', 'cookie.secure', "must be true, false or 'auto'")
  check(!isSameSiteNone(cookie.sameSite) || cookie.secure !== false, 'cookie.sameSite',
    "'none' needs cookie.secure: browsers refuse the cookie otherwise")
  check(cookie.partitioned !== true || cookie.secure !== false, 'cookie.partitioned',
    'needs cookie.secure: browsers refuse the cookie otherwise')
  return cookie
}

/**
 * Returns the options with what a name that starts with `__Host-` or `__Secure-` implies. Browsers
 * refuse a cookie that breaks the rules of its prefix. @throws {SessionError} when the options break them
 */
export function prefixedCookie (appid: string, cookie: SessionCookieOptions): SessionCookieOptions {
  const host = appid.toLowerCase().startsWith('__host-')
  if (!host && !appid.toLowerCase().startsWith('__secure-')) return cookie
  check(cookie.secure !== false, 'cookie.secure', `must not be false: the appid ${appid} asks for a Secure cookie`)
  check(!host || cookie.domain === undefined, 'cookie.domain', `must be left out: the appid ${appid} allows none`)
  check(!host || cookie.path === '/', 'cookie.path', `must be '/': the appid ${appid} allows no other`)
  return { ...cookie, secure: true }
}

export function isSameSiteNone (sameSite: unknown): boolean {
  return String(sameSite).toLowerCase() === 'none'
}
