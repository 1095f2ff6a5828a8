import { isWatched, publish, type UnopenedCause } from './diagnostics'
import { SessionError } from './errors'

export type UnopenedCounts = Readonly<Record<UnopenedCause, number>>

const NONE: UnopenedCounts = { damaged: 0, plain: 0, unlisted: 0, unconfigured: 0, newer: 0 }

const MESSAGES: Readonly<Record<UnopenedCause, string>> = {
  damaged: 'a session does not open: its text was changed, cut off or put in the place of another',
  plain: 'a session is not encrypted, and encryption.acceptPlain is false',
  unlisted: 'a session is encrypted under a secret that is not in encryption.secrets: if it was lost in a deployment, list it again',
  unconfigured: 'a session is encrypted, and the option encryption is not given: give it again, as long as there are such sessions',
  newer: 'a session was encrypted by a newer version of fastify-file-sessions: update this process'
}

/** By appid, since the process started. */
const counts = new Map<string, Record<UnopenedCause, number>>()

/**
 * Returns how often this process has met a stored session that it did not serve, by cause, since it
 * started: for a health check. Numbers that grow tell of a secret that was lost or left out, or of
 * an attacker that changes what is stored.
 */
export function unopenedSessions (appid = 'sid'): UnopenedCounts {
  return { ...NONE, ...counts.get(appid) }
}

/** A stored session that is not served. */
export class UnopenedError extends SessionError {
  constructor (readonly reason: UnopenedCause) {
    super('SESSION_UNOPENED', MESSAGES[reason])
  }
}

/** Counts a stored session that is not served, and returns the error that says why. */
export function unopened (appid: string, reason: UnopenedCause): UnopenedError {
  let count = counts.get(appid)
  if (count === undefined) {
    count = { ...NONE }
    counts.set(appid, count)
  }
  count[reason]++
  if (isWatched('unopened')) publish('unopened', { appid, reason })
  return new UnopenedError(reason)
}
