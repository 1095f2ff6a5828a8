import type { Answer } from './answer'
import { NO_VERSION } from '../index-lists'
import { hasRecord, versionOf, type Records } from './recent'

/** What a statement that changes a row tells of it. */
export interface Outcome extends Records {
  /** `done`, or what is there in place of what was expected. */
  readonly status: 'done' | 'live' | 'expired' | 'ended' | 'none'
  /** Whether the session is alive, or ended so lately that requests may still save it. */
  readonly isWritable: boolean
  /** Whether a program other than a store has written the version: then the row has no record of ours to build on. */
  readonly isDamaged: boolean
}

/** Reads the words of `about`: clock, status, whether it is writable, version, earlier versions. */
export function outcomeOf ([row]: readonly Answer[]): Outcome {
  const [, status, writable, given = '', recent = ''] = (row as Answer).about.split(' ')
  const version = versionOf(given)
  return { status: status as Outcome['status'], isWritable: writable === '1', isDamaged: version === NO_VERSION, version, recent }
}

/** Whether the record was stored, now or by an earlier attempt. */
export function isStored (outcome: Outcome, id: string): boolean {
  return outcome.status === 'done' || hasRecord(outcome, id)
}
