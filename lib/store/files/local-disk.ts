import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { withRoom } from './descriptors'
import type { DirectoryCalls, Disk, DiskCalls, DiskNow, FileStatus } from './disk'
import { processorWait as systemProcessorWait } from './processor-wait'
import { exactCalls, exactDirectories } from './windows-calls'
import { windowsDisk } from './windows-disk'

/** Milliseconds; a call that takes longer had to wait: for the disk, if not for a processor that others use too. */
const SLOW = 5
/** A wait is paid for with so many times as long without one: so the event loop waits 2 % of its time at most, on average. */
const REST = 50
/**
 * Milliseconds of rest that can be owed before all calls are pooled: 20 ms of waiting. So a process
 * that lost its processor for a moment does not take the disk for a slow one.
 */
const BURST = 1000
/** Milliseconds of use of the quick lanes after which the disk is probed again, before it is changed. */
const PROBE_AFTER = 100
/** Milliseconds after a change in which the disk is not probed: the change has shown that the filesystem is not frozen. */
const PROVEN = 5
/**
 * Milliseconds after a slow call of the disk in which it is known before each call for how long the process was kept waiting
 * for a processor: so only what was waited for within the call is excused.
 */
const WATCHED = 10_000
/**
 * Milliseconds for which that is known well enough: no call is excused for more than this beside its own wait. To ask again costs
 * more than a call.
 */
const FRESH = 1
/** Names that are read from a directory at a time. */
const BATCH = 64
const { R_OK, W_OK, X_OK } = fs.constants

/**
 * The local disk without its quick lanes. Calls that may wait for a device are callback calls on
 * descriptors, which cost less than FileHandle's promises. Of an open file the kernel knows all
 * that is asked for here, and closing does not wait.
 */
const pooled: DiskCalls = {
  open: (path, flags, mode) => withRoom(() => call(done => { fs.open(path, flags, mode, done) })),
  close: async fd => { fs.closeSync(fd) },
  write: (fd, bytes, position) => call(done => { fs.write(fd, bytes, 0, bytes.length, position, done) }),
  read: (fd, bytes, position) => call(done => { fs.read(fd, bytes, 0, bytes.length, position, done) }),
  fsync: fd => call(done => { fs.fsync(fd, done) }),
  fdatasync: fd => call(done => { fs.fdatasync(fd, done) }),
  fstat: async fd => fs.fstatSync(fd),
  lstat: path => call(done => { fs.lstat(path, done) }),
  lutimes: (path, atime, mtime) => call(done => { fs.lutimes(path, atime, mtime, done) }),
  futimes: (fd, atime, mtime) => call(done => { fs.futimes(fd, atime, mtime, done) }),
  unlink: path => call(done => { fs.unlink(path, done) }),
  link: (path, name) => call(done => { fs.link(path, name, done) }),
  rename: (from, to) => call(done => { fs.rename(from, to, done) }),
  mkdir: (path, mode) => call(done => { fs.mkdir(path, mode, done) }),
  rmdir: path => call(done => { fs.rmdir(path, done) }),
  readdir: path => withRoom(() => call(done => { fs.readdir(path, done) })),
  wait
}

const directories: DirectoryCalls = {
  stat: path => call(done => { fs.stat(path, done) }),
  access: path => call(done => { fs.access(path, R_OK | W_OK | X_OK, done) }),
  realpath: path => call(done => { fs.realpath(path, done) }),
  statfs: path => call(done => { fs.statfs(path, done) }),
  opendir: path => withRoom(() => call(done => { fs.opendir(path, { bufferSize: BATCH }, done) })),
  mounts: () => withRoom(() => call(done => { fs.readFile('/proc/self/mountinfo', 'utf8', done) }))
}

/** A disk with all its lanes. */
export interface QuickDisk extends Disk {
  readonly eager: DiskCalls
  readonly now: DiskNow
}

/** What the quick lanes go by. Tests put their own here. */
export interface QuickLanes {
  /** A clock in milliseconds that is never set. */
  clock?: () => number
  /** A call through the thread pool that does not come back while the filesystem is frozen. */
  probe?: () => Promise<unknown>
  /** For how many milliseconds the process was kept waiting for a processor so far. */
  processorWait?: () => number
}

/**
 * Returns a local disk with quick lanes that notice a slow disk by the time that calls take. With a
 * `probe` they also notice one that is frozen (by `fsfreeze`, or for a snapshot of the machine),
 * most often before a call of the event loop has to wait for it.
 */
export function localDiskWith ({ clock = () => performance.now(), probe, processorWait = () => 0 }: QuickLanes): QuickDisk {
  let readyAt = -Infinity
  /** When the last call came back. */
  let lastEnd = -Infinity
  let probeAt = 0
  let isProbing = false
  /** When the last call that changed something came back. */
  let changedAt = -Infinity
  /** Every 100 ms of use, when a call took long, or before a call that is watched. */
  let processorWaitBefore = 0
  let processorWaitAt = -Infinity
  let watchedUntil = -Infinity

  function isReadyToRead (time = clock()): boolean {
    if (time - processorWaitAt >= PROBE_AFTER) noteProcessorWait(time)
    return time >= readyAt
  }

  function isReady (time = clock()): boolean {
    if (probe !== undefined && time >= probeAt && time - changedAt >= PROVEN && !isProbing) startProbe(probe, time)
    return isReadyToRead(time) && !isProbing
  }

  function startProbe (probe: () => Promise<unknown>, time: number): void {
    isProbing = true
    probeAt = time + PROBE_AFTER
    // A probe that fails has been answered as well: the disk is not frozen.
    const answered = (): void => { isProbing = false }
    probe().then(answered, answered)
  }

  /** The call, after which the disk counts as slow if too much was waited for it (the generic cell rate algorithm). */
  function timed<P extends unknown[], T> (call: (...parameters: P) => T): (...parameters: P) => T {
    return (...parameters) => {
      let start = clock()
      if (start < watchedUntil && start - processorWaitAt >= FRESH) {
        noteProcessorWait(start)
        // The question takes longer than most calls: a process often loses its processor in that, and not in the call.
        start = clock()
      }
      try {
        return call(...parameters)
      } finally {
        const end = lastEnd = clock()
        if (end - start > SLOW) noteWait(end, end - start)
      }
    }
  }

  /** The same for a call that changes something. */
  function changing<P extends unknown[], T> (call: (...parameters: P) => T): (...parameters: P) => T {
    const timedCall = timed(call)
    return (...parameters) => {
      const result = timedCall(...parameters)
      changedAt = lastEnd
      return result
    }
  }

  /**
   * A disk is not slow because the process lost its processor in the call. What it lost a moment before, since that was
   * last asked for, cannot be told from that for a first call; those that follow are watched.
   */
  function noteWait (end: number, duration: number): void {
    const before = processorWaitBefore
    noteProcessorWait(end)
    const waited = duration - Math.min(duration, Math.max(0, processorWaitBefore - before))
    if (waited > SLOW) readyAt = Math.max(readyAt, end - BURST) + REST * waited
    watchedUntil = Math.max(watchedUntil, end + (waited > SLOW ? WATCHED : PROBE_AFTER))
  }

  function noteProcessorWait (time: number): void {
    processorWaitBefore = processorWait()
    processorWaitAt = time
  }

  /** At once while the disk is quick, otherwise pooled. */
  function eagerly<P extends unknown[], T> (
    call: (...parameters: P) => T, pooled: (...parameters: P) => Promise<T>, isReadyFor = isReady
  ): (...parameters: P) => Promise<T> {
    return async (...parameters) => isReadyFor() ? call(...parameters) : await pooled(...parameters)
  }

  const open = timed((path: string, flags: number, mode?: number): number => withRoom(() => fs.openSync(path, flags, mode)))
  const write = changing((fd: number, bytes: Buffer, position?: number): number => fs.writeSync(fd, bytes, 0, bytes.length, position))
  const unlink = changing((path: string): void => { fs.unlinkSync(path) })
  const link = changing((path: string, name: string): void => { fs.linkSync(path, name) })
  const rename = changing((from: string, to: string): void => { fs.renameSync(from, to) })
  const eager: DiskCalls = {
    ...pooled,
    open: eagerly(open, pooled.open),
    write: eagerly(write, pooled.write),
    lstat: eagerly(timed((path): FileStatus => fs.lstatSync(path)), pooled.lstat, isReadyToRead),
    lutimes: eagerly(changing((path, atime, mtime) => { fs.lutimesSync(path, atime, mtime) }), pooled.lutimes),
    futimes: eagerly(changing((fd, atime, mtime) => { fs.futimesSync(fd, atime, mtime) }), pooled.futimes),
    unlink: eagerly(unlink, pooled.unlink),
    link: eagerly(link, pooled.link),
    rename: eagerly(rename, pooled.rename),
    mkdir: eagerly(changing((path, mode) => { fs.mkdirSync(path, mode) }), pooled.mkdir),
    rmdir: eagerly(changing(path => { fs.rmdirSync(path) }), pooled.rmdir),
    readdir: eagerly(timed(path => withRoom(() => fs.readdirSync(path))), pooled.readdir, isReadyToRead)
  }
  const now: DiskNow = {
    isReady,
    isReadyToRead,
    isQuick: () => lastEnd >= readyAt,
    open,
    close: fd => { fs.closeSync(fd) },
    write,
    unlink,
    link,
    rename,
    read: timed((fd, bytes, position) => fs.readSync(fd, bytes, 0, bytes.length, position)),
    fstat: fd => fs.fstatSync(fd),
    lstat: timed(statusOf)
  }
  return { ...pooled, eager, now }
}

/** Returns the local disk of a system, for work that may wait for a frozen filesystem, such as that of a command. */
export function localDiskOf (system: string): Disk & DirectoryCalls {
  return system === 'win32'
    ? { ...windowsDisk(exactCalls(pooled)), ...exactDirectories(directories) }
    : { ...localDiskWith({}), ...directories }
}

/** The local disk of this system. */
export const localDisk = localDiskOf(process.platform)

/** Returns the local disk for a server with its sessions in this directory: it does not wait for a frozen filesystem. */
export function localDiskAt (directory: string, system: string = process.platform): Disk {
  return system === 'win32' ? localDiskOf(system) : localDiskWith({ probe: () => probe(directory), processorWait: systemProcessorWait })
}

/**
 * Sets the times of a directory of ours to now. That waits as long as the filesystem is frozen, like
 * every change, and these times mean nothing to this package.
 */
function probe (directory: string): Promise<void> {
  const seconds = Date.now() / 1000
  return pooled.lutimes(directory, seconds, seconds)
}

function statusOf (path: string): FileStatus | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function call<T> (start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    // Other runtimes than Node pass `undefined` for "no error".
    start((error, value) => { (error ?? null) === null ? resolve(value as T) : reject(error) })
  })
}
