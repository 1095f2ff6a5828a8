import type { CookieChange } from './cookie-change'

/** The response to a request, as far as it brings the session's cookie to the visitor. */
export interface CookieOutlet {
  /**
   * Returns why the cookie of a new session cannot reach the visitor any more; null while it can.
   * `isEnd`: Fastify sends the response now.
   */
  closedBecause (isEnd: boolean): string | null

  /** Puts on the response what is to become of the cookie, in place of what an earlier call put there. */
  put (change: CookieChange, isEnd: boolean): void

  /** Is told once, when the app first looks at the session. */
  opened (): void
}
