import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { withRoom, withRoomNow } from './descriptors'
import type { Disk, FileStatus, ImmediateDisk } from './disk'

/** A call that takes longer than this (milliseconds) had to wait for the disk. */
const SLOW = 5
/** For so many times as long, all calls then go through the thread pool: so the event loop waits for the disk 2 % of its time at most. */
const REST = 50

/**
 * The local disk. Whatever may wait for a device goes through the thread pool, by callback calls on
 * descriptors, which cost less than FileHandle's promises. Of an open file the kernel knows all
 * that is asked for here.
 */
const pooledCalls: Disk = {
  open: (path, flags, mode) => withRoom(() => call(done => { fs.open(path, flags, mode, done) })),
  close: async fd => { fs.closeSync(fd) },
  write: (fd, bytes, position) => call(done => { fs.write(fd, bytes, 0, bytes.length, position ?? null, done) }),
  read: (fd, bytes, position) => call(done => { fs.read(fd, bytes, 0, bytes.length, position, done) }),
  fsync: fd => call(done => { fs.fsync(fd, done) }),
  fdatasync: fd => call(done => { fs.fdatasync(fd, done) }),
  fstat: async fd => fs.fstatSync(fd),
  lstat: path => call(done => { fs.lstat(path, done) }),
  lutimes: (path, atime, mtime) => call(done => { fs.lutimes(path, atime, mtime, done) }),
  unlink: path => call(done => { fs.unlink(path, done) }),
  link: (path, name) => call(done => { fs.link(path, name, done) }),
  rename: (from, to) => call(done => { fs.rename(from, to, done) }),
  mkdir: (path, mode) => call(done => { fs.mkdir(path, mode, done) }),
  rmdir: path => call(done => { fs.rmdir(path, done) }),
  readdir: path => withRoom(() => call(done => { fs.readdir(path, done) })),
  wait
}

/** The immediate part of the local disk; `now` is a clock in milliseconds that is never set. */
export function immediateCalls (now: () => number = () => performance.now()): ImmediateDisk {
  let readyAt = 0
  const isReady = (): boolean => now() >= readyAt

  /** The call, which is found slow when it is. */
  function timed<P extends unknown[], T> (call: (...parameters: P) => T): (...parameters: P) => T {
    return (...parameters) => {
      const start = now()
      try {
        return call(...parameters)
      } finally {
        const end = now()
        if (end - start > SLOW) readyAt = end + REST * (end - start)
      }
    }
  }

  /** At once while the disk is quick, otherwise through the pool. */
  function promptly<P extends unknown[], T> (
    atOnce: (...parameters: P) => T, pooled: (...parameters: P) => Promise<T>
  ): (...parameters: P) => Promise<T> {
    const call = timed(atOnce)
    return async (...parameters) => isReady() ? call(...parameters) : await pooled(...parameters)
  }

  const open = (path: string, flags: number, mode?: number): number => fs.openSync(path, flags, mode)
  const write = (fd: number, bytes: Buffer, position?: number): number =>
    fs.writeSync(fd, bytes, 0, bytes.length, position ?? null)
  return {
    isReady,
    open: timed((path, flags) => withRoomNow(() => open(path, flags))),
    close: fd => { fs.closeSync(fd) },
    write: timed((fd, bytes) => write(fd, bytes)),
    read: timed((fd, bytes, position) => fs.readSync(fd, bytes, 0, bytes.length, position)),
    fstat: fd => fs.fstatSync(fd),
    lstat: timed(statusOf),
    prompt: {
      ...pooledCalls,
      open: promptly((path, flags, mode) => withRoomNow(() => open(path, flags, mode)), pooledCalls.open),
      write: promptly(write, pooledCalls.write),
      lstat: promptly((path): FileStatus => fs.lstatSync(path), pooledCalls.lstat),
      lutimes: promptly((path, atime, mtime) => { fs.lutimesSync(path, atime, mtime) }, pooledCalls.lutimes),
      unlink: promptly(path => { fs.unlinkSync(path) }, pooledCalls.unlink),
      link: promptly((path, name) => { fs.linkSync(path, name) }, pooledCalls.link),
      rename: promptly((from, to) => { fs.renameSync(from, to) }, pooledCalls.rename),
      mkdir: promptly((path, mode) => { fs.mkdirSync(path, mode) }, pooledCalls.mkdir),
      rmdir: promptly(path => { fs.rmdirSync(path) }, pooledCalls.rmdir),
      readdir: promptly(path => withRoomNow(() => fs.readdirSync(path)), pooledCalls.readdir)
    }
  }
}

export const localDisk: Disk = { ...pooledCalls, immediate: immediateCalls() }

function statusOf (path: string): FileStatus | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function call<T> (start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { error === null ? resolve(value as T) : reject(error) })
  })
}
