import { readFileSync } from 'node:fs'

/** What Linux tells of a thread: nanoseconds on a processor, nanoseconds for which it was kept waiting for one, and how often it got one. */
const STATISTICS = '/proc/thread-self/schedstat'

/**
 * Returns for how many milliseconds this thread was kept waiting for a processor so far, because others had it or the
 * container's share was used up. It never falls. Returns 0 where the system does not tell.
 */
export function processorWait (path = STATISTICS): number {
  try {
    const [, nanoseconds] = readFileSync(path, 'latin1').split(' ')
    return Number(nanoseconds) / 1e6
  } catch {
    return 0
  }
}
