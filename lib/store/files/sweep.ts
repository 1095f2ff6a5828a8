import { dirname } from 'node:path'
import { GRACE, SET_ASIDE_KEPT, timeLeft, type Clock, type Lifetimes } from '../clock'
import { asSessionError } from '../../errors'
import { unlessMissing, type Disk, type FileStatus } from './disk'
import { walkDirectory, type DirectoryEntry, type WalkOptions } from './directory-walk'
import { sessionNameOf } from './file-names'
import { isOrphan, removeOrphan } from './orphans'
import { isOurs } from './ours'
import { PrivateDirectory } from './private-directory'
import { holdsSession, lifespan } from './session-age'
import { LIMITS, type FileLimits } from './seen-file'
import { SessionFile } from './session-file'
import { isForwarding } from '../forwarding'
import type { ReapCounts } from '../store-abilities'

/** Locks and what is written for trial are there for milliseconds; older ones (ms) are orphans. */
const ORPHANED = 10 * 60_000
/** A stamp that is further ahead of the clock (ms) was set by a clock that was wrong. */
const AHEAD = 60_000
/** A clock that shows less (ms since 1970) is wrong itself: this package is younger. */
const EARLIEST = Date.UTC(2025, 0, 1)

export interface SweepOptions extends WalkOptions {
  /** The directory of one appid. */
  directory: string
  limits: Lifetimes
  clock: Clock
  disk: Disk
  /** Of each file. */
  fileLimits?: FileLimits | undefined
  /** Is told the names of expired sessions that were removed. */
  expired?: ((name: string) => void) | undefined
  /** Whether files that hold no record stay: a list of an index must not be missing without a word. */
  keepsEmpty?: boolean | undefined
  /** Removes nothing, counts only. */
  dryRun?: boolean | undefined
}

/**
 * Goes once through an appid's directory and removes what has had its time. Any number of sweeps,
 * in any number of processes, may go on at once, beside requests.
 *
 * A file is opened only when it was not used for as long as the store's own idle timeout, or when
 * the file itself is older than the absolute timeout. So a session whose own timeout is shorter, or
 * whose file was rewritten, may be removed later than it ends; no request gets it any more then.
 *
 * Only files of ours are removed, from directories of ours, and both are looked at again right
 * before: what is not a journal stays, whatever its name.
 *
 * What fails is counted and the sweep goes on; it rejects only when the directory cannot be listed at
 * all, with the system's error, or when others may use it, with a SessionFileError.
 */
export async function sweep (options: SweepOptions): Promise<ReapCounts> {
  const counts: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
  const guard = new PrivateDirectory(options.directory)
  // One after the other: requests want the few threads that Node has for files.
  for await (const entry of walkDirectory(options.directory, options)) {
    try {
      await sweepEntry(entry, options, guard, counts)
    } catch (error) {
      counts.failed++
      counts.error ??= asSessionError('remove expired sessions', options.directory, error)
    }
  }
  return counts
}

async function sweepEntry (
  entry: DirectoryEntry, options: SweepOptions, guard: PrivateDirectory, counts: ReapCounts
): Promise<void> {
  const { clock, disk, dryRun } = options
  switch (entry.kind) {
    case 'session':
      counts.seen++
      if (await sweepSession(entry.path, options, guard)) counts.expired++
      break
    case 'lock':
    case 'staging':
    case 'check':
    case 'probe': {
      const status = await unlessMissing(disk.lstat(entry.path))
      if (status === null || !await isOrphan(disk, entry.path, status)) return
      if (isAhead(status, clock) && dryRun !== true) await bringBack(entry.path, status, clock, disk)
      if (clock.since(status.mtimeMs) <= ORPHANED) return
      if (dryRun !== true) {
        await checkAgain(guard, entry)
        await removeOrphan(disk, entry.path)
      }
      counts.orphans++
      break
    }
    case 'setAside':
      if (clock.since(entry.setAsideAt) <= SET_ASIDE_KEPT || !await isOurs(disk, entry.path)) return
      if (dryRun !== true) {
        await checkAgain(guard, entry)
        await unlessMissing(disk.unlink(entry.path))
      }
      counts.setAside++
      break
    case 'unreadable':
      throw entry.error
  }
}

async function sweepSession (path: string, options: SweepOptions, guard: PrivateDirectory): Promise<boolean> {
  const { limits, clock, disk, fileLimits = LIMITS, dryRun, expired, keepsEmpty } = options
  const status = await unlessMissing(disk.lstat(path))
  if (status === null) return false
  if (isAhead(status, clock)) {
    if (dryRun !== true && await isOurs(disk, path)) await bringBack(path, status, clock, disk)
    return false
  }
  if (!mayHaveExpired(status, limits, clock) || !await isOurs(disk, path)) return false

  const file = new SessionFile(path, disk, false, { limits: fileLimits })
  const view = await file.read()
  if (view === null || (view.tip === null && keepsEmpty === true) || timeLeft(lifespan(view), limits, clock) > -GRACE) return false
  if (dryRun === true) return true

  await guard.checkShardAgain(dirname(path))
  // A request may have come in the meantime.
  const now = await unlessMissing(disk.lstat(path))
  if (now === null || !isUnused(status, now)) return false
  if (!await file.removeJudged(view)) return false
  if (holdsSession(view) && !isForwarding(view.tip.text)) expired?.(sessionNameOf(path))
  return true
}

/** Returns whether the stamps were set by a clock that was ahead: the session would live until then. */
function isAhead ({ atimeMs, mtimeMs }: FileStatus, clock: Clock): boolean {
  const now = clock.now()
  return now > EARLIEST && Math.max(atimeMs, mtimeMs) > now + AHEAD
}

/** Lets the session's idle time begin now. A request that uses the session at this moment sets the same. */
async function bringBack (path: string, { atimeMs, mtimeMs }: FileStatus, clock: Clock, disk: Disk): Promise<void> {
  const now = clock.now()
  await unlessMissing(disk.lutimes(path, Math.min(atimeMs, now) / 1000, Math.min(mtimeMs, now) / 1000))
}

/** Returns what can be said without opening the file, which cannot be older than its session. */
function mayHaveExpired ({ atimeMs, mtimeMs, birthtimeMs }: FileStatus, limits: Lifetimes, clock: Clock): boolean {
  const span = { createdAt: birthtimeMs, idleTimeout: 0, lastAccess: Math.max(atimeMs, mtimeMs) }
  return timeLeft(span, limits, clock) <= -GRACE
}

function isUnused (before: FileStatus, now: FileStatus): boolean {
  return before.ino === now.ino && before.size === now.size &&
    before.atimeMs === now.atimeMs && before.mtimeMs === now.mtimeMs
}

/** The walk listed the entry some time ago. */
async function checkAgain (guard: PrivateDirectory, { kind, path }: DirectoryEntry): Promise<void> {
  if (kind === 'check' || kind === 'probe') await guard.checkAgain()
  else await guard.checkShardAgain(dirname(path))
}
