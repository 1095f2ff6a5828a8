import t from 'tap'
import { isSessionId, LONGEST_ID, nameOfHandle, randomId, sessionHandle, storageName } from '../../lib/store/session-id'

t.test('an id is 192 random bits', async t => {
  const ids = Array.from({ length: 100 }, randomId)
  for (const id of ids) t.match(id, /^[\w-]{32}$/)
  t.equal(new Set(ids).size, 100)
})

t.test('what can be an id', async t => {
  for (const id of ['x', 'a b', '🍪', 'x'.repeat(LONGEST_ID), randomId()]) t.equal(isSessionId(id), true)
  for (const id of ['', '\ud800', 'a\udc00b', 'x'.repeat(LONGEST_ID + 1), undefined, null, 7, ['x']]) t.equal(isSessionId(id), false)
})

t.test('a name tells nothing of the id', async t => {
  const name = storageName('sid', 'the id')
  t.match(name, /^[0-9a-f]{64}$/)
  t.equal(storageName('sid', 'the id'), name)
  const others = [storageName('sid', 'other'), storageName('SID', 'the id'), storageName('sid\0the', 'id')]
  t.equal(new Set([name, ...others]).size, 4)
})

t.test('a handle leads to the name, and to nothing else', async t => {
  for (const name of ['sid', 'other'].map(sesid => storageName('sid', sesid))) {
    const handle = sessionHandle(name)
    t.match(handle, /^[\w-]{43}$/)
    t.equal(nameOfHandle(handle), name)
    // The last character has two bits that stand for nothing.
    for (const other of [`${handle}=`, handle.slice(1), `${handle.slice(0, -1)}+`, `${handle.slice(0, -1)}_`, name, '', undefined, 7]) t.equal(nameOfHandle(other), null)
  }
})

t.test('where the name is the id, as of a store with the five methods, the handle tells nothing of it', async t => {
  const sesid = storageName('sid', 'an id that looks like a name')
  const handle = sessionHandle(`id:${sesid}`)
  t.match(handle, /^[\w-]{43}$/)
  t.not(nameOfHandle(handle), sesid)
  t.not(handle, sessionHandle(sesid))
})
