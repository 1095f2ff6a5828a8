import { NO_VERSION } from '../index-lists'
import { hasRecord, versionOf, type Records } from './recent'

/**
 * A row of the server's answer. `about` has words: the first is what the server's clock showed, in
 * milliseconds since 1970, or `standby`.
 */
export interface Answer { readonly about: string }

/** In place of the clock of a server that may be behind the primary. */
export const STANDBY = 'standby'

/**
 * Returns what the server's clock showed.
 *
 * @throws when the answer comes from a standby, as the server's own error is when it takes no writes:
 * another connection may lead to the primary
 */
export function clockOf ({ about }: Answer): number {
  if (about.startsWith(STANDBY)) throw Object.assign(new Error('the server is a standby'), { code: '25006' })
  const end = about.indexOf(' ')
  return Number(end === -1 ? about : about.slice(0, end))
}

/** What a statement that changes a row tells of it. */
export interface Outcome extends Records {
  /** `done`, or what is there in place of what was expected. */
  readonly status: 'done' | 'live' | 'expired' | 'ended' | 'none'
  /** Whether the session is alive, or ended so lately that requests may still save it. */
  readonly isWritable: boolean
  /** Whether a program other than a store has written the version: then the row has no record of ours to build on. */
  readonly isDamaged: boolean
}

/** What a row is that has a record. */
const HAS_RECORD = ['live', 'expired', 'ended']

/** Reads the words of `about`: clock, status, whether it is writable, version, earlier versions. */
export function outcomeOf ([row]: readonly Answer[]): Outcome {
  const [, status, writable, given = '', recent = ''] = (row as Answer).about.split(' ')
  const version = versionOf(given)
  return { status: status as Outcome['status'], isWritable: writable === '1', isDamaged: HAS_RECORD.includes(status as string) && version === NO_VERSION, version, recent }
}

/** Whether the record was stored, now or by an earlier attempt. */
export function isStored (outcome: Outcome, id: string): boolean {
  return outcome.status === 'done' || hasRecord(outcome, id)
}
