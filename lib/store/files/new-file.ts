import { dirname } from 'node:path'
import { takeOut } from './ending'
import { checkWhole, syncDirectory, unlessMissing, type DiskCalls, type FileStatus } from './disk'
import { newToken, stagingPath } from './file-names'
import { checkPrivate, FILE_MODE, TO_MAKE } from './private-file'

/** The times of the file of a new session may differ by this much (milliseconds) from the store's clock. */
export const TOLERANCE = 1000

export interface NewFile {
  path: string
  bytes: Buffer
  disk: DiskCalls
  /** Whether it must survive a power loss. */
  durable: boolean
  /** When the session was last used, in milliseconds since 1970: now, by the store's clock, for a new one. */
  lastAccess: number
  /** How much the file's times may differ from that, in milliseconds. */
  tolerance: number
}

/**
 * Makes a session file that is complete before it has its name: it is written under a private name
 * first. So no other process ever sees a part of it, and of several that make the same session one
 * succeeds. Leaves nothing behind when it fails.
 *
 * Rejects with EEXIST when there is a file of that name, with ENOENT when the directory is missing.
 */
export async function makeFile (file: NewFile): Promise<FileStatus> {
  const { path, disk } = file
  const staging = stagingPath(path, newToken())
  const fd = await disk.open(staging, TO_MAKE, FILE_MODE)
  try {
    return await settle(file, fd, staging, await name(file, fd, staging))
  } finally {
    await disk.close(fd)
  }
}

/** Gives the file its name once it is complete. */
async function name (file: NewFile, fd: number, staging: string): Promise<FileStatus> {
  const { path, disk } = file
  try {
    const status = await fill(file, fd)
    await disk.link(staging, path)
    return status
  } catch (error) {
    await unlessMissing(disk.unlink(staging))
    throw error
  }
}

/**
 * The kernel stamps files by its own clock. In a process that goes by another one, such as a test
 * with a fake clock, a new session would be as old as the clocks differ; and a session that is
 * imported was last used at another time.
 */
async function fill ({ bytes, disk, durable, lastAccess, tolerance }: NewFile, fd: number): Promise<FileStatus> {
  checkWhole(await disk.write(fd, bytes), bytes)
  if (durable) await disk.fdatasync(fd)
  const status = await disk.fstat(fd)
  checkPrivate(status)
  if (Math.abs(lastAccess - status.mtimeMs) <= tolerance) return status
  await disk.futimes(fd, lastAccess / 1000, lastAccess / 1000)
  return await disk.fstat(fd)
}

/** Ends the private name, and makes the other one survive a power loss; or takes the file back. */
async function settle (
  { path, disk, durable }: NewFile, fd: number, staging: string, status: FileStatus
): Promise<FileStatus> {
  try {
    await unlessMissing(disk.unlink(staging))
    if (durable) await syncDirectory(disk, dirname(path))
    // Where ctime stands for the birth time: a second name and its end change it.
    return status.birthtimeMs === 0 ? await disk.fstat(fd) : status
  } catch (error) {
    await takeOut(disk, path, status.ino)
    throw error
  }
}
