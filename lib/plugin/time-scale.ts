import type { SettledOptions } from './options'

const DAY = 24 * 60 * 60
/** Seconds. Browsers keep no cookie longer; a larger number is more likely one of milliseconds. */
const LONGEST_TIME = 400 * DAY
/** Seconds. Rounds that are further apart leave expired sessions on the disk for long. */
const LONGEST_ROUND = DAY

/** Returns a sentence for each time that was given in milliseconds, as it seems. */
export function timesOutOfScale ({ cookie, fileStore, reapInterval }: SettledOptions): string[] {
  const idleTimeout = fileStore?.idleTimeout === cookie.maxAge ? undefined : fileStore?.idleTimeout
  const times: Array<[name: string, seconds: number | undefined, longest: number]> = [
    ['cookie.maxAge', cookie.maxAge, LONGEST_TIME],
    ['idleTimeout', idleTimeout, LONGEST_TIME],
    ['absoluteTimeout', fileStore?.absoluteTimeout, LONGEST_TIME],
    ['reapInterval', reapInterval, LONGEST_ROUND]
  ]
  return times.flatMap(([name, seconds = 0, longest]) => seconds <= longest
    ? []
    : `fastify-file-sessions: option ${name} is ${Math.round(seconds / DAY)} days: the times of the options are seconds, not milliseconds`)
}
