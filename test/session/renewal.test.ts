import t from 'tap'
import { SessionStoreError } from '../../lib/errors'
import type { Visit } from '../../lib/session/session-manager'
import { isForwarding } from '../../lib/store/forwarding'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import { headerOf } from '../../lib/store/session-header'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'
import { begin, OPEN, RENEWAL, sent } from '../support/renewable'
import { Visits } from '../support/visits'

t.test('at the age, a request gives the session a new id', async t => {
  const { store, sesid, name, createdAt, request, pass, visits } = await begin()
  const visit = await request()
  t.notOk(visit.needsNoFinish, 'also a request that does not look at the session')
  const next = sent(await visits.finish(visit))
  t.not(next, sesid)
  t.equal(store.recordOf(next)?.createdAt, createdAt, 'the absolute timeout goes on')
  t.match(headerOf(store.recordOf(next)?.text ?? ''), { renewedAt: Number })
  const forwarding = store.peek(name)
  t.ok(isForwarding(forwarding?.text ?? ''))
  t.equal(forwarding?.idleTimeout, 70, 'the grace, and a minute for requests under way')
  t.notOk(JSON.stringify([...store.entries]).includes(next), 'the new id is nowhere at rest')
  t.equal(sent(await pass()), next, 'the old id is answered with the new one')
  const found = await request()
  t.strictSame(found.session.data(), { user: 'ada' })
  t.equal(sent(await visits.finish(found)), next)
  t.strictSame(await pass(next), { change: 'none' }, 'and the new one is young')
})

t.test('an id that is young, or of an age that no store knows, stays', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store, { renewal: RENEWAL })
  const sesid = await visits.stored({ n: 1 })
  const visit = await visits.begin(sesid)
  visit.outlet = OPEN
  t.strictSame(await visits.finish(visit), { change: 'none' })
  store.write(store.nameOf(sesid), { ...store.recordOf(sesid), text: '{"n":1}', createdAt: undefined })
  const other = await visits.begin(sesid)
  other.outlet = OPEN
  t.strictSame(await visits.finish(other), { change: 'none' })
})

t.test('a regenerated session has a young id, however old it is', async t => {
  const { request, visits, store } = await begin()
  const visit = await request()
  await visit.session.regenerate(['user'])
  const next = sent(await visits.finish(visit))
  t.match(headerOf(store.recordOf(next)?.text ?? ''), { renewedAt: Number })
  const later = await request(next)
  t.strictSame(await visits.finish(later), { change: 'none' })
})

t.test('no new id where it cannot reach the visitor, or is not wanted', async t => {
  const { visits, request, sesid } = await begin()
  const outside = await visits.begin(sesid)
  t.strictSame(await visits.finish(outside), { change: 'none' })
  const late = await request()
  late.outlet = { ...OPEN, closedBecause: () => 'the headers have gone out' }
  t.strictSame(await visits.finish(late), { change: 'none' })
  const polling = await request()
  polling.session.skipSave()
  t.strictSame(await visits.finish(polling), { change: 'none' })
})

t.test('of requests at once one renews, and all get the same new id', async t => {
  const { visits, request, store } = await begin()
  const requests = await Promise.all(Array.from({ length: 8 }, () => request()))
  const ids = new Set((await Promise.all(requests.map(visit => visits.finish(visit)))).map(sent))
  t.equal(ids.size, 1)
  t.equal(store.entries.size, 2, 'the session and the record that forwards to it')
})

t.test('after the grace the old id is dead, however often it is used', async t => {
  const { store, sesid, name, pass, request, visits } = await begin()
  await pass()
  await store.touch(name)
  visits.later = 9_000
  t.notOk((await request()).session.isNew)
  visits.later = 10_001
  const late = await request()
  t.ok(late.session.isNew)
  t.strictSame(await visits.finish(late), { change: 'none' }, 'the cookie may be an older twin')
  t.equal(await store.getSession(sesid), null)
})

t.test('requests under way follow: save, update, reload, check', async t => {
  const { request, visits, pass, store } = await begin({ n: 0 })
  const [saver, ender, updater, reloader, checked, changed] = await Promise.all(Array.from({ length: 6 }, () => request())) as
    [Visit, Visit, Visit, Visit, Visit, Visit]
  saver.session.set('saved', 1)
  ender.session.set('ended', 1)
  checked.session.data()
  changed.session.set('n', 7)
  const next = sent(await pass())
  await saver.session.save()
  t.equal(saver.session.sessionId, next)
  t.equal(sent(await visits.finish(saver)), next)
  t.equal(sent(await visits.finish(ender)), next)
  t.equal(await updater.session.update(draft => { draft['n'] = Number(draft['n']) + 1; return draft['n'] }), 1)
  await reloader.session.reload()
  t.strictSame(reloader.session.data(), { n: 1, saved: 1, ended: 1 })
  await checked.checkAgain()
  t.equal(checked.session.get('saved'), 1)
  t.equal(sent(await visits.finish(checked)), next)
  await changed.checkAgain()
  t.equal(changed.session.get('n'), 7, 'a change stays')
  await visits.finish(changed)
  t.strictSame(JSON.parse(await store.getSession(next) ?? ''), { n: 7, saved: 1, ended: 1 })
})

t.test('a logout under way ends the new session, and clears the cookie', async t => {
  for (const loaded of ['before', 'after'] as const) {
    const { request, visits, pass, store } = await begin()
    const early = await request()
    const next = sent(await pass())
    const visit = loaded === 'before' ? early : await request()
    await visit.session.destroy()
    t.strictSame(await visits.finish(visit), { change: 'clear' }, loaded)
    t.ok(visit.hasLoggedOut)
    t.equal(await store.getSession(next), null)
    t.ok((await request(next)).session.isNew && (await request()).session.isNew)
    // The store is not told by whom: it ends the session wherever it is.
  }
  const { store, sesid, pass } = await begin()
  const next = sent(await pass())
  await store.putSession(sesid, '{}')
  t.equal(await store.getSession(sesid), null)
  t.equal(await store.getSession(next), '{"user":"ada"}')
  await store.delSession(sesid)
  t.equal(store.entries.size, 0)
})

t.test('regenerate under way takes the new session along', async t => {
  const { request, visits, pass, store, sesid } = await begin({ user: 'ada', n: 1 })
  const visit = await request()
  visit.session.set('n', 2)
  const renewed = sent(await pass())
  await visit.session.regenerate(['user', 'n'])
  const next = sent(await visits.finish(visit))
  t.not(next, renewed)
  t.strictSame((await request(next)).session.data(), { user: 'ada', n: 2 })
  for (const dead of [sesid, renewed]) t.ok((await request(dead)).session.isNew)
  const nothing = await begin()
  const empty = await nothing.request()
  await nothing.pass()
  await empty.session.regenerate()
  t.strictSame(await visits.finish(empty), { change: 'clear' })
  t.equal(store.entries.size, 2)
})

t.test('a session that moves on while a request follows it ends there', async t => {
  const { request, visits, pass, store } = await begin()
  const visit = await request()
  visit.session.set('n', 1)
  const next = sent(await pass())
  store.before = { read: name => { if (name === store.nameOf(next)) store.entries.delete(name) } }
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.ok(visit.session.deleted)
})

t.test('a renewal whose answer was lost has been done', async t => {
  const { request, visits, store, name } = await begin()
  const { replace } = store
  store.replace = async (...parameters) => {
    await replace.apply(store, parameters)
    throw new SessionStoreError('the answer was lost')
  }
  const next = sent(await visits.finish(await request()))
  t.equal(store.ids.length, 2)
  t.equal(await store.getSession(next), '{"user":"ada"}')
  const other = await begin()
  other.store.before = { replace: () => { other.store.before = { read: () => { throw new SessionStoreError('still away') } }; throw new SessionStoreError('away') } }
  t.strictSame(await other.visits.finish(await other.request()), { change: 'none' })
  t.ok(isForwarding(store.peek(name)?.text ?? ''))
})

t.test('encrypted sessions move, and forward without a secret', async t => {
  const store = new MemoryStore('sid', undefined, { secrets: ['a secret of the tests, of 32 characters and more'] })
  const { pass, request, name } = await begin({ a: 1 }, store)
  const next = sent(await pass())
  t.ok(isForwarding(store.peek(name)?.text ?? ''))
  t.strictSame((await request(next)).session.data(), { a: 1 })
  t.strictSame((await request()).session.data(), { a: 1 })
})

t.test('a store that has everything at hand', async t => {
  const { pass, request, visits } = await begin({ a: 1 }, new PromptStore())
  const under = await request()
  const next = sent(await pass())
  t.equal(sent(await pass()), next)
  t.equal(under.checkAgainNow(), false, 'it takes another look')
  under.session.set('b', 1)
  t.equal(sent(await visits.finish(under)), next)
})

t.test('a store with the five methods', async t => {
  const store = new MapStore()
  const visits = new Visits(store, { renewal: { after: 20, grace: 10 } })
  const sesid = await visits.stored({ a: 1 })
  visits.later = 21_000
  const visit = await visits.begin(sesid)
  visit.outlet = OPEN
  const next = sent(await visits.finish(visit))
  t.strictSame(store.ids, [sesid, next])
  t.strictSame((await visits.begin(sesid)).session.data(), { a: 1 })
  visits.later = 32_000
  t.ok((await visits.begin(sesid)).session.isNew, 'however long the store keeps the record')
  t.strictSame((await visits.begin(next)).session.data(), { a: 1 })
})

t.test('a process that never stops writing keeps the old id', async t => {
  const { request, visits, store, sesid } = await begin({ n: 0 })
  let updates = 0
  store.before = { replace: name => { if (name === store.nameOf(sesid)) store.overwrite(sesid, `{"n":${++updates}}`) } }
  t.strictSame(await visits.finish(await request()), { change: 'none' })
  t.match(visits.log, [{ level: 'warn', error: { code: 'SESSION_CONFLICT' } }])
  t.strictSame(store.ids, [sesid])
})

t.test('an id that a clock dated ahead is renewed, and dated right', async t => {
  const { store, sesid, name, pass } = await begin()
  store.write(name, { text: store.peek(name)?.text ?? '', createdAt: Date.now() + 30 * 60_000 })
  const next = sent(await pass())
  t.not(next, sesid)
  t.strictSame(await pass(next), { change: 'none' })
  store.write(name, { text: '{"user":"ada"}', createdAt: Date.now() + 30_000 })
  t.strictSame(await pass(), { change: 'none' }, 'clocks differ')
})

t.test('a session that is renewed while all of its kind are ended gets no new id', async t => {
  const store = new MemoryStore()
  const records = new SessionRecords(store, store.cipher)
  const key = records.keyOf(await new Visits(store).stored({ user: 'ada' }))
  records.create = async () => 'ended'
  t.equal(await renewSession(records, key, null, ({ text }) => ({ text }), 10), null)
  t.equal(store.entries.size, 1, 'who ends them ends it')
})

t.test('an id that was renewed twice within the grace leads nowhere, and the one after it to the session', async t => {
  const { store, sesid, pass, request, visits } = await begin()
  const under = await request()
  under.session.set('late', 1)
  const second = sent(await pass())
  visits.later = 3600_000
  const third = sent(await pass(second))
  visits.later = 0
  t.ok((await request(sesid)).session.isNew)
  t.equal((await request(second)).session.sessionId, third)
  t.equal(sent(await visits.finish(under)), third, 'a request under way follows both')
  t.strictSame(JSON.parse(await store.getSession(third) ?? ''), { user: 'ada', late: 1 })
  await store.delSession(sesid)
  t.equal(await store.getSession(third), null, 'a logout with the first id ends it, too')
})
