import { hasCode, systemError } from '../../errors'
import { isDirectory, unlessMissing, type DiskCalls, type FileStatus, type Patience } from './disk'

/** What Windows says of a file that is open elsewhere, or about to go; and of one that is not this user's to change. */
const BUSY = ['EPERM', 'EACCES', 'EBUSY']
const PATIENCE: Patience = { stale: 2000, patience: 5 }

/**
 * Makes of the calls on NTFS a disk as session files need it: one by the rules of POSIX, as far as
 * Windows can keep them. It has no quick lanes, so that no file is kept open: a file that a process
 * has open cannot be replaced.
 *
 * - What Windows refuses because another program has a file open is tried again, for `stale`
 *   milliseconds at most. That is never too late for a rename that puts a new file in place of a sealed
 *   one: what it renames lies in the lock, and is gone from there when another process has taken the lock.
 * - A directory takes the place of an empty one: that is removed first.
 * - A file was last used when it was last changed. Windows keeps access times on some volumes only.
 */
export function windowsDisk (calls: DiskCalls, { stale, patience }: Patience = PATIENCE): DiskCalls {
  async function patiently<T> (call: () => Promise<T>): Promise<T> {
    let waited = 0
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (waited >= stale || !hasCode(error, ...BUSY)) throw error
        await calls.wait(patience)
        waited += patience
      }
    }
  }

  async function rename (from: string, to: string): Promise<void> {
    try {
      await calls.rename(from, to)
    } catch (error) {
      if (!hasCode(error, ...BUSY) || !await hasMadeWay(from, to)) throw error
      await calls.rename(from, to)
    }
  }

  /** Removes an empty directory from where a directory is to go. Returns whether it did. Rejects as `rename` does on POSIX when it is not empty. */
  async function hasMadeWay (from: string, to: string): Promise<boolean> {
    const status = await unlessMissing(calls.lstat(to))
    if (status === null || !isDirectory(status) || !isDirectory(await calls.lstat(from))) return false
    return await unlessMissing(calls.rmdir(to).then(() => true, notRemoved)) ?? true
  }

  return {
    ...calls,
    open: (path, flags, mode) => patiently(() => calls.open(path, flags, mode)),
    fstat: fd => calls.fstat(fd).then(usedWhenChanged),
    lstat: path => patiently(() => calls.lstat(path)).then(usedWhenChanged),
    lutimes: (path, atime, mtime) => patiently(() => calls.lutimes(path, atime, Math.max(atime, mtime))),
    futimes: (fd, atime, mtime) => calls.futimes(fd, atime, Math.max(atime, mtime)),
    unlink: path => patiently(() => calls.unlink(path)),
    link: (path, name) => patiently(() => calls.link(path, name)),
    rename: (from, to) => patiently(() => rename(from, to)),
    mkdir: (path, mode) => patiently(() => calls.mkdir(path, mode)),
    rmdir: path => patiently(() => calls.rmdir(path)).catch(notRemoved),
    readdir: path => patiently(() => calls.readdir(path))
  }
}

/** A directory that another program looks into cannot be removed. It may stay, like one that is not empty. */
function notRemoved (error: unknown): never {
  throw hasCode(error, ...BUSY) ? systemError('ENOTEMPTY', 'directory in use', 'rmdir') : error
}

function usedWhenChanged (status: FileStatus): FileStatus {
  return { ...status, atimeMs: status.mtimeMs }
}
