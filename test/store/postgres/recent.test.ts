import t from 'tap'
import { hasRecord, newRecordId, RECENT_LENGTH, remembersSince, SHORT_ID, versionOf } from '../../../lib/store/postgres/recent'

t.test('record ids are random, and of a length that the row counts with', async t => {
  t.match(newRecordId(), /^[\w-]{16}$/)
  t.not(newRecordId(), newRecordId())
})

t.test('a version that is not a record id is none', async t => {
  const id = newRecordId()
  t.equal(versionOf(id), id)
  for (const version of ['', 'short', `${id}x`, '\0'.repeat(16)]) t.equal(versionOf(version), '')
})

t.test('a row remembers its newest records', async t => {
  const ids = Array.from({ length: 20 }, newRecordId)
  let row = { version: '', recent: '' }
  for (const id of ids) {
    // As the statements do.
    row = { version: id, recent: (row.version.slice(0, SHORT_ID) + row.recent).slice(0, RECENT_LENGTH) }
  }
  t.same(ids.map(id => hasRecord(row, id)), ids.map((_, index) => index >= 3))
  t.equal(remembersSince(row, ids[3]!), true)
  t.equal(remembersSince(row, ids[2]!), false)
  t.equal(remembersSince(row, null), false)
  t.equal(remembersSince({ version: 'a', recent: row.recent.slice(SHORT_ID) }, null), true)
})

t.test('what lies across two ids is not an id', async t => {
  t.equal(hasRecord({ version: 'x', recent: 'aaaabbbbccccdddd' }, 'bbbbccccxxxxxxxx'), false)
})
