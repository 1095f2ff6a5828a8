import { hasCode } from '../../errors'
import { isFile, type Disk } from './disk'
import { MAGIC } from './journal'
import { isOwn, TO_READ_UNNOTED } from './private-file'

/**
 * Whether the file was written by this package, for this process's user: a regular file of the user
 * that starts as a journal does, or that is empty or ends within these bytes. Only such a file is
 * ever removed; a name alone says nothing, for others use such names as well. `anyContent`: how it starts
 * does not matter, for a caller that removes nothing.
 *
 * False as well for a file that is not there any more. Rejects with the system's error for one that
 * cannot be read.
 */
export async function isOurs (disk: Disk, path: string, anyContent = false): Promise<boolean> {
  let fd: number
  try {
    // A link is not followed, a pipe not waited for, and the access time stays.
    fd = await disk.open(path, TO_READ_UNNOTED)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO', 'EPERM')) return false
    throw error
  }
  try {
    const status = await disk.fstat(fd)
    if (!isFile(status) || !isOwn(status.uid)) return false
    if (anyContent) return true
    const start = Buffer.alloc(MAGIC.length)
    const count = await disk.read(fd, start, 0)
    return start.subarray(0, count).equals(MAGIC.subarray(0, count))
  } finally {
    await disk.close(fd)
  }
}
