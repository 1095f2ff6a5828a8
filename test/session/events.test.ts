import diagnosticsChannel from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { sessionHandle } from '../../lib/store/session-id'
import { MemoryStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

/** The events of sessions that come until the test ends. */
function watch (t: Test): Array<Record<string, unknown>> {
  const events: Array<Record<string, unknown>> = []
  for (const name of ['created', 'renewed', 'ended']) {
    const listener = (event: unknown): void => { events.push({ name, ...event as object }) }
    diagnosticsChannel.subscribe(`fastify-file-sessions:${name}`, listener)
    t.teardown(() => { diagnosticsChannel.unsubscribe(`fastify-file-sessions:${name}`, listener) })
  }
  return events
}

t.test('created, renewed, ended: with handles, without ids and data', async t => {
  const events = watch(t)
  const { session, store, visits, visit, sesid } = await begin({ user: 'ada' })
  const handle = (id: string): string => sessionHandle(store.nameOf(id))
  await session.regenerate(['user'])
  const second = store.ids[0] as string
  await session.authenticated()
  const third = store.ids[0] as string
  await session.destroy()
  await visits.finish(visit)
  t.strictSame(events, [
    { name: 'created', appid: 'sid', session: handle(sesid) },
    { name: 'renewed', appid: 'sid', session: handle(second), from: handle(sesid), cause: 'regenerate' },
    { name: 'renewed', appid: 'sid', session: handle(third), from: handle(second), cause: 'authenticated' },
    { name: 'ended', appid: 'sid', session: handle(third), reason: 'destroyed' }
  ])
  for (const secret of [sesid, second, third, 'ada']) t.notOk(JSON.stringify(events).includes(secret))
})

t.test('a session of which nothing is kept has ended; one that another request ended has so once', async t => {
  const { session, store, visits, sesid } = await begin({ user: 'ada' })
  const events = watch(t)
  const other = await visits.begin(sesid)
  other.session.data()
  await session.regenerate()
  await other.session.destroy()
  t.strictSame(events, [{ name: 'ended', appid: 'sid', session: sessionHandle(store.nameOf(sesid)), reason: 'destroyed' }])
})

t.test('an id that is renewed by its age, and the session that a logout with the old id ends', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store, { renewal: { after: 100, grace: 10 } })
  const sesid = await visits.stored({ user: 'ada' })
  store.write(store.nameOf(sesid), { text: '{"user":"ada"}', createdAt: Date.now() - 200_000 })
  const events = watch(t)
  const [visit, logout] = [await visits.begin(sesid), await visits.begin(sesid)]
  visit.outlet = { closedBecause: () => null, put () {}, opened () {} }
  const change = await visits.finish(visit)
  const next = sessionHandle(store.nameOf(change.change === 'send' ? change.sesid : ''))
  await logout.session.destroy()
  t.strictSame(events, [
    { name: 'renewed', appid: 'sid', session: next, from: sessionHandle(store.nameOf(sesid)), cause: 'age' },
    { name: 'ended', appid: 'sid', session: next, reason: 'destroyed' }
  ])
})
