import t from 'tap'
import { ntfsConformance } from '../support/ntfs-conformance'

/** With deletion at once: file-store-ntfs.long.ts. */
t.test('the file store keeps what it declares by the rules of NTFS, with deletion pending', async t => {
  ntfsConformance(t, true)
})
