import { hasRecords } from '../store/features'
import type { SettledOptions } from './options'

const DAY = 24 * 60 * 60
/** Seconds. Browsers keep no cookie longer; a larger number is more likely one of milliseconds. */
const LONGEST_TIME = 400 * DAY
/** Seconds. Rounds that are further apart leave expired sessions on the disk for long. */
const LONGEST_ROUND = DAY
/** Seconds. An id that is older than this is hardly renewed; an hour in milliseconds is more. */
const LONGEST_RENEWAL = 30 * DAY

/** Returns a sentence for each time that was given in milliseconds, as it seems: to the plugin, or to the store that it was given. */
export function timesOutOfScale ({ cookie, fileStore, store, reapInterval, renewal }: SettledOptions): string[] {
  const limits = fileStore ?? (hasRecords(store) ? store.lifetimes : undefined)
  const idleTimeout = limits?.idleTimeout === cookie.maxAge ? undefined : limits?.idleTimeout
  const owner = fileStore === null ? 'of the store ' : ''
  return [
    ...outOfScale('option cookie.maxAge', cookie.maxAge),
    ...outOfScale(`option idleTimeout ${owner}`, idleTimeout),
    ...outOfScale(`option absoluteTimeout ${owner}`, limits?.absoluteTimeout),
    ...outOfScale('option reapInterval', reapInterval, LONGEST_ROUND),
    ...outOfScale('option renewAfter', renewal?.after, LONGEST_RENEWAL)
  ].map(sentence => `fastify-file-sessions: ${sentence}`)
}

/** Returns a sentence if a time was given in milliseconds, as it seems. */
export function outOfScale (name: string, seconds = 0, longest = LONGEST_TIME): string[] {
  return seconds <= longest ? [] : [`${name.trimEnd()} is ${Math.round(seconds / DAY)} days: the times of the options are seconds, not milliseconds`]
}
