import t from 'tap'
import { MOST_CONFLICTS, tooManyConflicts } from '../../lib/session/conflicts'
import { MemoryStore } from '../support/map-store'
import { Visits } from '../support/visits'

t.test('a request gives up after so many conflicts, with an error that says why', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ n: 0 })
  let conflicts = 0
  store.before = { replace: () => { store.overwrite(sesid, `{"n":${++conflicts}}`) } }
  const visit = await visits.begin(sesid)
  visit.session.set('mine', 1)
  await t.rejects(visits.finish(visit), tooManyConflicts())
  t.ok(conflicts >= MOST_CONFLICTS)
  t.match(tooManyConflicts(), { name: 'SessionError', code: 'SESSION_CONFLICT', statusCode: 500 })
})
