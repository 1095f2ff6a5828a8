import { removeEmpty, unlessMissing, type Disk, type FileStatus } from './disk'
import { isToken } from './file-names'
import { isOurs } from './ours'
import { isOwnDirectory } from './private-file'

/** Whether it is a directory or a file of ours, which may be removed when it is old. */
export async function isOrphan (disk: Disk, path: string, status: FileStatus): Promise<boolean> {
  return isOwnDirectory(status) || await isOurs(disk, path)
}

/**
 * Removes what a crashed process left behind: a file, or a directory such as a lock with the files of
 * ours in it. Its maker, should it still be there, finds that it has nothing to put in place any more.
 *
 * Everything else stays: a directory of another user, and what is not ours in it.
 */
export async function removeOrphan (disk: Disk, path: string): Promise<void> {
  const status = await unlessMissing(disk.lstat(path))
  if (status === null || !await isOrphan(disk, path, status)) return
  if (!isOwnDirectory(status)) {
    await unlessMissing(disk.unlink(path))
    return
  }
  for (const name of await unlessMissing(disk.readdir(path)) ?? []) {
    if (isToken(name)) await removeOrphan(disk, `${path}/${name}`)
  }
  await removeEmpty(disk, path)
}
