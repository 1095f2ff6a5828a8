import { unlessMissing } from './disk'
import { lockPath } from './file-names'
import { type Lockable } from './lock'
import { platform as thisPlatform } from './platform'

/**
 * Returns what `look` finds of the file; null when the file is missing. On some file systems (bindfs,
 * exFAT, ntfs-3g) a file is missing for a moment while another takes its place. So each file is looked
 * for a second time, and one that is expected for as long as a process may be replacing it. On a
 * platform where any file may be missing in this way, every file counts as expected.
 */
export async function find<T> (
  file: Lockable, isExpected: boolean, look: () => Promise<T>, platform = thisPlatform
): Promise<T | null> {
  const found = await unlessMissing(look())
  if (found !== null) return found
  if ((isExpected || !platform.replacesAtOnce) && !await hasReappeared(file)) return null
  return await unlessMissing(look())
}

/** The process that puts another file in its place holds the lock, which has a file in it. */
async function hasReappeared ({ path, disk, limits }: Lockable): Promise<boolean> {
  let waited = 0
  for (;;) {
    const tokens = await unlessMissing(disk.readdir(lockPath(path))) ?? []
    if (await unlessMissing(disk.lstat(path)) !== null) return true
    if (tokens.length === 0 || waited >= limits.stale) return false
    await disk.wait(limits.patience)
    waited += limits.patience
  }
}
