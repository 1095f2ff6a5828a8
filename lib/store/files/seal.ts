import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from '../../errors'
import { randomText } from '../../random'
import { birth, removeEmpty, syncDirectory, unlessMissing, type Disk, type FileStatus } from './disk'
import { encodeRecord, NO_RECORD, type JournalRecord } from './journal'

/** Milliseconds. */
export interface Patience {
  /** A lock whose holder makes no progress for this long is taken away. */
  stale: number
  /** How long to wait before looking at it again. */
  patience: number
}

/** The file that is sealed, or may be. */
export interface Sealed { path: string, disk: Disk, durable: boolean, limits: Patience }

/**
 * Puts a new journal that starts with `record` in place of a sealed file that was born at `born`.
 * Returns when it is there, whoever did it, or when the file is no longer the sealed one; answers
 * what the new file is if it was put there by this call.
 *
 * The lock `<name>.lock` is a directory that holds the new journal, complete, under a random name.
 * One rename takes the lock, content and all; one rename of what it holds puts the new file in
 * place. To take the lock away from someone, the file in it is unlinked: after that the other's
 * rename has nothing to move, however late it comes. So a process that stalls while it holds the
 * lock, even after its last look, can never put an old file over a newer one.
 */
export async function replaceSealed (
  file: Sealed, record: JournalRecord, born: number, isStillSealed: () => Promise<boolean>
): Promise<FileStatus | null> {
  const { path, disk } = file
  const token = randomText(8, 'hex')
  const staging = `${path}.${token}.tmp`
  const lock = `${path}.lock`
  await disk.mkdir(staging, 0o700)
  let isStaged = true
  try {
    // A file is told from others by inode number and birth time. Numbers are used again at once and
    // clocks are coarse, so the next file but one could pass for this one: not if births differ.
    let status = await writeJournal(file, `${staging}/${token}`, record)
    while (birth(status) === born) {
      await disk.unlink(`${staging}/${token}`)
      await disk.wait(file.limits.patience)
      status = await writeJournal(file, `${staging}/${token}`, record)
    }
    if (!await takeLock(file, staging, lock, isStillSealed)) return null
    isStaged = false
    let isInstalled = false
    if (!await isStillSealed()) {
      await unlessMissing(disk.unlink(`${lock}/${token}`))
    } else {
      isInstalled = await unlessMissing(disk.rename(`${lock}/${token}`, path).then(() => true)) === true
      if (isInstalled && file.durable) await syncDirectory(disk, dirname(path))
    }
    await removeEmpty(disk, lock)
    return isInstalled ? status : null
  } finally {
    if (isStaged) {
      await unlessMissing(disk.unlink(`${staging}/${token}`))
      await removeEmpty(disk, staging)
    }
  }
}

/**
 * Takes a session file away, by `take`, so that nothing under way elsewhere brings it back.
 *
 * A process may be about to put a new file in place of a sealed one. Its lock is taken away
 * first, so that its rename fails; and again, until nothing was there in two rounds: one that
 * got between must have left either its lock or its file to be found.
 */
export async function takeAway (file: Sealed, take: () => Promise<void>): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const tookLock = await takeLockAway(file)
    const tookFile = await unlessMissing(take().then(() => true)) ?? false
    quiet = tookLock || tookFile ? 0 : quiet + 1
  }
}

/** Takes the lock from whoever holds it. Answers whether anyone did. */
export async function takeLockAway ({ path, disk }: Sealed): Promise<boolean> {
  const lock = `${path}.lock`
  const tokens = await unlessMissing(disk.readdir(lock))
  if (tokens === null) return false
  let taken = false
  for (const token of tokens) {
    taken = await unlessMissing(disk.unlink(`${lock}/${token}`).then(() => true)) ?? taken
  }
  await removeEmpty(disk, lock)
  return taken
}

async function writeJournal ({ disk }: Sealed, path: string, record: JournalRecord): Promise<FileStatus> {
  const bytes = encodeRecord(record, NO_RECORD)
  const fd = await disk.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    for (let written = 0; written < bytes.length;) written += await disk.write(fd, bytes.subarray(written))
    // In any case: not every filesystem writes a file out before it is renamed over another, and
    // here everything that was ever saved is in it.
    await disk.fdatasync(fd)
    return await disk.fstat(fd)
  } finally {
    await disk.close(fd)
  }
}

/** Answers false when there is nothing left to do because another holder did it. */
async function takeLock (
  { disk, limits }: Sealed, staging: string, lock: string, isStillSealed: () => Promise<boolean>
): Promise<boolean> {
  let holder: string | undefined
  let waited = 0
  for (;;) {
    try {
      // Over an empty directory, which a holder left when it died between its last two steps,
      // rename succeeds; over one that holds something it does not.
      await disk.rename(staging, lock)
      return true
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
    }
    if (!await isStillSealed()) return false
    const [token] = await unlessMissing(disk.readdir(lock)) ?? []
    if (token !== holder) {
      holder = token
      waited = 0
    } else if (waited >= limits.stale && token !== undefined) {
      await unlessMissing(disk.unlink(`${lock}/${token}`))
      continue
    }
    await disk.wait(limits.patience)
    waited += limits.patience
  }
}
