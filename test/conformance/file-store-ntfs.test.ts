import t from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { windowsDisk } from '../../lib/store/files/windows-disk'
import { windowsPlatform } from '../../lib/store/files/windows'
import { fileConformance } from '../support/file-conformance'
import { ntfsDisk } from '../support/ntfs-disk'

const directory = t.testdir()

/** Windows, with paths as they are here. */
const platform = { ...windowsPlatform, resolve: (path: string) => path, warningsOf: async () => [] }

for (const isDeletionPending of [false, true]) {
  t.test(`the file store keeps what it declares by the rules of NTFS, ${isDeletionPending ? 'with deletion pending' : 'with deletion at once'}`, async t => {
    const disk = windowsDisk(ntfsDisk({ isDeletionPending }).calls)
    fileConformance(t, directory, (sessionDir, setup, clock) => new FileStore({ sessionDir, ...setup }, disk, clock, platform))
  })
}
