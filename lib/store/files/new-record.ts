import { checkRecord, LATEST } from '../record-options'
import type { SessionRecord } from '../session-record'
import { newRecordId, type JournalRecord } from './journal'

/**
 * Returns the record as a session's file takes it, with an id of its own. `createdAt` counts when the
 * record does not say when its session began. Times are in milliseconds since 1970.
 *
 * @throws {SessionError} as `checkRecord` does
 */
export function newRecord (record: SessionRecord, { createdAt, now, maxSize }: { createdAt: number, now: number, maxSize: number }): JournalRecord {
  const idleTimeout = checkRecord(record, maxSize)
  return {
    id: newRecordId(),
    text: record.text,
    idleTimeout,
    // No session is from the future, whatever the clock said when it was made.
    createdAt: Math.min(Math.max(Math.trunc(record.createdAt ?? createdAt), 0), now, LATEST),
    seal: false,
    ended: false,
    patches: 0
  }
}
