import { birth, type FileNumber, type FileStatus } from './disk'
import { fold, isLast, type JournalRecord } from './journal'

/** Milliseconds for which the kernel surely keeps in memory what a file is. */
const WARM = 10_000

export interface SizeLimits {
  /** A file that is longer than this (bytes), and than so many of its records, is sealed and rewritten. */
  size: number
  fewestRecords: number
}

/** What was seen of the file at one moment. */
export interface FileView {
  /** When this was last found to be so, on a clock that is never set. Nothing else here changes. */
  seenAt: number
  /** Null when the file holds no whole record. */
  tip: JournalRecord | null
  /** Milliseconds since 1970, as set or as the last read or write left them. */
  atimeMs: number
  mtimeMs: number
  /** When anything of it was last changed. */
  ctimeMs: number
  /** Which file this is, and how much of it was read. */
  ino: FileNumber
  born: number
  size: number
  end: number
  torn: boolean
  /**
   * With `durability: 'fsync'`: so many of its bytes are on the disk, and the directory entry too,
   * because this process wrote them and synced them. What other processes wrote does not count.
   */
  synced: number
}

/** What was read of a file. `won`: whether the record that was watched for became the tip, if only for a while. */
export interface ReadView { view: FileView, won: boolean, nlink: number }

export function viewOf (
  status: FileStatus, tip: JournalRecord | null, end: number, torn: boolean, synced: number, seenAt = performance.now()
): FileView {
  return {
    seenAt,
    tip,
    end,
    torn,
    synced,
    ino: status.ino,
    born: birth(status),
    size: status.size,
    atimeMs: status.atimeMs,
    mtimeMs: status.mtimeMs,
    ctimeMs: status.ctimeMs
  }
}

/** Whether it is the same file. Inode numbers are used again at once, so the birth time must agree as well. */
export function isSame (view: FileView, status: FileStatus): boolean {
  return view.ino === status.ino && view.born === birth(status)
}

/** Whether the file was seen so lately that the kernel still has in memory what it is. */
export function isWarm (view: FileView, now: number): boolean {
  return now - view.seenAt < WARM
}

/** Whether the last view says that the session was there. */
export function wasAlive (view: FileView | null): boolean {
  return view?.tip?.ended === false
}

/** Whether no other process wrote between that view and these bytes, so that there is nothing to read: they follow its tip, which is not the last record. */
export function isNext (known: FileView, status: FileStatus, previous: string, bytes: Buffer): boolean {
  return known.tip?.id === previous && isOpen(known) && known.end === known.size && status.size === known.size + bytes.length &&
    status.nlink > 0 && isSame(known, status)
}

/** Returns how many bytes of the file are known, so that the rest has to be read. */
export function knownBytes (known: FileView | null, status: FileStatus): number {
  return known !== null && isSame(known, status) && known.end <= status.size ? known.end : 0
}

/** Returns the view of a file after `bytes`, which follow those that were known, were read. @throws {SessionFileError} as `fold` does */
export function readOn (known: FileView | null, status: FileStatus, bytes: Buffer, watched?: string): ReadView {
  const start = knownBytes(known, status)
  const before = start === 0 ? null : known
  const { tip, end, torn, won } = fold(bytes, start, before?.tip ?? null, watched)
  const view = viewOf(status, tip, end, torn || before?.torn === true, before?.synced ?? 0)
  return { view: { ...view, size: start + bytes.length }, won, nlink: status.nlink }
}

/** Whether the next record is to end the file, because it is too long or holds bytes that must not stay. */
export function mustSeal (view: FileView, record: JournalRecord, { size, fewestRecords }: SizeLimits): boolean {
  if (view.torn) return true
  // A code unit takes one to three bytes: most texts need not be counted.
  const units = record.text.length
  if (view.size + 3 * units <= Math.max(size, fewestRecords * units)) return false
  const length = Buffer.byteLength(record.text)
  return view.size + length > Math.max(size, fewestRecords * length)
}

/** Whether a record can follow: there is a tip, and it is neither a seal nor a tombstone. */
export function isOpen (view: FileView): boolean {
  return view.tip !== null && !isLast(view.tip)
}
