import { isPlainObject, type PlainObject } from '../session/merge'
import type { StoredSession } from '../store/session-store'

/** What an express-session store is given and gives: the session's data, and its cookie. */
export interface ConnectSessionData {
  cookie: ConnectCookie
}

export interface ConnectCookie {
  /** Milliseconds; `null` for a cookie that ends with the browser. */
  originalMaxAge: number | null
  expires?: Date | null | undefined
}

/** Seconds that a session with this cookie may stay unused; `undefined` when the cookie does not say. */
export function idleTimeoutOf (cookie: unknown): number | undefined {
  const { originalMaxAge, expires } = (cookie ?? {}) as PlainObject
  if (typeof originalMaxAge === 'number') return Math.ceil(originalMaxAge / 1000)
  const moment = momentOf(expires)
  return moment === null ? undefined : Math.ceil((moment.getTime() - Date.now()) / 1000)
}

/**
 * The cookie as it is stored. The moment of expiry is left out when it follows from the last
 * access: that one changes without the data.
 */
export function cookieToStore (cookie: unknown): PlainObject {
  const { toJSON } = (cookie ?? {}) as { toJSON?: () => PlainObject }
  const plain = typeof toJSON === 'function' ? toJSON.call(cookie) : { ...cookie as PlainObject }
  delete plain.originalExpires
  if (typeof plain.originalMaxAge === 'number') delete plain.expires
  return plain
}

/** Session data with the cookie as they had it, and the moment of expiry that the store knows. */
export function withStoredCookie (data: PlainObject, { idleTimeout, idleLeft }: StoredSession): ConnectSessionData {
  // Without a cookie it was not express-session that stored it.
  const cookie = isPlainObject(data.cookie) ? data.cookie : { originalMaxAge: idleTimeout && idleTimeout * 1000 }
  const { originalMaxAge } = cookie
  if (typeof originalMaxAge !== 'number') {
    return { ...data, cookie: { ...cookie, originalMaxAge: null, expires: momentOf(cookie.expires) } }
  }
  return { ...data, cookie: { ...cookie, originalMaxAge, expires: new Date(Date.now() + (idleLeft ?? originalMaxAge)) } }
}

/** A cookie's `expires`, which JSON makes a text of; null when it is none. */
export function momentOf (expires: unknown): Date | null {
  if (!(expires instanceof Date) && typeof expires !== 'string') return null
  const moment = new Date(expires)
  return Number.isNaN(moment.getTime()) ? null : moment
}
