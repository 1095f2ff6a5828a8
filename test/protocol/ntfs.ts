import type { FileSystem, Ntfs } from './file-system'
import type { Program } from './process'
import { LIMITS, starts } from './scenario'
import { onWindows } from './windows-process'

type Starts = Record<string, () => FileSystem>

/** NTFS as Node shows it: files are gone when they are unlinked (libuv 1.49 and later), or when they are closed. */
export const VOLUMES: Record<string, Ntfs> = {
  NTFS: { deletion: 'at once', linksWithoutName: 0 },
  'NTFS that counts a name of what has none': { deletion: 'at once', linksWithoutName: 1 },
  'NTFS where deletion is pending': { deletion: 'pending', linksWithoutName: 0 }
}

/** The same state on another volume. */
export function onVolume (ntfs: Ntfs, from: Starts = starts): Starts {
  return Object.fromEntries(Object.entries(from).map(([name, make]) => [name, () => {
    const system = make()
    const files = [...system.inodes.values()].filter(({ directory }) => !directory).length
    return { ...system, ntfs, made: files }
  }]))
}

/** All of the programs as on Windows. */
export function allOnWindows (programs: Program[]): Program[] {
  return programs.map(program => onWindows(program, LIMITS))
}
