import fs, { type Dir, type Stats, type StatsFs } from 'node:fs'
import { access, link, mkdir, opendir, readFile, realpath, stat, statfs, lstat } from 'node:fs/promises'
import { withRoom } from './descriptors'

/**
 * The system calls for directories, one method each. They are asked for at the start, by sweeps and
 * by the command, and once a second for each directory in use.
 */
export interface DirectoryCalls {
  /** Follows links. */
  stat (path: string): Promise<Stats>
  lstat (path: string): Promise<Stats>
  mkdir (path: string, mode: number): Promise<unknown>
  /** Rejects unless this process may list and change the directory. */
  access (path: string): Promise<void>
  realpath (path: string): Promise<string>
  statfs (path: string): Promise<StatsFs>
  link (from: string, to: string): Promise<void>
  opendir (path: string): Promise<Dir>
  /** Returns the kernel's list of mounts; rejects where there is none. */
  mounts (): Promise<string>
}

/** Names that are read from a directory at a time. */
const BATCH = 64
const { R_OK, W_OK, X_OK } = fs.constants

export const directoryCalls: DirectoryCalls = {
  stat: path => stat(path),
  lstat: path => lstat(path),
  mkdir: (path, mode) => mkdir(path, mode),
  access: path => access(path, R_OK | W_OK | X_OK),
  realpath: path => realpath(path),
  statfs: path => statfs(path),
  link,
  opendir: path => withRoom(() => opendir(path, { bufferSize: BATCH })),
  mounts: () => withRoom(() => readFile('/proc/self/mountinfo', 'utf8'))
}
