import { dirname } from 'node:path'
import { hasCode } from '../../errors'
import { syncDirectory, type FileStatus } from './disk'
import { localDisk } from './local-disk'

/** The directories whose entry in the one above is on the disk, as far as this process has seen to it. */
const synced = new Set<string>()
/**
 * A directory that this process may not read holds no entry that it made. Neither does one whose file
 * system syncs no directories, such as that of a read-only image with a mount in it.
 */
const NOT_TO_SYNC = ['EACCES', 'EPERM', 'EINVAL', 'EROFS']

/**
 * Makes the entry of a directory survive a power loss, once in this process. It may have been made
 * by another process that has not got to it, or that was ended before.
 */
export async function syncEntry (path: string, { ino, birthtimeMs }: FileStatus): Promise<void> {
  // One that was removed and made anew is another one.
  const key = `${path}\0${ino}\0${birthtimeMs}`
  if (synced.has(key)) return
  try {
    await syncDirectory(localDisk, dirname(path))
  } catch (error) {
    if (!hasCode(error, ...NOT_TO_SYNC)) throw error
  }
  synced.add(key)
}

/** Does the same for the directory and all those above it. */
export async function syncAncestors (path: string): Promise<void> {
  const real = await localDisk.realpath(path)
  for (let directory = real; dirname(directory) !== directory; directory = dirname(directory)) {
    await syncEntry(directory, await localDisk.stat(directory))
  }
}
