import { LRUCache } from 'lru-cache'
import { SessionFileError } from '../../errors'
import { birth, isUnique, unlessMissing, type DiskCalls, type FileNumber, type FileStatus } from './disk'
import { newToken } from './file-names'
import { type Lockable } from './lock'
import { checkPrivateFile, FILE_MODE, TO_MAKE } from './private-file'

/**
 * What a file at a path is told from others by: inode number and birth time, in milliseconds. Numbers
 * are used again at once and clocks are coarse. So the next file but one could pass for this one, and
 * a process that remembers this one would take it for the other. Not so where numbers are unique:
 * there the birth time says nothing, and is 0.
 */
export interface Identity { ino: FileNumber, born: number }

/** A file that this process put in its place, and the inode numbers of all that stood there in the tick of its birth. */
interface Placed extends Identity { inos: FileNumber[] }

/** Milliseconds; no filesystem's clock has a longer tick. */
const LONGEST_TICK = 3000
/** Files that are put in one place in one tick; the next one waits for the next tick. */
const MOST_IN_A_TICK = 32
/** What is written to see what time it is. */
const TICK = Buffer.alloc(1)
/** Paths that are remembered for each disk. */
const PATHS = 1000

/** By the disk: what one process of several in a test knows is not known to the others. */
const placedOn = new WeakMap<DiskCalls, LRUCache<string, Placed>>()

/**
 * Writes a file that no process can take for one that stood at the place of `before`, complete and
 * synced, and returns what it is. `before` is the file whose place it is to take.
 *
 * It is another file when its birth time is another. In the tick of the birth of `before` it is one
 * if this process itself put `before` there, so that it knows the inode numbers of all files that
 * stood there in this tick, and the new file has none of these. Otherwise it is made at the next tick.
 * A file with a unique number is always another one.
 */
export async function writeDistinct (
  file: Lockable, directory: string, token: string, bytes: Buffer, before: Identity
): Promise<FileStatus> {
  const path = `${directory}/${token}`
  const inos = inosSince(file, before)
  const isDistinct = (status: FileStatus): boolean =>
    birth(status) !== before.born || isUnique(status.ino) || (inos.length > 0 && !inos.includes(status.ino))
  const status = await writeUnder(file.disk, directory, path, bytes, isDistinct, inos.length)
  if (status !== null) return status
  return await writeNextTick(file, path, bytes, before.born, isDistinct)
}

/** Remembers that the file that `writeDistinct` made has been put in the place of `before`. */
export function rememberPlaced (file: Lockable, status: FileStatus, before: Identity): void {
  const born = birth(status)
  const inos = born === before.born ? inosSince(file, before) : []
  const all = [...inos.length === 0 ? [before.ino] : inos, status.ino]
  placed(file.disk).set(file.path, { ino: status.ino, born, inos: all.length > MOST_IN_A_TICK ? [] : all })
}

/** The numbers of all files that stood at the path in the tick of the birth of `before`; none if this process does not know all. */
function inosSince ({ disk, path }: Lockable, before: Identity): FileNumber[] {
  const last = placed(disk).get(path)
  return last?.ino === before.ino && last.born === before.born ? last.inos : []
}

function placed (disk: DiskCalls): LRUCache<string, Placed> {
  let paths = placedOn.get(disk)
  if (paths === undefined) {
    paths = new LRUCache({ max: PATHS })
    placedOn.set(disk, paths)
  }
  return paths
}

/**
 * Writes the file, again while it is not distinct: that many times and once more. Each attempt leaves
 * a file that keeps its inode number until the end, so that the next one gets another.
 */
async function writeUnder (
  disk: DiskCalls, directory: string, path: string, bytes: Buffer, isDistinct: (status: FileStatus) => boolean, attempts: number
): Promise<FileStatus | null> {
  const status = await write(disk, path, bytes, isDistinct)
  if (status !== null) return status
  const placeholder = `${directory}/${newToken()}`
  await disk.rename(path, placeholder)
  try {
    return attempts === 0 ? null : await writeUnder(disk, directory, path, bytes, isDistinct, attempts - 1)
  } finally {
    await unlessMissing(disk.unlink(placeholder))
  }
}

/** Writes the file. Returns null, before that costs a sync, when it is not distinct. */
async function write (
  disk: DiskCalls, path: string, bytes: Buffer, isDistinct: (status: FileStatus) => boolean
): Promise<FileStatus | null> {
  const fd = await disk.open(path, TO_MAKE, FILE_MODE)
  try {
    for (let written = 0; written < bytes.length;) written += await disk.write(fd, bytes.subarray(written))
    const status = await disk.fstat(fd)
    checkPrivateFile(status)
    if (!isDistinct(status)) return null
    // In any case: not every filesystem writes a file out before it is renamed over another, and
    // here everything that was ever saved is in it.
    await disk.fdatasync(fd)
    return status
  } finally {
    await disk.close(fd)
  }
}

/** Writes the file when the tick of `born` is over. The clock is read by the time of change of a file that is written to. */
async function writeNextTick (
  { disk, limits }: Lockable, path: string, bytes: Buffer, born: number, isDistinct: (status: FileStatus) => boolean
): Promise<FileStatus> {
  const clock = await disk.open(path, TO_MAKE, FILE_MODE)
  try {
    for (let waited = 0; waited <= LONGEST_TICK; waited += limits.patience) {
      await disk.wait(limits.patience)
      await disk.write(clock, TICK)
      if ((await disk.fstat(clock)).ctimeMs === born) continue
      await disk.unlink(path)
      const status = await write(disk, path, bytes, isDistinct)
      if (status !== null) return status
    }
  } finally {
    await disk.close(clock)
  }
  throw new SessionFileError('the clock of the filesystem with the session files stands still: choose another sessionDir')
}
