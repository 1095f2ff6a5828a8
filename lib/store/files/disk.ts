import fs from 'node:fs'
import { hasCode } from '../../errors'

const { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } = fs.constants

/**
 * The system calls that session files are made of, one method each, over plain descriptors. It is
 * a seam: the tests put a disk of their own behind the same code, to run it in every order that
 * several processes could, and to make calls fail.
 */
export interface DiskCalls {
  open (path: string, flags: number, mode?: number): Promise<number>
  close (fd: number): Promise<void>
  /** One write, at `position` or else where the descriptor stands; returns how many bytes were taken, which may be fewer. */
  write (fd: number, bytes: Buffer, position?: number): Promise<number>
  read (fd: number, bytes: Buffer, position: number): Promise<number>
  fsync (fd: number): Promise<void>
  fdatasync (fd: number): Promise<void>
  fstat (fd: number): Promise<FileStatus>
  lstat (path: string): Promise<FileStatus>
  /** Sets access and modification time, in seconds since 1970. */
  lutimes (path: string, atime: number, mtime: number): Promise<void>
  /** Does the same for an open file. What its descriptor has written does not change these times any more, also when it is closed. */
  futimes (fd: number, atime: number, mtime: number): Promise<void>
  unlink (path: string): Promise<void>
  /** Gives the file a second name. Rejects with EEXIST when there is something of that name. */
  link (path: string, name: string): Promise<void>
  rename (from: string, to: string): Promise<void>
  mkdir (path: string, mode: number): Promise<void>
  rmdir (path: string): Promise<void>
  readdir (path: string): Promise<string[]>
  /** Lets time pass in which another process can get on. */
  wait (milliseconds: number): Promise<unknown>
}

/** How long a process waits for what another one holds, in milliseconds. */
export interface Patience {
  /** What makes no progress for this long is not waited for any more: such as a lock, which is taken away. */
  stale: number
  /** Pause before the next look at it. */
  patience: number
}

/**
 * A disk has three lanes. Its own calls are *pooled*: they go through Node's thread pool, so that
 * the event loop never waits for a device. The other two are quicker, and for what the kernel does
 * in its memory. Where a disk lacks them, everything is pooled.
 */
export interface Disk extends DiskCalls {
  /** For several calls in a row: does each of them at once while the disk is quick, all but reading and syncing. */
  readonly eager?: DiskCalls | undefined
  /** For files that are new or were in use moments ago, and that are not to be synced: no call is a promise. */
  readonly now?: DiskNow | undefined
}

/** For directories: what is asked for at the start, by sweeps and by the command, and once a second for each directory in use. */
export interface DirectoryCalls {
  /** Follows links. */
  stat (path: string): Promise<FileStatus>
  /** Rejects unless this process may list and change the directory. */
  access (path: string): Promise<void>
  realpath (path: string): Promise<string>
  statfs (path: string): Promise<fs.StatsFs>
  opendir (path: string): Promise<fs.Dir>
  /** Returns the kernel's list of mounts; rejects where there is none. */
  mounts (): Promise<string>
}

export interface DiskNow {
  /** False while the disk is slow or does not answer, so that the event loop does not wait for it. `now` is what `performance.now()` says. */
  isReady (now?: number): boolean
  /** The same for calls that change nothing: they do not wait for a filesystem that is frozen. A file that is not made may be opened so. */
  isReadyToRead (now?: number): boolean
  /** Whether the disk was quick until the last call, that included. */
  isQuick (): boolean
  open (path: string, flags: number, mode?: number): number
  close (fd: number): void
  write (fd: number, bytes: Buffer): number
  unlink (path: string): void
  /** Gives the file a second name. Throws EEXIST when there is something of that name. */
  link (path: string, name: string): void
  rename (from: string, to: string): void
  /** For bytes that were written a moment ago. */
  read (fd: number, bytes: Buffer, position: number): number
  fstat (fd: number): FileStatus
  /** `undefined` when there is no such file, or it cannot be said. */
  lstat (path: string): FileStatus | undefined
}

/**
 * What a file system numbers a file with. A number is used again at once when its file is gone. A
 * bigint never is: it tells a file from all others, whenever they were made.
 */
export type FileNumber = number | bigint

/** The part of `fs.Stats` that session files are judged by. */
export interface FileStatus extends Pick<fs.Stats,
  'size' | 'nlink' | 'mode' | 'uid' | 'atimeMs' | 'mtimeMs' | 'ctimeMs' | 'birthtimeMs'> {
  ino: FileNumber
}

export function isFile ({ mode }: FileStatus): boolean {
  return (mode & S_IFMT) === S_IFREG
}

export function isDirectory ({ mode }: FileStatus): boolean {
  return (mode & S_IFMT) === S_IFDIR
}

export function isLink ({ mode }: FileStatus): boolean {
  return (mode & S_IFMT) === S_IFLNK
}

/** Whether no other file ever has this number. */
export function isUnique (ino: FileNumber): boolean {
  return typeof ino === 'bigint'
}

/**
 * Returns when the file was made, in milliseconds. Where a filesystem knows no birth time, the time of the last change stands for it.
 * Returns 0 where the number alone says which file it is.
 */
export function birth (status: FileStatus): number {
  if (isUnique(status.ino)) return 0
  return status.birthtimeMs === 0 ? status.ctimeMs : status.birthtimeMs
}

/** Makes what was done in a directory survive a power loss. */
export async function syncDirectory (disk: DiskCalls, path: string): Promise<void> {
  const fd = await disk.open(path, fs.constants.O_RDONLY)
  try {
    await disk.fsync(fd)
  } finally {
    await disk.close(fd)
  }
}

/** Returns the promised value, or null when the file or directory is not there. */
export async function unlessMissing<T> (promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Removes a directory if there is nothing in it. */
export async function removeEmpty (disk: DiskCalls, path: string): Promise<void> {
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
