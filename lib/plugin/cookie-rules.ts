import { check, given, isTime } from '../option-checks'
import { checkAttributes, checkPrefix, type SessionCookieOptions } from '../session/cookie-options'
import { LONGEST_IDLE_TIMEOUT } from '../store/record-options'

const COOKIE_OPTIONS: Array<keyof SessionCookieOptions> = [
  'domain', 'httpOnly', 'maxAge', 'partitioned', 'path', 'priority', 'sameSite', 'secure', 'signed'
]
const DEFAULT_COOKIE: SessionCookieOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }

/** Checks the option `cookie` and fills in the defaults. @throws {SessionError} SESSION_OPTION */
export function cookieOptions (options: SessionCookieOptions = {}): SessionCookieOptions {
  check(typeof options === 'object' && options !== null, 'cookie', 'must be an object')
  const cookie: SessionCookieOptions = { ...DEFAULT_COOKIE, ...given(options) }
  check(cookie.expires === undefined, 'cookie.expires', 'must be left out: a moment in time fits one visitor only; use maxAge')
  for (const name of Object.keys(cookie)) {
    check(COOKIE_OPTIONS.some(known => known === name), `cookie.${name}`, `is not known; the cookie's options are ${COOKIE_OPTIONS.join(', ')}`)
  }
  checkAttributes(cookie, named)
  check(cookie.maxAge === undefined || (isTime(cookie.maxAge) && Number.isInteger(cookie.maxAge) && cookie.maxAge <= LONGEST_IDLE_TIMEOUT), 'cookie.maxAge',
    `must be a whole number of seconds above 0, at most ${LONGEST_IDLE_TIMEOUT}`)
  check(!isSameSiteNone(cookie.sameSite) || cookie.secure !== false, 'cookie.sameSite',
    "'none' needs cookie.secure: browsers refuse the cookie otherwise")
  check(cookie.partitioned !== true || cookie.secure !== false, 'cookie.partitioned',
    'needs cookie.secure: browsers refuse the cookie otherwise')
  return cookie
}

/**
 * Returns the options with what a name that starts with `__Host-` or `__Secure-` implies.
 *
 * @throws {SessionError} SESSION_OPTION, when the options break the rules of that name
 */
export function prefixedCookie (appid: string, cookie: SessionCookieOptions): SessionCookieOptions {
  return checkPrefix(appid, cookie, named) ? { ...cookie, secure: true } : cookie
}

export function isSameSiteNone (sameSite: unknown): boolean {
  return String(sameSite).toLowerCase() === 'none'
}

function named (attribute: string): string {
  return `cookie.${attribute}`
}
