import { birth, type FileStatus } from './disk'
import type { JournalRecord } from './journal'

/** For this long (milliseconds) the kernel surely keeps in memory what a file is. */
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
  ino: number
  born: number
  size: number
  end: number
  torn: boolean
  /** With `durability: 'fsync'`: whether this process has synced the directory entry of the file. */
  entrySynced: boolean
}

export function viewOf (
  status: FileStatus, tip: JournalRecord | null, end: number, torn: boolean, entrySynced: boolean, seenAt = performance.now()
): FileView {
  return {
    seenAt,
    tip,
    end,
    torn,
    entrySynced,
    ino: status.ino,
    born: birth(status),
    size: status.size,
    atimeMs: status.atimeMs,
    mtimeMs: status.mtimeMs,
    ctimeMs: status.ctimeMs
  }
}

/** Inode numbers are used again at once, so the birth time must agree as well. */
export function isSame (view: FileView, status: FileStatus): boolean {
  return view.ino === status.ino && view.born === birth(status)
}

/** Whether the file was seen so lately that the kernel still has in memory what it is. */
export function isWarm (view: FileView, now: number): boolean {
  return now - view.seenAt < WARM
}

/** Whether nobody wrote between that view and these bytes, so that there is nothing to read: they follow its tip. */
export function isNext (known: FileView, status: FileStatus, previous: string, bytes: Buffer): boolean {
  return known.tip?.id === previous && known.end === known.size && status.size === known.size + bytes.length &&
    status.nlink > 0 && isSame(known, status)
}

/** Whether the next record is to end the file, because it is too long or holds bytes that are no record. */
export function mustSeal (view: FileView, record: JournalRecord, { size, fewestRecords }: SizeLimits): boolean {
  const length = Buffer.byteLength(record.text)
  return view.torn || view.size + length > Math.max(size, fewestRecords * length)
}
