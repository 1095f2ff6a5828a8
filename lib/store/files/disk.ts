import fs from 'node:fs'
import { hasCode } from '../../errors'

/**
 * The system calls that session files are made of, one method each, over plain descriptors. It is
 * a seam: the tests put a disk of their own behind the same code, to run it in every order that
 * several processes could, and to make calls fail.
 */
export interface Disk {
  /** Where it is missing, everything is asked for as if it could take long. */
  readonly immediate?: ImmediateDisk | undefined
  open (path: string, flags: number, mode?: number): Promise<number>
  close (fd: number): Promise<void>
  /** One write, at `position` or else where the descriptor stands; answers how many bytes were taken, which may be fewer. */
  write (fd: number, bytes: Buffer, position?: number): Promise<number>
  read (fd: number, bytes: Buffer, position: number): Promise<number>
  fsync (fd: number): Promise<void>
  fdatasync (fd: number): Promise<void>
  fstat (fd: number): Promise<FileStatus>
  lstat (path: string): Promise<FileStatus>
  /** Sets access and modification time, in seconds since 1970. */
  lutimes (path: string, atime: number, mtime: number): Promise<void>
  unlink (path: string): Promise<void>
  /** Gives the file a second name. Rejects with EEXIST when there is something of that name. */
  link (path: string, name: string): Promise<void>
  rename (from: string, to: string): Promise<void>
  mkdir (path: string, mode: number): Promise<void>
  rmdir (path: string): Promise<void>
  readdir (path: string): Promise<string[]>
  /** Lets time pass for someone else to get on. */
  wait (milliseconds: number): Promise<unknown>
}

/**
 * What the kernel does in its memory, done without a trip through the thread pool, which costs
 * several times as much. For files that were in use moments ago, and that are not to be synced.
 */
export interface ImmediateDisk {
  /** False for a while after a call had to wait for the disk, so that it is not the event loop that waits. */
  isReady (): boolean
  open (path: string, flags: number): number
  close (fd: number): void
  write (fd: number, bytes: Buffer): number
  /** For bytes that were written a moment ago. */
  read (fd: number, bytes: Buffer, position: number): number
  fstat (fd: number): FileStatus
  /** `undefined` when there is no such file, or it cannot be said. */
  lstat (path: string): FileStatus | undefined
  /**
   * For what takes several calls: a disk that does each of them at once as long as it is ready, all
   * but reading and syncing.
   */
  readonly prompt: Disk
}

/** The part of `fs.Stats` that session files are judged by. */
export type FileStatus = Pick<fs.Stats,
  'ino' | 'size' | 'nlink' | 'mode' | 'atimeMs' | 'mtimeMs' | 'ctimeMs' | 'birthtimeMs'>

/** Milliseconds. Where a filesystem knows no birth time, the time of the last change stands for it. */
export function birth (status: FileStatus): number {
  return status.birthtimeMs === 0 ? status.ctimeMs : status.birthtimeMs
}

/** Makes what was done in a directory survive a power loss. */
export async function syncDirectory (disk: Disk, path: string): Promise<void> {
  const fd = await disk.open(path, fs.constants.O_RDONLY)
  try {
    await disk.fsync(fd)
  } finally {
    await disk.close(fd)
  }
}

/** The promised value, or null when the file or directory is not there. */
export async function unlessMissing<T> (promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Removes a directory that has nothing in it; one that has, or that is not there, is left as it is. */
export async function removeEmpty (disk: Disk, path: string): Promise<void> {
  try {
    await disk.rmdir(path)
  } catch (error) {
    // Another process put something in it, or removed it first.
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

/** A short write is an error: the disk is full. What it left behind is not a record, and so ignored. */
export function checkWhole (written: number, bytes: Buffer): void {
  if (written === bytes.length) return
  throw Object.assign(new Error(`ENOSPC: short write, ${written} of ${bytes.length} bytes`),
    { code: 'ENOSPC', syscall: 'write' })
}
