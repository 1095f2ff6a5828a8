import { SessionError } from '../errors'
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

/** Says that a new session would have an id that no visitor ever gets. */
export function unreachable (reason: string): SessionError {
  return new SessionError('SESSION_UNREACHABLE', `a new session would get an id that cannot reach the visitor: ${reason}. Nothing is stored`)
}
