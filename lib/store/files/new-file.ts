import { dirname } from 'node:path'
import { takeOut } from './ending'
import { checkWhole, syncDirectory, unlessMissing, type DiskCalls, type DiskNow, type FileStatus } from './disk'
import { newToken, stagingPath } from './file-names'
import { checkPrivateFile, FILE_MODE, isPrivate, TO_MAKE } from './private-file'

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
    await close(file, fd)
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
  checkPrivateFile(status)
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

/**
 * Does the same at once, by the same calls in the same order, for a file that need not be synced. Returns
 * undefined, and has left nothing behind, when something is in the way: `makeFile` then tells what it is.
 * Returns a promise when the disk becomes slow meanwhile: what is left to do goes by `file.disk`.
 */
export function makeFileNow (now: DiskNow, file: NewFile): FileStatus | undefined | Promise<FileStatus | undefined> {
  const staging = stagingPath(file.path, newToken())
  let fd: number
  try {
    fd = now.open(staging, TO_MAKE, FILE_MODE)
  } catch {
    return undefined
  }
  const named = nameNow(now, file, fd, staging)
  try {
    if (now.isQuick()) {
      now.unlink(staging)
      const status = named?.birthtimeMs === 0 ? now.fstat(fd) : named
      closeNow(now, fd)
      return status
    }
  } catch {
    // The calls that follow tell what is wrong, and take the file back.
  }
  return settleLater(file, fd, staging, named)
}

function nameNow (now: DiskNow, { path, bytes, lastAccess, tolerance }: NewFile, fd: number, staging: string): FileStatus | undefined {
  try {
    if (!now.isQuick() || now.write(fd, bytes) !== bytes.length || !now.isQuick()) return undefined
    const status = now.fstat(fd)
    if (!isPrivate(status) || Math.abs(lastAccess - status.mtimeMs) > tolerance) return undefined
    now.link(staging, path)
    return status
  } catch {
    return undefined
  }
}

/** `named`: status of the file that has got its name; undefined: it has not. */
async function settleLater (file: NewFile, fd: number, staging: string, named: FileStatus | undefined): Promise<FileStatus | undefined> {
  try {
    if (named !== undefined) return await settle(file, fd, staging, named)
    // What cannot be removed now is left to the sweep.
    await file.disk.unlink(staging).catch(() => undefined)
    return undefined
  } finally {
    await close(file, fd)
  }
}

/** The file is complete, and synced if it has to be: that its descriptor cannot be closed well changes nothing of it. */
async function close ({ disk }: NewFile, fd: number): Promise<void> {
  await disk.close(fd).catch(() => undefined)
}

function closeNow (now: DiskNow, fd: number): void {
  try {
    now.close(fd)
  } catch {
    // As above.
  }
}
