import t from 'tap'
import { ntfsConformance } from '../support/ntfs-conformance'

t.test('the file store keeps what it declares by the rules of NTFS, with deletion at once', async t => {
  ntfsConformance(t, false)
})
