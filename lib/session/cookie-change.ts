import type { SessionCookieOptions } from './cookie-options'

/** What one of the request's session cookies says. */
export interface CookieValue {
  readonly sesid: string
  /** Whether the cookie is to be sent again, because a retired secret signed it. */
  readonly renew: boolean
}

/** What is to become of the visitor's cookie. `refresh`: it is right, but may be about to run out. */
export type CookieChange =
  | { change: 'none' }
  | { change: 'clear' }
  | { change: 'send' | 'refresh', sesid: string, maxAge: number | undefined, options: SessionCookieOptions | undefined }

export const NONE: CookieChange = { change: 'none' }
export const CLEAR: CookieChange = { change: 'clear' }
