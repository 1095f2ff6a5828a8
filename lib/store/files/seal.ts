import { dirname } from 'node:path'
import { SessionFileError } from '../../errors'
import { birth, removeEmpty, syncDirectory, unlessMissing, type FileStatus } from './disk'
import { encodeRecord, NO_RECORD, type JournalRecord } from './journal'
import { lockPath, newToken, stagingPath, takeLock, takeLockAway, type Lockable, type Patience } from './lock'
import { checkPrivate, FILE_MODE, TO_MAKE } from './private-file'

export type { Patience }

/** The file that is sealed, or may be. */
export interface Sealed extends Lockable { durable: boolean }

/** Milliseconds; no filesystem's clock has a longer tick. */
const LONGEST_TICK = 3000

/**
 * Puts a new journal that starts with `record` in place of a sealed file that was born at `born`.
 * Resolves when it is there, whichever process did it, or when the file is no longer the sealed one;
 * returns what the new file is if it was put there by this call. The steps have the numbers of
 * rule 5 in docs/session-file.md.
 *
 * One rename takes the lock, and the new journal in it; one rename of what it holds puts the new file
 * in place. To take the lock away from its holder, what is in it is unlinked or moved: after that the
 * holder's rename has nothing to move, however late it comes. So a process that stalls while it holds
 * the lock, even after its last look, can never put an old file over a newer one.
 */
export async function replaceSealed (
  file: Sealed, record: JournalRecord, born: number, isStillSealed: () => Promise<boolean>
): Promise<FileStatus | null> {
  const { path, disk } = file
  const token = newToken()
  const staging = stagingPath(path, token)
  let isStaged = true
  await disk.mkdir(staging, 0o700)
  try {
    const status = await prepare(file, `${staging}/${token}`, record, born) // Step 1.
    if (!await takeLock(file, staging, isStillSealed)) return null // Step 2.
    isStaged = false
    const isInstalled = await isStillSealed() // Step 3.
      ? await install(file, token) // Step 4.
      : await giveUp(file, token)
    await removeEmpty(disk, lockPath(path)) // Step 5.
    return isInstalled ? status : null
  } finally {
    if (isStaged) {
      await unlessMissing(disk.unlink(`${staging}/${token}`))
      await removeEmpty(disk, staging)
    }
  }
}

/**
 * Takes a session file away, by `take`, so that no process under way brings it back. Returns whether
 * `take` found it.
 *
 * A process may be about to put a new file in place of a sealed one. Its lock is taken away
 * first, so that its rename fails; and again, until nothing was there in two rounds: one that
 * got between must have left either its lock or its file to be found.
 */
export async function takeAway (file: Lockable, take: () => Promise<void>): Promise<boolean> {
  let isTaken = false
  for (let quiet = 0; quiet < 2;) {
    const tookLock = await takeLockAway(file)
    const tookFile = await unlessMissing(take().then(() => true)) ?? false
    quiet = tookLock || tookFile ? 0 : quiet + 1
    isTaken ||= tookFile
  }
  return isTaken
}

/**
 * Writes the new journal, complete and synced, and returns what the file is.
 *
 * A file is told from others by inode number and birth time. Numbers are used again at once and
 * clocks are coarse, so the next file but one could pass for this one: not if births differ. Where
 * they do not, the file is made again at the next tick of the clock.
 */
async function prepare (file: Sealed, path: string, record: JournalRecord, born: number): Promise<FileStatus> {
  const bytes = encodeRecord(record, NO_RECORD)
  let status = await writeUnlike(file, path, bytes, born)
  if (status === null) {
    await nextTick(file, path, born)
    status = await writeUnlike(file, path, bytes, born)
  }
  return status ?? clockStands()
}

/** Returns what the new file is; null when it was born at `born`, and is removed again before it costs a sync. */
async function writeUnlike ({ disk }: Sealed, path: string, bytes: Buffer, born: number): Promise<FileStatus | null> {
  const fd = await disk.open(path, TO_MAKE, FILE_MODE)
  try {
    for (let written = 0; written < bytes.length;) written += await disk.write(fd, bytes.subarray(written))
    const status = await disk.fstat(fd)
    checkPrivate(status)
    if (birth(status) !== born) {
      // In any case: not every filesystem writes a file out before it is renamed over another, and
      // here everything that was ever saved is in it.
      await disk.fdatasync(fd)
      return status
    }
  } finally {
    await disk.close(fd)
  }
  await disk.unlink(path)
  return null
}

/** Resolves when a new file would be born at another time than `born`. */
async function nextTick ({ disk, limits }: Sealed, path: string, born: number): Promise<void> {
  for (let waited = 0; waited <= LONGEST_TICK; waited += limits.patience) {
    await disk.wait(limits.patience)
    const fd = await disk.open(path, TO_MAKE, FILE_MODE)
    const status = await disk.fstat(fd).finally(async () => { await disk.close(fd) })
    await disk.unlink(path)
    if (birth(status) !== born) return
  }
}

function clockStands (): never {
  throw new SessionFileError('the clock of the filesystem with the session files stands still: choose another sessionDir')
}

/** Puts the new file in place of the sealed one. Returns false when the lock was taken away. */
async function install ({ path, disk, durable }: Sealed, token: string): Promise<boolean> {
  const isInstalled = await unlessMissing(disk.rename(`${lockPath(path)}/${token}`, path).then(() => true)) ?? false
  if (isInstalled && durable) await syncDirectory(disk, dirname(path))
  return isInstalled
}

/** Removes the new file, which is not wanted any more. */
async function giveUp ({ path, disk }: Sealed, token: string): Promise<false> {
  await unlessMissing(disk.unlink(`${lockPath(path)}/${token}`))
  return false
}
