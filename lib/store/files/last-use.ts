import { unlessMissing } from './disk'
import { isSame, type FileView } from './file-view'
import type { SeenFile } from './seen-file'

/**
 * Gives a file that this process has just written to the times that it had `before`, so that the write
 * does not count as use. A file that another process has used or written to since keeps its own.
 */
export async function keepLastUse (file: SeenFile, before: FileView): Promise<void> {
  const { view, path, disk } = file
  const status = view === null ? null : await unlessMissing(disk.lstat(path))
  if (view === null || status === null || !isSame(view, status)) return
  // Where a file was last used when it was last changed, as on Windows, closing it may have changed that once more.
  const isUsed = status.atimeMs !== view.atimeMs && status.atimeMs !== status.mtimeMs
  if (status.size !== view.size || isUsed) return
  // Where the file was rewritten, its access time is that of the new one.
  const atimeMs = view.ino === before.ino ? view.atimeMs : before.atimeMs
  await unlessMissing(disk.lutimes(path, atimeMs / 1000, before.mtimeMs / 1000))
}
