import t from 'tap'
import { SessionFileError } from '../../lib/errors'
import { headerOf } from '../../lib/store/session-header'
import { MapStore, MemoryStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

t.test('authenticated() notes the moment, gives a new id and keeps the data', async t => {
  const { session, visits, visit, store, sesid } = await begin({ user: 'ada', cart: [1] })
  t.equal(session.freshAt, undefined)
  t.equal(session.isFresh(600), false)
  const before = Date.now()
  await session.authenticated()
  t.ok(session.freshAt !== undefined && session.freshAt >= before && session.freshAt <= Date.now())
  t.equal(session.isFresh(600), true)
  t.strictSame(session.data(), { user: 'ada', cart: [1] })
  const change = await visits.finish(visit)
  t.match(change, { change: 'send' })
  const next = store.ids[0] as string
  t.not(next, sesid)
  t.strictSame(store.ids, [next])
  const later = await visits.begin(next)
  t.equal(later.session.freshAt, session.freshAt)
  t.strictSame(later.session.data(), { user: 'ada', cart: [1] })
  visits.later = 599_000
  t.equal(later.session.isFresh(600), true)
  visits.later = 601_000
  t.equal(later.session.isFresh(600), false)
  t.equal(later.session.isFresh(700), true)
})

t.test('with names, it keeps those', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada', cart: [1] })
  await session.authenticated(['cart'])
  session.set('user', 'grace')
  await visits.finish(visit)
  const { session: later } = await visits.begin(store.ids[0] as string)
  t.strictSame(later.data(), { cart: [1], user: 'grace' })
  t.equal(later.isFresh(1), true)
  for (const wrong of ['cart', [1], null]) t.throws(() => session.authenticated(wrong as unknown as string[]), { code: 'SESSION_ARGUMENT', message: /session.authenticated takes a list of the names/ })
})

t.test('a visitor who has no session yet, and one whose data are empty', async t => {
  const visits = new Visits(new MemoryStore())
  const visit = await visits.begin()
  await visit.session.authenticated()
  t.equal(visit.session.isFresh(1), true)
  t.equal(visit.session.isModified(), false)
  visit.session.set('user', 'ada')
  await visits.finish(visit)
  const { store } = visits
  t.equal((await visits.begin((store as MemoryStore).ids[0] as string)).session.isFresh(600), true)

  const other = await begin({ user: 'ada' })
  await other.session.authenticated([])
  t.strictSame(other.store.ids, [])
  t.equal(other.session.isFresh(600), true)
  other.session.set('user', 'grace')
  await other.visits.finish(other.visit)
  t.equal((await other.visits.begin(other.store.ids[0] as string)).session.isFresh(600), true)
})

t.test('no session that was not proven is fresh: after regenerate, destroy, and in data', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada' })
  await session.authenticated()
  await session.regenerate(['user'])
  t.equal(session.freshAt, undefined, 'a plain regenerate forgets the proof')
  await visits.finish(visit)
  const later = await visits.begin(store.ids[0] as string)
  t.equal(later.session.freshAt, undefined)
  await later.session.authenticated()
  await later.session.destroy()
  t.equal(later.session.freshAt, undefined)
  later.session.set('user', 'grace')
  t.throws(() => { Object.assign(later.session, { freshAt: Date.now() }) }, { code: 'SESSION_NAME_TAKEN' })
  later.session.set('freshAt', Date.now())
  t.equal(later.session.isFresh(600), false)
  await visits.finish(later)
  const last = await visits.begin(store.ids[0] as string)
  t.strictSame(Object.keys(last.session.data()).sort(), ['freshAt', 'user'])
  t.equal(last.session.isFresh(600), false)
  await last.session.update(draft => { draft['freshAt'] = Date.now() })
  t.equal(last.session.isFresh(600), false)
})

t.test('what other requests store leaves the proof alone', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada' })
  await session.authenticated()
  await visits.finish(visit)
  const sesid = store.ids[0] as string
  const [one, two] = [await visits.begin(sesid), await visits.begin(sesid)]
  one.session.set('a', 1)
  two.session.set('b', 2)
  await visits.finish(one)
  await visits.finish(two)
  const last = await visits.begin(sesid)
  t.strictSame(last.session.data(), { user: 'ada', a: 1, b: 2 })
  t.equal(last.session.freshAt, session.freshAt)
})

t.test('of two proofs the later one counts', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada' })
  await session.authenticated()
  await visits.finish(visit)
  const sesid = store.ids[0] as string
  const [early, late] = [await visits.begin(sesid), await visits.begin(sesid)]
  late.headerChange = { freshAt: Date.now() + 5000 }
  early.headerChange = { freshAt: Date.now() - 5000 }
  for (const each of [late, early]) await each.session.update(draft => { draft['n'] = 1 })
  const stored = headerOf(store.recordOf(sesid)?.text ?? '')
  t.ok((stored?.freshAt ?? 0) > Date.now())
  t.equal(early.freshAt, stored?.freshAt)

  const parallel = await Promise.all([visits.begin(sesid), visits.begin(sesid)])
  await Promise.all(parallel.map(each => each.session.authenticated()))
  t.equal(parallel.filter(each => each.session.deleted).length, 1, 'one moved the session, for the other it is gone')
})

t.test('a proof that could not be stored does not count', async t => {
  const { session, visits, visit, store, sesid } = await begin({ user: 'ada' })
  store.before = { create: () => { throw new SessionFileError('no') } }
  await t.rejects(session.authenticated(), { code: 'SESSION_FILE' })
  t.equal(session.freshAt, undefined)
  store.before = {}
  await visits.finish(visit)
  t.strictSame(store.ids, [sesid])
  t.equal((await visits.begin(sesid)).session.freshAt, undefined)
  store.before = { create: () => { visit.session.delete(); throw new SessionFileError('no') } }
  await t.rejects(session.authenticated(), { code: 'SESSION_FILE' })
  t.equal(session.freshAt, undefined)
})

t.test('a moment that lies ahead of the clock does not count, but for what clocks differ', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada' })
  visits.later = 50_000
  await session.authenticated()
  await visits.finish(visit)
  const { session: later } = await visits.begin(store.ids[0] as string)
  visits.later = 0
  t.equal(later.isFresh(1), true)
  visits.later = -20_000
  t.equal(later.isFresh(600), false)
  for (const wrong of [0, -1, NaN, Infinity, '600', undefined]) t.throws(() => later.isFresh(wrong as number), { code: 'SESSION_ARGUMENT', message: /session.isFresh takes a number of seconds/ })
})

t.test('a renewal keeps the proof; encryption and stores with five methods do, too', async t => {
  for (const store of [new MemoryStore(), new MemoryStore('sid', undefined, true), new MapStore()]) {
    const visits = new Visits(store, { renewal: { after: 20, grace: 10 } })
    const visit = await visits.begin()
    visit.session.set('user', 'ada')
    await visit.session.authenticated()
    const change = await visits.finish(visit)
    visits.later = 21_000
    const sesid = change.change === 'send' ? change.sesid : ''
    if (store instanceof MemoryStore) store.write(store.nameOf(sesid), { ...store.recordOf(sesid), text: store.recordOf(sesid)?.text ?? '', createdAt: Date.now() })
    const next = await visits.begin(sesid)
    next.outlet = { closedBecause: () => null, put () {}, opened () {} }
    const { freshAt } = next.session
    t.equal(freshAt, visit.session.freshAt)
    const renewed = await visits.finish(next)
    t.match(renewed, { change: 'send' })
    t.equal((await visits.begin(renewed.change === 'send' ? renewed.sesid : '')).session.freshAt, freshAt)
  }
})

t.test('a proof that a clock dated ahead does not keep the visitor from a new one', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ada' })
  visits.later = 3_600_000
  await session.authenticated()
  await visits.finish(visit)
  visits.later = 0
  const later = await visits.begin(store.ids[0] as string)
  t.equal(later.session.isFresh(600), false)
  await later.session.authenticated()
  t.equal(later.session.isFresh(600), true)
  await visits.finish(later)
  t.equal((await visits.begin(store.ids[0] as string)).session.isFresh(600), true)
})
