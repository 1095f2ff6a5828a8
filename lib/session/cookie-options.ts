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
