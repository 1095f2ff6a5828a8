import { birth, type FileStatus } from './disk'
import type { JournalRecord } from './journal'

/** What was seen of the file at one moment. */
export interface FileView {
  /** When this was last found to be so, on a clock that is never set. Nothing else here changes. */
  seenAt: number
  /** Null when the file holds no whole record. */
  tip: JournalRecord | null
  /** Milliseconds since 1970, as set or as the last read or write left them. */
  atimeMs: number
  mtimeMs: number
  /** Which file this is, and how much of it was read. */
  ino: number
  born: number
  size: number
  end: number
  torn: boolean
  /** With `durability: 'fsync'`: whether this process has synced the directory entry of the file. */
  entrySynced: boolean
}

export function viewOf (status: FileStatus, tip: JournalRecord | null, end: number, torn: boolean, entrySynced: boolean): FileView {
  return {
    seenAt: performance.now(),
    tip,
    end,
    torn,
    entrySynced,
    ino: status.ino,
    born: birth(status),
    size: status.size,
    atimeMs: status.atimeMs,
    mtimeMs: status.mtimeMs
  }
}

/** Inode numbers are used again at once, so the birth time must agree as well. */
export function isSame (view: FileView, status: FileStatus): boolean {
  return view.ino === status.ino && view.born === birth(status)
}
