import t from 'tap'
import { SessionError } from '../../lib/errors'
import { sessionHandle } from '../../lib/store/session-id'
import { MapStore, MemoryStore } from '../support/map-store'
import { Visits } from '../support/visits'

const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }

t.test('one touch is due, for a session that was looked at, changed, or not to be saved', async t => {
  for (const [what, expected] of [['look', 'refresh'], ['change', 'refresh'], ['skip', 'none']] as const) {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const sesid = await visits.stored({ a: 1 })
    store.touchDue = true
    const visit = await visits.begin(sesid)
    visit.session.get('a')
    if (what === 'change') visit.session.set('a', 2)
    if (what === 'skip') visit.session.skipSave()
    t.match(await visits.finish(visit), { change: expected })
    t.equal(store.calls.includes('touch'), expected === 'refresh')
  }
})

t.test('without rolling the session is touched, its cookie left', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store, { rolling: false })
  const sesid = await visits.stored({ a: 1 })
  store.touchDue = true
  t.strictSame(await visits.finish(await visits.begin(sesid)), { change: 'none' })
  t.ok(store.calls.includes('touch'))
})

t.test('a store that cannot touch: the cookie is sent again all the same', async t => {
  const visits = new Visits(new MapStore())
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  visit.session.touch()
  t.match(await visits.finish(visit), { change: 'refresh' })
})

t.test('trouble in touching is logged once, and the session is served', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  store.touchDue = true
  store.before = { touch: refuse }
  t.strictSame(await visits.finish(await visits.begin(sesid)), { change: 'none' })
  const opened = await visits.begin(sesid)
  t.equal(opened.session.get('a'), 1)
  opened.session.set('a', 2)
  opened.session.touch()
  await opened.session.save()
  t.strictSame(await visits.finish(opened), { change: 'none' })
  t.strictSame(store.data, { a: 2 })
  const line = { level: 'warn', message: /cannot note it/, session: sessionHandle(store.nameOf(sesid)), error: trouble }
  t.match(visits.log, [line])
  t.equal(visits.log.length, 1)
  store.before = {}
  t.match(await visits.finish(await visits.begin(sesid)), { change: 'refresh' })
  store.before = { touch: refuse }
  await visits.finish(await visits.begin(sesid))
  t.match(visits.log, [line, line], 'it worked in between, so it is said again')
})
