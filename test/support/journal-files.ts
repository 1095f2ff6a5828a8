import { readFileSync } from 'node:fs'
import { encodeRecord, fold, newRecordId, NO_RECORD, type JournalRecord } from '../../lib/store/files/journal'

/** A record with this text, made now. */
export function recordOf (text: string, more: Partial<JournalRecord> = {}): JournalRecord {
  return { id: newRecordId(), text, idleTimeout: 0, createdAt: Date.now(), seal: false, ended: false, patches: 0, ...more }
}

/** The bytes of a journal in which each record replaces the one before. */
export function journalOf (...records: JournalRecord[]): Buffer {
  return Buffer.concat(records.map((each, index) => encodeRecord(each, records[index - 1]?.id ?? NO_RECORD)))
}

/** A journal whose last record, with this text, is a seal. */
export function sealedJournal (text: string): Buffer {
  return journalOf(recordOf('long ago'), recordOf(text, { seal: true }))
}

/** A text of this length of which the next ones share next to nothing, so that it is stored whole, and not as what changed. */
export function wholeText (turn: number | string, length: number): string {
  return `${turn} `.repeat(length).slice(0, length)
}

/** The text of the session in the file. */
export function textIn (path: string): string | undefined {
  return fold(readFileSync(path)).tip?.text
}

/** Whether the file is nothing but one journal, open to further records. */
export function isClean (path: string): boolean {
  const bytes = readFileSync(path)
  const { tip, end, torn } = fold(bytes)
  return tip?.seal === false && end === bytes.length && !torn
}
