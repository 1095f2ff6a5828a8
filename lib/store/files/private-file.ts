import { constants } from 'node:fs'
import { hasCode, SessionFileError } from '../../errors'
import { isDirectory, isFile, type DiskCalls, type DiskNow, type FileStatus } from './disk'

// Linux alone has O_NOATIME.
const { O_APPEND, O_CREAT, O_EXCL, O_NOATIME = 0, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants
/**
 * Part of every open: a link leads nowhere, and no call waits for the other end of a FIFO. A thread
 * of the pool that waited there would never come back.
 */
const SAFELY = O_NOFOLLOW | O_NONBLOCK
const TO_READ = O_RDONLY | SAFELY
/** Flags to read a file without a change of its access time, where the system can do that. Only the owner may ask for it. */
export const TO_READ_UNNOTED = TO_READ | O_NOATIME
/** Flags to open a session file that is there, to append to it and to look back. */
export const TO_APPEND = O_RDWR | O_APPEND | SAFELY
/** Flags to write over bytes of a session file that is there. */
export const TO_OVERWRITE = O_WRONLY | SAFELY
/** Flags to make a file that is not there. */
export const TO_MAKE = O_WRONLY | O_CREAT | O_EXCL | SAFELY
/** Access mode of every file that is made. */
export const FILE_MODE = 0o600

/** Bits of the mode: what kind of file it is, and the access of group and others. */
const JUDGED = constants.S_IFMT | 0o077
const OWN_FILE = constants.S_IFREG

/** Whether the file is a regular one of this user, without access for group and others. */
export function isPrivate ({ mode, uid }: FileStatus): boolean {
  return (mode & JUDGED) === OWN_FILE && isOwn(uid)
}

/** Whether this process works as the user with that number; always where there are no users. */
export function isOwn (uid: number): boolean {
  return uid === (process.geteuid?.() ?? uid)
}

/** Whether there is a directory of this process's user, and no link to one. */
export function isOwnDirectory (status: FileStatus): boolean {
  return isDirectory(status) && isOwn(status.uid)
}

/** @throws {SessionFileError} when the open file is not private; the system's EISDIR for a directory */
export function checkPrivateFile (status: FileStatus): void {
  if (!isPrivate(status)) throw refusal(status)
}

/**
 * Opens a session file to read it, without a change of its access time where the system can do that.
 * The access time says when the session was last used: an expired session that is looked at must not
 * live again. What is opened is not checked yet: `checkPrivateFile` does that with the file's status.
 *
 * @throws the system's error, or {SessionFileError} for what is not a file
 */
export async function openToRead (disk: DiskCalls, path: string): Promise<number> {
  try {
    return await disk.open(path, TO_READ_UNNOTED)
  } catch (error) {
    // Only the owner of a file may ask for that. Where it was not asked for, the answer would be the same.
    if (O_NOATIME === 0 || !hasCode(error, 'EPERM')) throw openError(error)
  }
  return await disk.open(path, TO_READ)
}

/** Opens a session file to append to it. @throws the system's error, or {SessionFileError} when it is not private */
export async function openToAppend (disk: DiskCalls, path: string): Promise<number> {
  let fd: number
  try {
    fd = await disk.open(path, TO_APPEND)
  } catch (error) {
    throw openError(error)
  }
  try {
    checkPrivateFile(await disk.fstat(fd))
  } catch (error) {
    await disk.close(fd)
    throw error
  }
  return fd
}

/** Does the same at once, and returns what the file is as well. */
export function openToAppendNow (disk: DiskNow, path: string): { fd: number, status: FileStatus } {
  let fd: number
  try {
    fd = disk.open(path, TO_APPEND)
  } catch (error) {
    throw openError(error)
  }
  try {
    const status = disk.fstat(fd)
    checkPrivateFile(status)
    return { fd, status }
  } catch (error) {
    disk.close(fd)
    throw error
  }
}

/** A socket, or a device that is not there, cannot even be opened; the system's message would not say why. */
function openError (error: unknown): unknown {
  return hasCode(error, 'ENXIO', 'ENODEV', 'EOPNOTSUPP') ? notFile() : error
}

function refusal (status: FileStatus): Error {
  // As the system says it when a directory is opened to append.
  if (isDirectory(status)) return Object.assign(new Error('EISDIR: read of a directory'), { code: 'EISDIR', syscall: 'read' })
  if (!isFile(status)) return notFile()
  const { uid } = status
  if (!isOwn(uid)) {
    const user = process.geteuid?.()
    return new SessionFileError(`a session file belongs to user ${uid} and this process runs as user ${user}: ` +
      `look for it with find SESSION_DIR ! -user ${user}, then remove it or change its owner`)
  }
  return new SessionFileError('group or others may use a session file: run chmod -R go= SESSION_DIR; ' +
    'on a mount without modes set umask=077 in the mount options')
}

function notFile (): SessionFileError {
  return new SessionFileError('a FIFO, socket or device stands where a session file should be: ' +
    'look for it with find SESSION_DIR ! -type f ! -type d, then remove it')
}
