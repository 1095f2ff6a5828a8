import { constants } from 'node:fs'
import { hasCode } from '../../errors'
import type { Disk } from './disk'
import { isSame, viewOf, type FileView } from './file-view'
import { fold } from './journal'

const { O_NOFOLLOW, O_RDONLY } = constants
/** Linux alone has it. */
const O_NOATIME = constants.O_NOATIME ?? 0

/** `won`: whether the record that was watched for became the tip, if only for a while. */
export interface ReadView { view: FileView, won: boolean, nlink: number }

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
  const same = known !== null && isSame(known, status) && known.end <= status.size
  const start = same ? known.end : 0
  const bytes = await readAll(disk, fd, start, status.size - start)
  const { tip, end, torn, won } = fold(bytes, start, same ? known.tip : null, watched)
  const view = viewOf(status, tip, end, torn || (same && known.torn), same && known.entrySynced)
  return { view: { ...view, size: start + bytes.length }, won, nlink: status.nlink }
}

async function readAll (disk: Disk, fd: number, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = await disk.read(fd, bytes.subarray(filled), start + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
