import t from 'tap'
import { isSessionId, LONGEST_ID, randomId, sessionHandle, storageName } from '../../lib/store/session-id'

t.test('an id is 192 random bits', async t => {
  const ids = Array.from({ length: 100 }, randomId)
  for (const id of ids) t.match(id, /^[\w-]{32}$/)
  t.equal(new Set(ids).size, 100)
})

t.test('what can be an id', async t => {
  for (const id of ['x', 'a b', 'x'.repeat(LONGEST_ID), randomId()]) t.equal(isSessionId(id), true)
  for (const id of ['', 'x'.repeat(LONGEST_ID + 1), undefined, null, 7, ['x']]) t.equal(isSessionId(id), false)
})

t.test('name and handle tell neither the id nor each other', async t => {
  const name = storageName('sid', 'the id')
  t.match(name, /^[0-9a-f]{64}$/)
  t.equal(storageName('sid', 'the id'), name)
  const others = [storageName('sid', 'other'), storageName('SID', 'the id'), storageName('sid\0the', 'id')]
  t.equal(new Set([name, ...others]).size, 4)
  const handle = sessionHandle(name)
  t.match(handle, /^[0-9a-f]{16}$/)
  t.notOk(name.includes(handle))
})
