import { constants } from 'node:fs'
import { hasCode } from '../../errors'
import type { Disk } from './disk'
import { knownBytes, readOn, type FileView, type ReadView } from './file-view'

const { O_NOFOLLOW, O_RDONLY } = constants
/** Linux alone has it. */
const O_NOATIME = constants.O_NOATIME ?? 0

/**
 * The access time says when the session was last used, so it must not change because somebody
 * looked: an expired session would live again.
 */
export async function openToRead (disk: Disk, path: string): Promise<number> {
  try {
    return await disk.open(path, O_RDONLY | O_NOFOLLOW | O_NOATIME)
  } catch (error) {
    // Only the owner of a file may ask for that.
    if (!hasCode(error, 'EPERM')) throw error
    return await disk.open(path, O_RDONLY | O_NOFOLLOW)
  }
}

/** What the open file is; of its bytes only those are read that are not known yet. */
export async function readView (disk: Disk, fd: number, known: FileView | null, watched?: string): Promise<ReadView> {
  const status = await disk.fstat(fd)
  const start = knownBytes(known, status)
  return readOn(known, status, await readAll(disk, fd, start, status.size - start), watched)
}

/** Reads so many bytes, or up to the end of the file. */
export async function readAll (disk: Disk, fd: number, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = await disk.read(fd, bytes.subarray(filled), start + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
