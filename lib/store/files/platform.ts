import { resolve } from 'node:path'
import type { FileStatus } from './disk'
import { fileSystemOf, type FileSystem } from './file-system'
import { localDiskOf } from './local-disk'
import { profileWarnings, volumeOf, windowsPath } from './windows'

/** In what one system differs from another beside its disk, which {@link localDiskOf} returns. */
export interface Platform {
  /** Whether directories can be synced: without that nothing survives a power loss for sure. */
  readonly syncsDirectories: boolean
  /** Whether a file that is open can be replaced and loses its name at once. */
  readonly freesOpenFiles: boolean
  /** Whether a path always leads to one file or the other while one takes the place of the other. */
  readonly replacesAtOnce: boolean
  /** Whether a number is given to one file only, so that it alone says which file it is. */
  readonly numbersFilesOnce: boolean
  /** Whether the access time of a file says when its session was last used; if not, the time of its last change does. */
  readonly keepsAccessTimes: boolean
  /** Returns the absolute path of a directory. */
  resolve (path: string): string
  /** Returns the file system that the directory is on. */
  fileSystemOf (directory: string): Promise<FileSystem>
  /** Returns what the operator has to know about the place of a directory. */
  warningsOf (directory: string): Promise<string[]>
  /** Returns in words which access a directory gives. */
  describeAccess (status: FileStatus): string
  /** Returns a command that lists the files below SESSION_DIR with such names. */
  findByName (pattern: string): string
  /** Returns a command that lists the files below SESSION_DIR with more bytes. */
  findBySize (bytes: number): string
}

const posixPlatform: Platform = {
  syncsDirectories: true,
  freesOpenFiles: true,
  replacesAtOnce: true,
  numbersFilesOnce: false,
  keepsAccessTimes: true,
  resolve: path => resolve(path),
  fileSystemOf: directory => fileSystemOf(directory),
  warningsOf: async () => [],
  describeAccess: ({ uid, mode }) => `user ${uid}, ${(mode & 0o777).toString(8).padStart(4, '0')}`,
  findByName: pattern => `find SESSION_DIR -name "${pattern}"`,
  findBySize: bytes => `find SESSION_DIR -size +${bytes}c`
}

/**
 * Windows, with NTFS on a local volume. Its disk is in `windows-disk.ts`, over the calls in
 * `windows-calls.ts`.
 */
export const windowsPlatform: Platform = {
  syncsDirectories: false,
  freesOpenFiles: false,
  // As far as is known.
  replacesAtOnce: false,
  numbersFilesOnce: true,
  keepsAccessTimes: false,
  resolve: windowsPath,
  fileSystemOf: directory => volumeOf(directory, localDiskOf('win32')),
  warningsOf: directory => profileWarnings(directory, localDiskOf('win32')),
  describeAccess: () => 'as the directory above grants it',
  findByName: pattern => `dir /s /b "SESSION_DIR\\${pattern}"`,
  findBySize: bytes => `forfiles /p SESSION_DIR /s /c "cmd /c if @fsize gtr ${bytes} echo @path"`
}

/** Returns what is so on a system, by its name as in `process.platform`. */
export function platformOf (system: string): Platform {
  return system === 'win32' ? windowsPlatform : posixPlatform
}

/** What is so on this system. */
export const platform = platformOf(process.platform)
