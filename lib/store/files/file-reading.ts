import { SessionFileError } from '../../errors'
import type { DiskCalls } from './disk'
import { knownBytes, readOn, type FileView, type ReadView, type SizeLimits } from './file-view'
import { HEADER_SIZE } from './journal'
import { platform } from './platform'
import { checkPrivateFile } from './private-file'

/** Records that a file may hold beside those that its limits speak of: of appends that lost, or that a full disk cut off. */
const VOID_RECORDS = 64

/**
 * Returns the length (bytes) above which a file cannot be one of a store with this `maxSize`.
 *
 * A record that is not a seal is only appended while the file is not longer than its limits, as far as
 * its writer knows. A seal comes after that. What others append at the same time, without knowing of
 * each other, is void: one record for each writer that is under way, and there are rarely more than a
 * few. A torn record makes the next one a seal. So the bound is generous. It has to be: a file that
 * is longer cannot be read any more. It also leaves room for a `maxSize` that was lowered.
 */
export function longestFile (maxSize: number, { size, fewestRecords }: SizeLimits): number {
  const record = HEADER_SIZE + maxSize
  return Math.max(size, fewestRecords * record) + (1 + VOID_RECORDS) * record
}

/**
 * Returns what the open file is. Of its bytes only those are read that are not known yet.
 *
 * @throws {SessionFileError} before anything is read, when the file is not private or is longer than `longest` bytes
 */
export async function readView (
  disk: DiskCalls, fd: number, known: FileView | null, watched?: string, longest = Infinity
): Promise<ReadView> {
  const status = await disk.fstat(fd)
  checkPrivateFile(status)
  if (status.size > longest) throw tooLong(status.size, longest)
  const start = knownBytes(known, status)
  return readOn(known, status, await readAll(disk, fd, start, status.size - start), watched)
}

/** Reads so many bytes, or up to the end of the file. */
export async function readAll (disk: DiskCalls, fd: number, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = await disk.read(fd, bytes.subarray(filled), start + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

function tooLong (size: number, longest: number): SessionFileError {
  return new SessionFileError(`a session file has ${size} bytes, and with this maxSize none can have more than ${longest}: ` +
    `look for it with ${platform.findBySize(longest)}, then remove it, or raise maxSize`)
}
