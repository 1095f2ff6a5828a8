import { NO_HEADER, type SessionHeader } from '../store/session-header'
import { isAhead } from './freshness'

/** Returns what is to be known of a session of which this is known, and which a request changes so. Of two moments of proof the later one counts. */
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
