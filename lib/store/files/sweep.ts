import { GRACE, timeLeft, type Clock, type Lifetimes } from '../clock'
import { fileError } from '../../errors'
import { removeEmpty, unlessMissing, type Disk, type FileStatus } from './disk'
import { walkDirectory, type DirectoryEntry, type WalkOptions } from './directory-walk'
import { lifespan } from './session-age'
import { SessionFile } from './session-file'
import type { ReapCounts } from '../session-store'

/** Locks and staging directories are held for milliseconds; older ones (ms) are orphans. */
const ORPHANED = 10 * 60_000
/** How long a person has to look at what was set aside (ms). */
const SET_ASIDE_KEPT = 7 * 24 * 3600_000

export interface SweepOptions extends WalkOptions {
  /** The directory of one appid. */
  directory: string
  limits: Lifetimes
  clock: Clock
  disk: Disk
  /** Removes nothing, counts only. */
  dryRun?: boolean | undefined
}

/**
 * Goes once through an appid's directory and removes what has had its time. Any number of sweeps,
 * in any number of processes, may go on at once, beside requests.
 *
 * A file is opened only when it was not used for as long as the store's own idle timeout, or when
 * the file itself is older than the absolute timeout. So a session whose own timeout is shorter, or
 * whose file was rewritten, may be removed later than it ends; nobody gets it any more then.
 *
 * What fails is counted and the sweep goes on; only a directory that cannot be listed at all
 * rejects, with the system's error.
 */
export async function sweep (options: SweepOptions): Promise<ReapCounts> {
  const counts: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
  // One after the other: requests want the few threads that Node has for files.
  for await (const entry of walkDirectory(options.directory, options)) {
    try {
      await sweepEntry(entry, options, counts)
    } catch (error) {
      counts.failed++
      counts.error ??= fileError('remove expired sessions', options.directory, error)
    }
  }
  return counts
}

async function sweepEntry (entry: DirectoryEntry, options: SweepOptions, counts: ReapCounts): Promise<void> {
  const { clock, disk, dryRun } = options
  switch (entry.kind) {
    case 'session':
      counts.seen++
      if (await sweepSession(entry.path, options)) counts.expired++
      break
    case 'lock':
    case 'staging': {
      const status = await unlessMissing(disk.lstat(entry.path))
      if (status === null || clock.since(status.mtimeMs) <= ORPHANED) return
      if (dryRun !== true) await removeOrphan(entry.path, disk)
      counts.orphans++
      break
    }
    case 'setAside':
      if (clock.since(entry.setAsideAt) <= SET_ASIDE_KEPT) return
      if (dryRun !== true) await unlessMissing(disk.unlink(entry.path))
      counts.setAside++
      break
    case 'unreadable':
      throw entry.error
  }
}

/**
 * A plain unlink is enough here, other than for a session that is destroyed. Should a process that
 * stalled in the middle of a rewrite put its file in place afterwards, then that file is as old as
 * the one that was removed: nobody gets the session, and the next sweep removes it again.
 */
async function sweepSession (path: string, options: SweepOptions): Promise<boolean> {
  const { limits, clock, disk, dryRun } = options
  const status = await unlessMissing(disk.lstat(path))
  if (status === null || !mayHaveExpired(status, limits, clock)) return false

  const view = await new SessionFile(path, disk, false).read()
  if (view === null || timeLeft(lifespan(view), limits, clock) > -GRACE) return false
  if (dryRun === true) return true

  // A request may have come in the meantime.
  const now = await unlessMissing(disk.lstat(path))
  if (now === null || !isUnused(status, now)) return false
  return await unlessMissing(disk.unlink(path).then(() => true)) ?? false
}

/** What can be said without opening the file, which cannot be older than its session. */
function mayHaveExpired ({ atimeMs, mtimeMs, birthtimeMs }: FileStatus, limits: Lifetimes, clock: Clock): boolean {
  const span = { createdAt: birthtimeMs, idleTimeout: 0, lastAccess: Math.max(atimeMs, mtimeMs) }
  return timeLeft(span, limits, clock) <= -GRACE
}

function isUnused (before: FileStatus, now: FileStatus): boolean {
  return before.ino === now.ino && before.size === now.size &&
    before.atimeMs === now.atimeMs && before.mtimeMs === now.mtimeMs
}

/**
 * Removes a lock, or the staging directory of one, and the journal in it. Its owner, should it
 * still be there, finds that it has nothing to put in place any more.
 */
async function removeOrphan (path: string, disk: Disk): Promise<void> {
  for (const name of await unlessMissing(disk.readdir(path)) ?? []) {
    if (/^[0-9a-f]{16}$/.test(name)) await unlessMissing(disk.unlink(`${path}/${name}`))
  }
  await removeEmpty(disk, path)
}
