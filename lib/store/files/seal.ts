import { dirname } from 'node:path'
import { removeEmpty, syncDirectory, unlessMissing, type FileStatus } from './disk'
import { rememberPlaced, writeDistinct, type Identity } from './distinct-file'
import { encodeRecord, NO_RECORD, type JournalRecord } from './journal'
import { lockPath, newToken, stagingPath } from './file-names'
import { obstacle, takeLock, takeLockAway, type Lockable } from './lock'

/** The file that is sealed, or may be. */
export interface Sealed extends Lockable { durable: boolean }

/** Attempts of one process that held the lock, and lost it to another one, before its save fails. */
const MOST_ATTEMPTS = 3

/**
 * Puts a new journal that starts with `record` in place of a sealed file.
 * Resolves when it is there, whichever process did it, or when the file is no longer the sealed one;
 * returns what the new file is if it was put there by this call. The steps have the numbers of
 * rule 7 in docs/session-file.md.
 *
 * One rename takes the lock, and the new journal in it; one rename of what it holds puts the new file
 * in place. To take the lock away from its holder, what is in it is unlinked or moved: after that the
 * holder's rename has nothing to move, however late it comes. So a process that stalls while it holds
 * the lock, even after its last look, can never put an old file over a newer one.
 *
 * @throws {SessionFileError} when other processes take the lock from this one each time
 */
export async function replaceSealed (
  file: Sealed, record: JournalRecord, sealed: Identity, isStillSealed: () => Promise<boolean>
): Promise<FileStatus | null> {
  let attempts = 0
  for (;;) {
    const outcome = await attempt(file, record, sealed, isStillSealed)
    if (outcome !== 'lost') return outcome
    // The process that took the lock may not get on either, such as when Windows lets no process rename.
    if (!await isStillSealed()) return null
    if (++attempts === MOST_ATTEMPTS) throw obstacle('other processes take its lock again and again')
  }
}

/** Does it once. Returns `lost` when the lock was taken away from this process. */
async function attempt (
  file: Sealed, record: JournalRecord, sealed: Identity, isStillSealed: () => Promise<boolean>
): Promise<FileStatus | 'lost' | null> {
  const { path, disk } = file
  const token = newToken()
  const staging = stagingPath(path, token)
  let isStaged = true
  await disk.mkdir(staging, 0o700)
  try {
    const status = await writeDistinct(file, staging, token, encodeRecord(record, NO_RECORD), sealed) // Step 1.
    if (!await takeLock(file, staging, isStillSealed)) return null // Step 2.
    isStaged = false
    const outcome = await isStillSealed() // Step 3.
      ? await install(file, token) ? status : 'lost' // Step 4.
      : await giveUp(file, token)
    if (outcome === status) rememberPlaced(file, status, sealed)
    await removeEmpty(disk, lockPath(path)) // Step 5.
    return outcome
  } finally {
    if (isStaged) {
      await unlessMissing(disk.unlink(`${staging}/${token}`))
      await removeEmpty(disk, staging)
    }
  }
}

/**
 * Takes a session file away, by `take`, so that no process under way brings it back. Returns whether
 * `take` found it: it resolves with false, or rejects with ENOENT, when it did not.
 *
 * A process may be about to put a new file in place of a sealed one. Its lock is taken away
 * first, so that its rename fails; and again, until nothing was there in two rounds: one that
 * got between must have left either its lock or its file to be found.
 */
export async function takeAway (file: Lockable, take: () => Promise<unknown>): Promise<boolean> {
  let isTaken = false
  for (let quiet = 0; quiet < 2;) {
    const tookLock = await takeLockAway(file)
    const tookFile = await unlessMissing(take().then(taken => taken !== false)) ?? false
    quiet = tookLock || tookFile ? 0 : quiet + 1
    isTaken ||= tookFile
  }
  return isTaken
}

/** Puts the new file in place of the sealed one. Returns false when the lock was taken away. */
async function install (file: Sealed, token: string): Promise<boolean> {
  const { path, disk, durable } = file
  let isInstalled: boolean
  try {
    isInstalled = await unlessMissing(disk.rename(`${lockPath(path)}/${token}`, path).then(() => true)) ?? false
  } catch (error) {
    // Other processes would have to wait until a lock that stays is stale.
    await giveUp(file, token).then(() => removeEmpty(disk, lockPath(path))).catch(() => undefined)
    throw error
  }
  if (isInstalled && durable) await syncDirectory(disk, dirname(path))
  return isInstalled
}

/** Removes the new file, which is not wanted any more. */
async function giveUp ({ path, disk }: Sealed, token: string): Promise<null> {
  await unlessMissing(disk.unlink(`${lockPath(path)}/${token}`))
  return null
}
