import { Clock, timeLeft, type Lifetimes } from '../store/clock'
import { LONGEST_IDLE_TIMEOUT } from '../store/record-options'
import type { PortableSession } from '../store/store-abilities'

/** The longest idle timeout (seconds) that a record has room for: no session is taken for expired. */
export const ANY_AGE: Lifetimes = { idleTimeout: LONGEST_IDLE_TIMEOUT, absoluteTimeout: undefined }

/** Returns the milliseconds that a session has left; 0 or less: it is over. */
export function timeLeftOf ({ createdAt, lastAccess, idleTimeout = 0 }: PortableSession, limits: Lifetimes, clock = new Clock()): number {
  return timeLeft({ createdAt, lastAccess, idleTimeout }, limits, clock)
}
