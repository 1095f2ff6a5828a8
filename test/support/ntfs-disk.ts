import fs from 'node:fs'
import { dirname } from 'node:path'
import type { DiskCalls, FileStatus } from '../../lib/store/files/disk'
import { exactCalls } from '../../lib/store/files/windows-calls'
import { pooledDisk, systemError } from './disks'

/** NTFS as Node shows it on Windows, of which no file system here is like. */
export interface NtfsDisk {
  /** The calls of one process, by these rules. */
  calls: DiskCalls
  /** Another program, such as a virus scanner, opens the file. Returns how to close it. */
  scan: (path: string) => () => void
  /** Milliseconds that were waited for. */
  waited: () => number
}

export interface NtfsOptions {
  /** A deleted file that is open keeps its name until it is closed, and nothing can be done with it: libuv before 1.49. */
  isDeletionPending?: boolean
  /** The number of a file that is gone is given to the next one: Wine, over a file system that does so. */
  isNumberReused?: boolean
}

/**
 * The local disk by the rules of NTFS, at their most unfavourable:
 * - no file takes the place of one that is open, no directory that of another, and a directory in which
 *   a file is open stays where it is;
 * - the time of the last change is set anew when a descriptor that was written to is closed, unless it was
 *   set by this descriptor;
 * - no directory can be synced; access times stand still; file numbers are unique, and modes say nothing.
 */
export function ntfsDisk ({ isDeletionPending = false, isNumberReused = false }: NtfsOptions = {}): NtfsDisk {
  const local = exactCalls({ ...pooledDisk })
  /** By descriptor. */
  const handles = new Map<number, { path: string, ino: bigint, isWritten: boolean }>()
  const pending = new Map<string, bigint>()
  /** By inode number, which the file systems here use again. */
  const numbers = new Map<bigint, bigint>()
  const free: bigint[] = []
  let made = 0n
  let waited = 0

  const inoAt = (path: string): bigint | undefined => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino
  const isOpen = (ino: bigint | undefined): boolean => [...handles.values()].some(handle => handle.ino === ino)
  const isDirectory = (path: string): boolean => fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  const refuse = (syscall: string): never => { throw systemError('EPERM', syscall) }
  const checkPresent = (path: string, syscall: string): void => { if (pending.has(path)) refuse(syscall) }

  function number (path: string): void {
    numbers.set(inoAt(path) as bigint, free.pop() ?? --made)
  }

  /** Nothing may go by access times. */
  function shown (status: FileStatus): FileStatus {
    return { ...status, ino: numbers.get(status.ino as bigint) ?? status.ino, atimeMs: 0 }
  }

  function register (fd: number, path: string): void {
    handles.set(fd, { path, ino: fs.fstatSync(fd, { bigint: true }).ino, isWritten: false })
  }

  function forget (fd: number): void {
    const handle = handles.get(fd)
    handles.delete(fd)
    if (handle === undefined) return
    for (const [path, ino] of pending) {
      if (ino !== handle.ino || isOpen(ino)) continue
      pending.delete(path)
      fs.unlinkSync(path)
    }
  }

  const calls: DiskCalls = {
    ...local,
    async open (path, flags, mode) {
      checkPresent(path, 'open')
      const fd = await local.open(path, flags & ~(fs.constants.O_NOFOLLOW | fs.constants.O_NOATIME), mode)
      register(fd, path)
      if ((flags & fs.constants.O_CREAT) !== 0) number(path)
      return fd
    },
    async close (fd) {
      // Set at once by the clock, for the kernel's own clock stands still for some milliseconds.
      if (handles.get(fd)?.isWritten === true) fs.futimesSync(fd, fs.fstatSync(fd).atime, Date.now() / 1000)
      await local.close(fd)
      forget(fd)
    },
    async write (fd, bytes, position) {
      Object.assign(handles.get(fd) ?? {}, { isWritten: true })
      return await local.write(fd, bytes, position)
    },
    async futimes (fd, atime, mtime) {
      await local.futimes(fd, atime, mtime)
      Object.assign(handles.get(fd) ?? {}, { isWritten: false })
    },
    async lutimes (path, atime, mtime) {
      checkPresent(path, 'lutimes')
      await local.lutimes(path, atime, mtime)
    },
    async fsync (fd) {
      if (fs.fstatSync(fd).isDirectory()) refuse('fsync')
      await local.fsync(fd)
    },
    async fstat (fd) { return shown(await local.fstat(fd)) },
    async lstat (path) {
      checkPresent(path, 'lstat')
      return shown(await local.lstat(path))
    },
    async unlink (path) {
      checkPresent(path, 'unlink')
      if (isDirectory(path)) refuse('unlink')
      const ino = inoAt(path)
      if (isNumberReused && ino !== undefined) free.push(numbers.get(ino) ?? ino)
      if (isDeletionPending && ino !== undefined && isOpen(ino) && fs.lstatSync(path).nlink === 1) pending.set(path, ino)
      else await local.unlink(path)
    },
    async link (path, name) {
      checkPresent(path, 'link')
      checkPresent(name, 'link')
      await local.link(path, name)
    },
    async rename (from, to) {
      checkPresent(from, 'rename')
      checkPresent(to, 'rename')
      if (inoAt(from) === undefined) throw systemError('ENOENT', 'rename')
      if (isDirectory(to) || isOpen(inoAt(to))) refuse('rename')
      if (isDirectory(from) && [...handles.values()].some(({ path, ino }) => dirname(path) === from && inoAt(path) === ino)) refuse('rename')
      await local.rename(from, to)
      for (const handle of handles.values()) {
        if (handle.path === from) handle.path = to
      }
    },
    async mkdir (path, mode) {
      await local.mkdir(path, mode)
      number(path)
    },
    async wait (milliseconds) { waited += milliseconds }
  }
  function scan (path: string): () => void {
    const fd = fs.openSync(path, 'r')
    register(fd, path)
    return () => {
      fs.closeSync(fd)
      forget(fd)
    }
  }
  return { calls, scan, waited: () => waited }
}
