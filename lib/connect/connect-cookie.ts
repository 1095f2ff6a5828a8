import { isPlainObject, type PlainObject } from '../session/plain-object'
import type { StoredSession } from '../store/session-record'

/** What an express-session store is given and returns: the session's data, and its cookie. */
export interface ConnectSessionData {
  cookie: ConnectCookie
}

export interface ConnectCookie {
  /** Milliseconds; `null` for a cookie that ends with the browser. */
  originalMaxAge: number | null
  expires?: Date | null | undefined
}

/** Milliseconds since 1970: the last moment that a `Date` can hold. */
const LATEST = 8.64e15

/** Returns the seconds that a session with this cookie may stay unused; `undefined` when the cookie does not say. */
export function idleTimeoutOf (cookie: unknown): number | undefined {
  const { originalMaxAge, expires } = (cookie ?? {}) as PlainObject
  if (isMaxAge(originalMaxAge)) return Math.ceil(originalMaxAge / 1000)
  const moment = momentOf(expires)
  return moment === null ? undefined : Math.ceil((moment.getTime() - Date.now()) / 1000)
}

/**
 * Returns the cookie as it is stored. The moment of expiry is left out when it follows from the last
 * access, because it changes then without the data.
 */
export function cookieToStore (cookie: unknown): PlainObject {
  const { toJSON } = (cookie ?? {}) as { toJSON?: () => PlainObject }
  const plain = typeof toJSON === 'function' ? toJSON.call(cookie) : { ...cookie as PlainObject }
  delete plain.originalExpires
  if (isMaxAge(plain.originalMaxAge)) delete plain.expires
  // express-session has NaN here after `expires: new Date(NaN)` and `maxAge: Infinity`.
  else if (typeof plain.originalMaxAge === 'number') plain.originalMaxAge = null
  return plain
}

/** Returns the data with the cookie that they were stored with, and the moment of expiry that the store knows. */
export function withStoredCookie (data: PlainObject, { idleTimeout, idleLeft }: StoredSession): ConnectSessionData {
  // Data without a cookie were not stored by express-session.
  const cookie = isPlainObject(data.cookie) ? data.cookie : { originalMaxAge: idleTimeout && idleTimeout * 1000 }
  const { originalMaxAge } = cookie
  if (!isMaxAge(originalMaxAge)) {
    return { ...data, cookie: { ...cookie, originalMaxAge: null, expires: momentOf(cookie.expires) } }
  }
  return { ...data, cookie: { ...cookie, originalMaxAge, expires: new Date(Date.now() + (idleLeft ?? originalMaxAge)) } }
}

/** Whether these are milliseconds after which a session can end: a `Date` can hold the moment. */
export function isMaxAge (value: unknown): value is number {
  return typeof value === 'number' && Math.abs(Date.now() + value) <= LATEST
}

/** Returns a cookie's `expires`, which JSON makes a text of; null when it is not a moment. */
export function momentOf (expires: unknown): Date | null {
  if (!(expires instanceof Date) && typeof expires !== 'string') return null
  const moment = new Date(expires)
  return Number.isNaN(moment.getTime()) ? null : moment
}
