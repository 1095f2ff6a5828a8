export type { CookieChange, Visit } from './session-manager'

/** What one of the request's session cookies says. */
export interface CookieValue {
  readonly sesid: string
  /** Whether the cookie is to be sent again, because a retired secret signed it. */
  readonly renew: boolean
}
