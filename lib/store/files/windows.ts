import { homedir } from 'node:os'
import { win32 } from 'node:path'
import { printable } from '../../printable'
import type { DirectoryCalls } from './disk'
import type { FileSystem } from './file-system'

/** The mark of a long path or of a device, before a drive of this machine or before another machine. */
const MARK = /^\\\\[?.]\\(?:(UNC\\)|(?=[a-z]:))/i

/** Returns the absolute path, without the mark of a long one: after it, `/` would be a part of a name. Node marks long paths itself. */
export function windowsPath (path: string): string {
  // The mark may be written with `/`. A path with a mark and no drive, such as that of a volume, stays as it is.
  const absolute = win32.resolve(path)
  return win32.resolve(absolute.replace(MARK, (_, unc?: string) => unc === undefined ? '' : '\\\\'))
}

/** Returns what is known of the volume: whether it is another machine's. What it can do is tried out. */
export async function volumeOf (directory: string, calls: Pick<DirectoryCalls, 'realpath'>): Promise<FileSystem> {
  const path = windowsPath(await calls.realpath(directory))
  return { name: path.startsWith('\\\\') ? 'smb' : 'a local volume' }
}

/** Windows has no modes: a directory is private because the one above it is, such as the user's profile. */
export async function profileWarnings (
  directory: string, calls: Pick<DirectoryCalls, 'realpath'>, profile = homedir()
): Promise<string[]> {
  const [path, home] = [windowsPath(await calls.realpath(directory)), windowsPath(await calls.realpath(profile))]
  const way = win32.relative(home, path)
  if (way !== '' && way !== '..' && !way.startsWith('..\\') && !win32.isAbsolute(way)) return []
  return [`${printable(directory)} is outside of the profile of this user, ${printable(home)}: other users of this machine may be able to read it. ` +
    `Choose a sessionDir in the profile, or run icacls "${printable(path)}" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F", if it is for sessions alone`]
}
