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
  if (status.size !== view.size || status.atimeMs !== view.atimeMs) return
  // Where the file was rewritten, its access time is that of the new one.
  const atimeMs = view.ino === before.ino ? view.atimeMs : before.atimeMs
  await unlessMissing(disk.lutimes(path, atimeMs / 1000, before.mtimeMs / 1000))
}
