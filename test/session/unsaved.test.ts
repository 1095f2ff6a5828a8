import t from 'tap'
import { hasSameValues, hasUnsavedChanges } from '../../lib/session/unsaved'
import { begin } from '../support/visits'

t.test('the same values, one level deep', async t => {
  const nested = { a: 1 }
  t.ok(hasSameValues({}, {}))
  t.ok(hasSameValues({ nested, b: 2 }, { b: 2, nested }))
  t.notOk(hasSameValues({ nested }, { nested: { a: 1 } }))
  t.notOk(hasSameValues({ a: 1 }, { a: 2 }))
  t.notOk(hasSameValues({ a: 1 }, { a: 1, b: undefined }))
  t.notOk(hasSameValues({ a: 1 }, { b: 1 }))
})

t.test('what is unsaved: changed data, a session to be removed, and what cannot be encoded', async t => {
  const { visit, session } = await begin({ a: 1 })
  t.notOk(hasUnsavedChanges(visit))
  session.set('a', 2)
  t.ok(hasUnsavedChanges(visit))
  session.set('a', 1)
  t.notOk(hasUnsavedChanges(visit))
  session.set('a', 1n)
  t.ok(hasUnsavedChanges(visit))
  session.delete()
  t.ok(hasUnsavedChanges(visit))
  await session.destroy()
  t.notOk(hasUnsavedChanges(visit))
})

t.test('a session to be set aside is not the app\'s change', async t => {
  const { store, visits, sesid } = await begin({ a: 1 })
  store.overwrite(sesid, 'nonsense')
  const visit = await visits.begin(sesid)
  t.strictSame(visit.session.data(), {})
  t.notOk(hasUnsavedChanges(visit))
})
