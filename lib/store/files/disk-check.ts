import { constants } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { fileError, SessionFileError } from '../../errors'
import { unlessMissing } from './disk'
import { localDisk } from './local-disk'

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

/** One name for all, so that a crash leaves at most one behind, and the next check removes it. */
export const PROBE = 'disk-check.tmp'
const BLOCKS = Buffer.alloc(8192)

const { O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Whether sessions can be stored in the directory. Asks the filesystem for its free space, and
 * then writes two blocks to a file and removes it: only that tells of quotas, permissions, a
 * read-only mount and a limit on open files. Takes a fraction of a millisecond.
 *
 * @throws {SessionFileError} when less is free than is asked for, or the blocks cannot be written
 */
export async function checkDisk (directory: string, least: { freeBytes: number, freeFiles: number }): Promise<DiskSpace> {
  let space: DiskSpace
  try {
    const { bavail, bsize, ffree, files } = await statfs(directory)
    space = { freeBytes: bavail * bsize, freeFiles: files === 0 ? Infinity : ffree }
    await writeProbe(`${directory}/${PROBE}`)
  } catch (error) {
    throw fileError('store sessions', directory, error)
  }
  if (space.freeBytes < least.freeBytes) {
    throw new SessionFileError(`the disk is nearly full: ${space.freeBytes} bytes are free for ${directory}; ` +
      `free some space (at least ${least.freeBytes} bytes are asked for)`)
  }
  if (space.freeFiles < least.freeFiles) {
    throw new SessionFileError(`the disk is nearly full: ${space.freeFiles} files can be made in ${directory}; ` +
      `remove some files (at least ${least.freeFiles} are asked for)`)
  }
  return space
}

async function writeProbe (path: string): Promise<void> {
  const fd = await localDisk.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600)
  try {
    const written = await localDisk.write(fd, BLOCKS)
    if (written < BLOCKS.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
  } finally {
    await localDisk.close(fd)
    // Another process may be checking too.
    await unlessMissing(localDisk.unlink(path))
  }
}
