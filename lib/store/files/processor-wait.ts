import { readFileSync } from 'node:fs'

/** What Linux tells of a thread: nanoseconds on a processor, nanoseconds for which it was kept waiting for one, and how often it got one. */
const STATISTICS = '/proc/thread-self/schedstat'

let last = 0

/**
 * Returns for how many milliseconds this thread was kept waiting for a processor so far, because others had it or the
 * container's share was used up. It never falls: where the system does not tell, for want of a descriptor for example,
 * it is what was told last, and 0 before that.
 */
export function processorWait (path = STATISTICS): number {
  try {
    const [, nanoseconds] = readFileSync(path, 'latin1').split(' ')
    last = Math.max(last, Number(nanoseconds) / 1e6 || 0)
  } catch {
    // As the system does not tell.
  }
  return last
}
