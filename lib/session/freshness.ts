import { SessionError } from '../errors'

/** Milliseconds that the clocks of two machines may differ. A moment further ahead is that of a clock that was wrong. */
const AHEAD = 60_000

/**
 * Whether a moment (milliseconds since 1970; `undefined`: never) is no longer ago than `maxAge` seconds.
 *
 * @throws {SessionError} SESSION_ARGUMENT, for a `maxAge` that is not a number of seconds above 0
 */
export function isFreshAt (freshAt: number | undefined, maxAge: number, now: number): boolean {
  checkMaxAge(maxAge, 'session.isFresh')
  return freshAt !== undefined && !isAhead(freshAt, now) && now - freshAt <= maxAge * 1000
}

/** Whether a moment lies further ahead than the clocks of two machines may differ. */
export function isAhead (moment: number, now: number): boolean {
  return moment > now + AHEAD
}

/** @throws {SessionError} SESSION_ARGUMENT, unless it is a number of seconds above 0 */
export function checkMaxAge (maxAge: unknown, caller: string): void {
  if (typeof maxAge === 'number' && Number.isFinite(maxAge) && maxAge > 0) return
  throw new SessionError('SESSION_ARGUMENT', `${caller} takes a number of seconds above 0: ${caller}(600)`)
}
