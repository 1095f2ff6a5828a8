import type { Test } from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { windowsDisk } from '../../lib/store/files/windows-disk'
import { windowsPlatform } from '../../lib/store/files/platform'
import { fileConformance } from './file-conformance'
import { ntfsDisk } from './ntfs-disk'

/** Windows, with paths as they are here. */
const platform = { ...windowsPlatform, resolve: (path: string) => path, warningsOf: async () => [] }

/** Runs the suite for the file store by the rules of NTFS. */
export function ntfsConformance (t: Test, isDeletionPending: boolean): void {
  const disk = windowsDisk(ntfsDisk({ isDeletionPending }).calls)
  fileConformance(t, t.testdir(), (sessionDir, setup, clock) => new FileStore({ sessionDir, ...setup }, disk, clock, platform))
}
