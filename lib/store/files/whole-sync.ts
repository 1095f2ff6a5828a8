import { dirname } from 'node:path'
import { syncDirectory, unlessMissing, type DiskCalls } from './disk'
import { readAll } from './file-reading'
import { isSame, type FileView } from './file-view'
import { TO_OVERWRITE } from './private-file'

/**
 * Puts the file on the disk up to its last byte, after `length` bytes were appended to it by `fd`.
 *
 * When a sync fails, the kernel tells it to those that have the file open at that time, and counts
 * the bytes as written: a later sync by another process succeeds, and they are lost with the power.
 * So a process believes in its own syncs alone. What it did not write and sync itself, it writes
 * again before it syncs: the same bytes at the same place. If the sync then succeeds, they are on
 * the disk. If it fails, the save fails.
 */
export async function syncWhole (disk: DiskCalls, path: string, fd: number, view: FileView, length: number): Promise<void> {
  const { synced, size } = view
  const isInPlace = synced === size - length ||
    await writeAgain(disk, path, view, await readAll(disk, fd, synced, size - synced))
  await disk.fdatasync(fd)
  if (synced === 0 || !isInPlace) await syncDirectory(disk, dirname(path))
}

/**
 * By a descriptor of its own, for one that appends cannot write elsewhere. Returns false when the
 * file is not at its path any more: the session has ended since, or another file has taken its place,
 * which holds all that was saved and was synced before it got there.
 */
async function writeAgain (disk: DiskCalls, path: string, view: FileView, bytes: Buffer): Promise<boolean> {
  const fd = await unlessMissing(disk.open(path, TO_OVERWRITE))
  if (fd === null) return false
  try {
    if (!isSame(view, await disk.fstat(fd))) return false
    for (let written = 0; written < bytes.length;) {
      written += await disk.write(fd, bytes.subarray(written), view.synced + written)
    }
    return true
  } finally {
    await disk.close(fd)
  }
}
