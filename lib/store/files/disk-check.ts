import { constants } from 'node:fs'
import { fileError, SessionFileError, systemError } from '../../errors'
import { printable } from '../../printable'
import { unlessMissing } from './disk'
import { checkPath } from './file-names'
import { localDisk } from './local-disk'
import { MAGIC } from './journal'

export interface DiskCheckOptions {
  /** Bytes that must be free for this user. @default the store's maxSize: room for one session of the largest size */
  freeBytes?: number | undefined
  /** Files that one must be able to make, on filesystems that count them. @default 100 */
  freeFiles?: number | undefined
}

export interface DiskSpace {
  /** Bytes that this user may still write. */
  freeBytes: number
  /** Files that can still be made; `Infinity` where the filesystem sets no limit. */
  freeFiles: number
}

/** Starts as a journal does, so that a sweep knows what a crashed check left behind as ours. */
const BLOCKS = Buffer.alloc(8192)
MAGIC.copy(BLOCKS)

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Whether sessions can be stored in the directory. Asks the filesystem for its free space, and
 * then writes two blocks to a new file and removes it: only that tells of quotas, permissions, a
 * read-only mount and a limit on open files. Takes a fraction of a millisecond.
 *
 * @throws {SessionFileError} when less is free than is asked for, or the blocks cannot be written
 */
export async function checkDisk (directory: string, least: { freeBytes: number, freeFiles: number }): Promise<DiskSpace> {
  let space: DiskSpace
  try {
    const { bavail, bsize, ffree, files } = await localDisk.statfs(directory)
    space = { freeBytes: bavail * bsize, freeFiles: files === 0 ? Infinity : ffree }
    await writeBlocks(checkPath(directory))
  } catch (error) {
    throw fileError('store sessions', directory, error)
  }
  const name = printable(directory)
  if (space.freeBytes < least.freeBytes) {
    throw new SessionFileError(`the disk is nearly full: ${space.freeBytes} bytes are free for ${name}; ` +
      `free some space (at least ${least.freeBytes} bytes are asked for)`)
  }
  if (space.freeFiles < least.freeFiles) {
    throw new SessionFileError(`the disk is nearly full: ${space.freeFiles} files can be made in ${name}; ` +
      `remove some files (at least ${least.freeFiles} are asked for)`)
  }
  return space
}

/** Writes to a file that no other process has, and that was not there before. */
async function writeBlocks (path: string): Promise<void> {
  const fd = await localDisk.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const written = await localDisk.write(fd, BLOCKS)
    if (written < BLOCKS.length) throw systemError('ENOSPC', 'short write', 'write')
  } finally {
    await localDisk.close(fd)
    // A sweep whose clock is ahead may have removed it.
    await unlessMissing(localDisk.unlink(path))
  }
}
