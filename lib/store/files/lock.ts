import { hasCode, SessionFileError } from '../../errors'
import { isDirectory, isLink, removeEmpty, unlessMissing, type DiskCalls, type Patience } from './disk'
import { isToken, LOCKS, lockPath, newToken, stagingPath } from './file-names'
import { platform } from './platform'
import { isOwnDirectory } from './private-file'

/** The file that a lock is for. */
export interface Lockable { path: string, disk: DiskCalls, limits: Patience }

/** Pauses in all, of one process for one lock, after which it is taken away whatever its holders do: 4 seconds. */
const MOST_PAUSES = 800
/** Attempts to take a lock away from processes that put it back each time, before the save fails. */
const MOST_REMOVALS = 10

/**
 * Takes the lock: renames the staging directory to it, content and all. Returns false when there is
 * nothing left to do because another holder did it.
 *
 * A lock is a directory. One of another user, or anything else but a link, is refused; a link is
 * removed and never followed.
 *
 * @throws {SessionFileError} when something stands in the way that is not a lock of ours, or takes its place again and again
 */
export async function takeLock (file: Lockable, staging: string, isStillSealed: () => Promise<boolean>): Promise<boolean> {
  const { path, disk, limits } = file
  const lock = lockPath(path)
  let holder: string | undefined
  let holderSince = 0
  let removals = 0
  // Over an empty directory, which a holder left when it died between its last two steps, rename
  // succeeds; over one that holds something it does not, nor over what is not a directory.
  for (let waited = 0; !await hasRenamed(disk, staging, lock);) {
    if (!await isStillSealed()) return false
    const present = await holderOf(disk, lock)
    if (present !== holder) {
      holder = present
      holderSince = waited
    }
    if (waited - holderSince < limits.stale && waited < MOST_PAUSES * limits.patience) {
      await disk.wait(limits.patience)
      waited += limits.patience
    } else {
      if (removals === MOST_REMOVALS) throw obstacle('other processes hold its lock again and again')
      // Emptied it can be renamed over. Where that is not enough, something else is in it, or comes into it.
      if (removals++ === 0) await emptyOut(disk, lock)
      else await moveAway(file, lock)
    }
  }
  return true
}

/**
 * Takes the lock from its holder, if there is one. Returns whether there was. Needs no room on the
 * disk. What is not a lock of ours stays, and is in no remover's way: no holder can have it.
 */
export async function takeLockAway ({ path, disk }: Lockable): Promise<boolean> {
  return await takeApart(disk, lockPath(path))
}

/**
 * Unlinks the file in a lock or a staging directory, and removes the directory if nothing else is in
 * it. Returns whether there was such a file. Where a link stands, the link alone is removed; what is
 * not a directory of this user stays as it is.
 */
export async function takeApart (disk: DiskCalls, directory: string): Promise<boolean> {
  const status = await unlessMissing(disk.lstat(directory))
  if (status === null) return false
  if (isLink(status)) await unlessMissing(disk.unlink(directory))
  if (!isOwnDirectory(status)) return false
  const isTaken = await emptyOut(disk, directory)
  await removeEmpty(disk, directory)
  return isTaken
}

/** Unlinks the file in a lock or a staging directory. Returns whether there was one. */
async function emptyOut (disk: DiskCalls, directory: string): Promise<boolean> {
  let isTaken = false
  for (const name of await unlessMissing(disk.readdir(directory)) ?? []) {
    if (isToken(name)) isTaken = await hasUnlinked(disk, `${directory}/${name}`) || isTaken
  }
  return isTaken
}

/**
 * Takes the lock away whatever is in it, and whatever its holder does meanwhile: under another name
 * it is of no use to a holder. Then takes it apart. What cannot be removed stays under the name of a
 * staging directory, for the sweep to count.
 */
async function moveAway ({ path, disk }: Lockable, lock: string): Promise<void> {
  const away = stagingPath(path, newToken())
  if (await unlessMissing(disk.rename(lock, away).then(() => true)) === true) await takeApart(disk, away)
}

async function hasRenamed (disk: DiskCalls, from: string, to: string): Promise<boolean> {
  try {
    await disk.rename(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) return false
    throw error
  }
}

/** Unlinks a file. Returns false when there is none, or a directory. */
async function hasUnlinked (disk: DiskCalls, path: string): Promise<boolean> {
  try {
    await disk.unlink(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    // POSIX says EPERM for a directory, Linux EISDIR. EPERM has other reasons as well.
    const status = hasCode(error, 'EISDIR', 'EPERM') ? await unlessMissing(disk.lstat(path)) : null
    if (status !== null && isDirectory(status)) return false
    throw error
  }
}

/**
 * Returns what the holder of the lock is known by: its directory and the last change in it. A link that stands for the
 * lock is removed. @throws {SessionFileError} for anything else that is not a lock of ours
 */
async function holderOf (disk: DiskCalls, lock: string): Promise<string> {
  const status = await unlessMissing(disk.lstat(lock))
  if (status === null) return 'none'
  if (isOwnDirectory(status)) return `${status.ino} ${status.birthtimeMs} ${status.mtimeMs}`
  if (!isLink(status)) throw obstacle('a file, or a directory of another user, stands where its lock should be')
  await unlessMissing(disk.unlink(lock))
  return 'none'
}

/** Returns the error of a save that fails because of what stands in the way of a rewrite. */
export function obstacle (what: string): SessionFileError {
  return new SessionFileError(`cannot rewrite a session file: ${what}; ` +
    `look for it with ${platform.findByName(LOCKS)}, then remove it`)
}
