import diagnosticsChannel from 'node:diagnostics_channel'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SessionFileStore } from '../../index'
import { sessionPath } from '../../lib/store/files/file-names'
import type { CookieChange } from '../../lib/session/session-manager'
import { nameOfHandle, sessionHandle } from '../../lib/store/session-id'
import { age } from '../support/aged-sessions'
import { Browser, indexedApp } from '../support/indexed-app'
import { MemoryStore } from '../support/map-store'
import { sessionDirectory } from '../support/session-files'
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
    { name: 'created', appid: 'sid', session: handle(sesid), authenticated: false },
    { name: 'renewed', appid: 'sid', session: handle(second), from: handle(sesid), cause: 'regenerate' },
    { name: 'renewed', appid: 'sid', session: handle(third), from: handle(second), cause: 'authenticated' },
    { name: 'ended', appid: 'sid', session: handle(third), reason: 'destroyed' }
  ])
  for (const secret of [sesid, second, third, 'ada']) t.notOk(JSON.stringify(events).includes(secret))
})

t.test('a login is told, whether there was a session before or not', async t => {
  const events = watch(t)
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin()
  const handle = (id: string): string => sessionHandle(store.nameOf(id))
  const idOf = (change: CookieChange): string => change.change === 'send' ? change.sesid : ''
  await visit.session.authenticated()
  t.strictSame(events, [], 'nothing is stored of the visitor yet')
  visit.session.set('user', 'ada')
  const first = idOf(await visits.finish(visit))
  const again = await visits.begin(first)
  await again.session.authenticated([])
  again.session.set('user', 'bob')
  const second = idOf(await visits.finish(again))
  const proof = await visits.begin(second)
  await proof.session.authenticated()
  const third = idOf(await visits.finish(proof))
  t.strictSame(events, [
    { name: 'created', appid: 'sid', session: handle(first), authenticated: true },
    { name: 'ended', appid: 'sid', session: handle(first), reason: 'destroyed' },
    { name: 'created', appid: 'sid', session: handle(second), authenticated: true },
    { name: 'renewed', appid: 'sid', session: handle(third), from: handle(second), cause: 'authenticated' }
  ])
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

t.test('sessions that are revoked, one too many, or expired: each has ended once, and says why', async t => {
  const sessionDir = sessionDirectory(t)
  const app = indexedApp({ sessionDir, maxPerValue: { user: 2 } })
  t.teardown(() => app.close())
  const store = new SessionFileStore({ sessionDir })
  const browsers = [1, 2, 3, 4].map(() => new Browser(app)) as [Browser, Browser, Browser, Browser]
  const expired = await browsers[3].login('7')
  age(sessionPath(join(sessionDir, 'sid'), nameOfHandle(expired) as string), 3 * 3600)
  const events = watch(t)
  const ended = (...sessions: string[]): object[] => sessions.map(session => ({ session }))
  const take = (): Array<Record<string, unknown>> => events.splice(0).filter(({ name }) => name === 'ended')

  const first = await browsers[0].login('ada')
  const second = await browsers[1].login('ada')
  const third = await browsers[2].login('ada')
  t.strictSame(take(), [{ name: 'ended', appid: 'sid', session: first, reason: 'limit' }])
  t.equal(await store.revoke(second), true)
  t.equal(await store.revoke(second), false)
  t.strictSame(take(), [{ name: 'ended', appid: 'sid', session: second, reason: 'revoked' }])
  const fourth = await browsers[0].login('ada')
  t.equal(await store.revokeAll('user', 'ada', { except: third }), 1)
  t.equal(await store.revokeAll('user', 'ada'), 1)
  t.equal(await store.revokeAll('user', 'ada'), 0)
  const revoked = take()
  t.match(revoked, ended(fourth, third))
  t.ok(revoked.every(({ reason }) => reason === 'revoked'))
  await store.reap()
  await store.reap()
  await store.reapIndexes()
  t.strictSame(take(), [{ name: 'ended', appid: 'sid', session: expired, reason: 'expired' }])
})
