import { SessionError } from '../errors'

/** Conflicts in a row after which a change fails: this is not bad luck, another process never stops writing to the session. */
export const MOST_CONFLICTS = 1000

export function tooManyConflicts (): SessionError {
  return new SessionError('SESSION_CONFLICT', 'the session could not be saved: other requests or processes change it all the time')
}
