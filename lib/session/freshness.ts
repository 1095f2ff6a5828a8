import { SessionError } from '../errors'
import { isTime } from '../option-checks'
import { NO_HEADER, type SessionHeader } from '../store/session-header'

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

/** Returns the stored header with the request's changes. Of two proofs the later one counts. */
export function changedHeader (stored: SessionHeader, change: SessionHeader, now: () => number): SessionHeader {
  if (change === NO_HEADER) return stored
  const header = { ...stored, ...change }
  const { freshAt } = stored
  // A clock that was ahead must not keep the visitor from proving who he is.
  if (change.freshAt !== undefined && freshAt !== undefined && !isAhead(freshAt, now())) {
    header.freshAt = Math.max(change.freshAt, freshAt)
  }
  return header
}

/** @throws {SessionError} SESSION_ARGUMENT, unless it is a number of seconds above 0 */
export function checkMaxAge (maxAge: unknown, caller: string): void {
  if (isTime(maxAge)) return
  throw new SessionError('SESSION_ARGUMENT', `${caller} takes a number of seconds above 0: ${caller}(600)`)
}
