import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../errors'

/**
 * The system calls that session files are made of, one method each, over plain descriptors. It is
 * a seam: the tests put a disk of their own behind the same code, to run it in every order that
 * several processes could, and to make calls fail.
 */
export interface Disk {
  open (path: string, flags: number, mode?: number): Promise<number>
  close (fd: number): Promise<void>
  /** One write; answers how many bytes were taken, which may be fewer. */
  write (fd: number, bytes: Buffer): Promise<number>
  read (fd: number, bytes: Buffer, position: number): Promise<number>
  fsync (fd: number): Promise<void>
  fdatasync (fd: number): Promise<void>
  fstat (fd: number): Promise<FileStatus>
  lstat (path: string): Promise<FileStatus>
  /** Sets access and modification time, in seconds since 1970. */
  lutimes (path: string, atime: number, mtime: number): Promise<void>
  unlink (path: string): Promise<void>
  rename (from: string, to: string): Promise<void>
  mkdir (path: string, mode: number): Promise<void>
  rmdir (path: string): Promise<void>
  readdir (path: string): Promise<string[]>
  /** Lets time pass for someone else to get on. */
  wait (milliseconds: number): Promise<unknown>
}

/** The part of `fs.Stats` that session files are judged by. */
export type FileStatus = Pick<fs.Stats,
  'ino' | 'size' | 'nlink' | 'mode' | 'atimeMs' | 'mtimeMs' | 'ctimeMs' | 'birthtimeMs'>

/** Milliseconds. Where a filesystem knows no birth time, the time of the last change stands for it. */
export function birth (status: FileStatus): number {
  return status.birthtimeMs === 0 ? status.ctimeMs : status.birthtimeMs
}

/** The local disk. Callback calls on descriptors cost less than FileHandle's promises. */
export const localDisk: Disk = {
  open: (path, flags, mode) => call(done => { fs.open(path, flags, mode, done) }),
  close: fd => call(done => { fs.close(fd, done) }),
  write: (fd, bytes) => call(done => { fs.write(fd, bytes, done) }),
  read: (fd, bytes, position) => call(done => { fs.read(fd, bytes, 0, bytes.length, position, done) }),
  fsync: fd => call(done => { fs.fsync(fd, done) }),
  fdatasync: fd => call(done => { fs.fdatasync(fd, done) }),
  fstat: fd => call(done => { fs.fstat(fd, done) }),
  lstat: path => call(done => { fs.lstat(path, done) }),
  lutimes: (path, atime, mtime) => call(done => { fs.lutimes(path, atime, mtime, done) }),
  unlink: path => call(done => { fs.unlink(path, done) }),
  rename: (from, to) => call(done => { fs.rename(from, to, done) }),
  mkdir: (path, mode) => call(done => { fs.mkdir(path, mode, done) }),
  rmdir: path => call(done => { fs.rmdir(path, done) }),
  readdir: path => call(done => { fs.readdir(path, done) }),
  wait
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

function call<T> (start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { error === null ? resolve(value as T) : reject(error) })
  })
}
