import t from 'tap'
import { SessionError } from '../../lib/errors'
import { insertSession, saveNow, saveSession } from '../../lib/session/save'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

t.test('a save takes no time where the store takes none, and nothing came between', async t => {
  const slow = await begin({ a: 1 })
  t.equal(saveNow(slow.visit, '{"a":2}'), false)
  t.strictSame(slow.store.calls, [])
  const { store, visits, visit, session, sesid } = await begin({ a: 1 }, new PromptStore())
  session.set('a', 2)
  t.equal(saveNow(visit, '{"a":2}'), true)
  t.strictSame(store.data, { a: 2 })
  t.notOk(session.isModified(), 'the copy knows what is stored')
  store.overwrite(sesid, '{"a":2,"b":1}')
  t.equal(saveNow(visit, '{"a":3}'), false)
  t.strictSame(store.data, { a: 2, b: 1 })
  const fresh = await visits.begin()
  t.equal(saveNow(fresh, '{"a":1}'), false, 'a session of which nothing is stored')
})

t.test('what other requests stored since is kept, and is in the copy afterwards', async t => {
  const { store, visit, session, sesid } = await begin({ a: 1, b: 1, c: { d: 1 } })
  session.set('a', 2)
  store.overwrite(sesid, '{"a":1,"b":2,"c":{"d":1,"e":1}}')
  await saveSession(visit, visit.unsavedText() ?? '')
  t.strictSame(store.data, { a: 2, b: 2, c: { d: 1, e: 1 } })
  t.strictSame(session.data(), { a: 2, b: 2, c: { d: 1, e: 1 } })
  t.notOk(session.isModified())
})

t.test('a save of a session that another request has ended stores nothing', async t => {
  const { store, visit, session } = await begin({ a: 1 })
  session.set('a', 2)
  store.entries.clear()
  await saveSession(visit, '{"a":2}')
  t.strictSame(store.ids, [])
  t.ok(session.deleted)
  t.strictSame(session.data(), {})
})

t.test('of two saves of a session that is not stored yet one makes it, and the other stores what is left', async t => {
  const store = new MemoryStore()
  const visit = await new Visits(store).begin()
  visit.session.set('a', 1)
  const saves = [saveSession(visit, '{"a":1}'), saveSession(visit, '{"a":1}')]
  await Promise.all(saves)
  t.strictSame(store.calls, ['create'])
  t.strictSame(store.data, { a: 1 })
  const other = await new Visits(new MemoryStore()).begin()
  other.session.set('a', 1)
  const first = saveSession(other, '{"a":1}')
  other.session.set('b', 1)
  await Promise.all([first, saveSession(other, '{"a":1,"b":1}')])
  t.strictSame((other.shared.store as MemoryStore).data, { a: 1, b: 1 })
})

t.test('a session whose cookie cannot reach the visitor is not made; one whose response goes out meanwhile is ended', async t => {
  const store = new MemoryStore()
  const visit = await new Visits(store).begin()
  let reason: string | null = 'it has gone out'
  visit.outlet = { closedBecause: () => reason, put () {}, opened () {} }
  await t.rejects(insertSession(visit, '{"a":1}'), { code: 'SESSION_UNREACHABLE' })
  t.strictSame(store.calls, [])
  for (const isBroken of [false, true]) {
    reason = null
    store.before = { create: () => { reason = 'it has gone out' }, ...isBroken ? { remove: () => { throw new Error('away') } } : {} }
    await t.rejects(insertSession(visit, '{"a":1}'), { code: 'SESSION_UNREACHABLE' })
    t.equal(store.ids.length, isBroken ? 1 : 0, 'if the store can: no visitor knows its id')
    t.ok(visit.session.isNew)
  }
})

t.test('delete() while the new session is made', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin()
  const gate = new Gate()
  store.before = { create: () => gate.pass() }
  visit.session.set('a', 1)
  const saved = visit.session.save()
  await gate.arrived
  visit.session.delete()
  gate.open()
  await saved
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.ids, [])
})

t.test('a failed save leaves everything to be tried again', async t => {
  const { session, store } = await begin({ a: 1 })
  session.set('a', 2)
  store.before = { replace: () => { throw new SessionError('SESSION_FILE', 'no') } }
  await t.rejects(session.save(), { code: 'SESSION_FILE' })
  await t.rejects(session.update(draft => { draft['b'] = 1 }), { code: 'SESSION_FILE' })
  t.strictSame(store.data, { a: 1 })
  t.strictSame(session.data(), { a: 2 })
  store.before = {}
  await session.save()
  t.strictSame(store.data, { a: 2 })
})

t.test('a failed create leaves everything to be tried again', async t => {
  const store = new MemoryStore()
  const visit = await new Visits(store).begin()
  visit.session.set('a', 1)
  store.before = { create: () => { throw new SessionError('SESSION_FILE', 'no') } }
  await t.rejects(visit.session.save(), { code: 'SESSION_FILE' })
  t.equal(visit.session.isNew, true)
  store.before = {}
  await visit.session.save()
  t.strictSame(store.data, { a: 1 })
})
