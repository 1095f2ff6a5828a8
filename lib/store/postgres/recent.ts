import { randomText } from '../../random'
import { NO_VERSION } from '../index-lists'

/**
 * The ids of a session's records. The row has the id of the newest record, its version, and beside
 * it the beginnings of the ids before that one, newest first. A save that is repeated because its
 * answer was lost is recognised by them, also when others have saved meanwhile.
 */

/** Characters of an id that stand in the row: 48 bits. */
export const SHORT_ID = 8
/** Characters of earlier ids that stand in the row, at most. */
export const RECENT_LENGTH = 16 * SHORT_ID
const RECORD_ID = /^[\w-]{16}$/
/** The same for the server. */
export const RECORD_ID_SQL = '^[A-Za-z0-9_-]{16}$'

/** Returns the id of a record that is about to be stored. */
export function newRecordId (): string {
  return randomText(12, 'base64url')
}

/** Returns the version if it can be one of ours. Any other is none: that of a damaged row, or of no row. It may hold what a row cannot. */
export function versionOf (version: string): string {
  return RECORD_ID.test(version) ? version : NO_VERSION
}

/** What a row tells of its records. */
export interface Records {
  readonly version: string
  readonly recent: string
}

/** Whether the record was stored, as far as the row remembers. */
export function hasRecord ({ version, recent }: Records, id: string): boolean {
  if (version === id) return true
  const short = id.slice(0, SHORT_ID)
  for (let at = 0; at < recent.length; at += SHORT_ID) if (recent.startsWith(short, at)) return true
  return false
}

/**
 * Whether the row remembers every record since the one with the id `base`, so that one which it does
 * not remember was not stored on top of that. `null`: since the first one.
 */
export function remembersSince (records: Records, base: string | null): boolean {
  return records.recent.length < RECENT_LENGTH || (base !== null && hasRecord(records, base))
}
