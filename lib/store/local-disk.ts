import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../errors'
import { descriptors } from './descriptors'
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
  open: async (path, flags, mode) => {
    try {
      return await call(done => { fs.open(path, flags, mode, done) })
    } catch (error) {
      makeRoom(error)
      return await call(done => { fs.open(path, flags, mode, done) })
    }
  },
  close: async fd => { fs.closeSync(fd) },
  write: (fd, bytes) => call(done => { fs.write(fd, bytes, done) }),
  read: (fd, bytes, position) => call(done => { fs.read(fd, bytes, 0, bytes.length, position, done) }),
  fsync: fd => call(done => { fs.fsync(fd, done) }),
  fdatasync: fd => call(done => { fs.fdatasync(fd, done) }),
  fstat: async fd => fs.fstatSync(fd),
  lstat: path => call(done => { fs.lstat(path, done) }),
  lutimes: (path, atime, mtime) => call(done => { fs.lutimes(path, atime, mtime, done) }),
  unlink: path => call(done => { fs.unlink(path, done) }),
  rename: (from, to) => call(done => { fs.rename(from, to, done) }),
  mkdir: (path, mode) => call(done => { fs.mkdir(path, mode, done) }),
  rmdir: path => call(done => { fs.rmdir(path, done) }),
  readdir: path => call(done => { fs.readdir(path, done) }),
  wait
}

/** The immediate part of the local disk; `now` is a clock in milliseconds that is never set. */
export function immediateCalls (now: () => number = () => performance.now()): ImmediateDisk {
  let readyAt = 0

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

  const open = timed((path: string, flags: number, mode?: number): number => {
    try {
      return fs.openSync(path, flags, mode)
    } catch (error) {
      makeRoom(error)
      return fs.openSync(path, flags, mode)
    }
  })
  const write = timed((fd: number, bytes: Buffer): number => fs.writeSync(fd, bytes))
  return {
    isReady: () => now() >= readyAt,
    open,
    close: fs.closeSync,
    write,
    fstat: fd => fs.fstatSync(fd),
    lstat: timed(statusOf),
    prompt: {
      ...pooledCalls,
      open: promptly(open),
      write: promptly(write),
      lstat: promptly(timed((path: string): FileStatus => fs.lstatSync(path))),
      lutimes: promptly(timed(fs.lutimesSync)),
      unlink: promptly(timed(fs.unlinkSync)),
      rename: promptly(timed(fs.renameSync)),
      mkdir: promptly(timed((path: string, mode: number) => { fs.mkdirSync(path, mode) })),
      rmdir: promptly(timed((path: string) => { fs.rmdirSync(path) })),
      readdir: promptly(timed((path: string) => fs.readdirSync(path)))
    }
  }
}

export const localDisk: Disk = { ...pooledCalls, immediate: immediateCalls() }

/** Lets go of what is kept open, if the error is that too much is. @throws the error, if that was no help */
function makeRoom (error: unknown): void {
  if (!hasCode(error, 'EMFILE', 'ENFILE') || !descriptors.closeAll()) throw error
}

function statusOf (path: string): FileStatus | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function promptly<P extends unknown[], T> (call: (...parameters: P) => T): (...parameters: P) => Promise<T> {
  return async (...parameters) => call(...parameters)
}

function call<T> (start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { error === null ? resolve(value as T) : reject(error) })
  })
}
