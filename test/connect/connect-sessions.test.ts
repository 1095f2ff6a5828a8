import { join } from 'node:path'
import t, { type Test } from 'tap'
import { connectStore } from '../../lib/connect/connect-store'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { AgingStore } from '../support/aging-store'
import { MemoryStore } from '../support/map-store'
import { promised, browserCookie, cookieFor } from '../support/connect-calls'

declare module 'express-session' {
  interface SessionData {
    views: number
    user: string
  }
}

function directory (t: Test): string {
  return join(t.testdir(), 'sessions')
}

t.test('what has not changed is touched, not written', async t => {
  const sessions = new AgingStore(100)
  const name = sessions.nameOf('one')
  const store = promised(connectStore(sessions))
  await store.set('one', { cookie: cookieFor(100_000), a: 1 })
  const { version } = await sessions.read(name) ?? {}
  sessions.pass(60)
  await store.set('one', { cookie: cookieFor(100_000), a: 1 })
  sessions.pass(60)
  t.equal((await sessions.read(name))?.version, version, 'alive, and the same version')
  await store.set('one', { cookie: cookieFor(100_000), a: 2 })
  t.not((await sessions.read(name))?.version, version)
})

t.test('a destroyed session stays destroyed', async t => {
  const sessions = new MemoryStore()
  const [here, there] = [promised(connectStore(sessions)), promised(connectStore(sessions))]
  await here.set('one', { cookie: browserCookie, a: 1 })
  await here.get('one')
  await there.destroy('one')
  await here.set('one', { cookie: browserCookie, a: 2 })
  t.equal(await here.get('one'), null, 'destroyed elsewhere while it was in use here')

  await here.set('two', { cookie: browserCookie })
  await here.destroy('two')
  await here.set('two', { cookie: browserCookie })
  t.equal(await here.get('two'), null, 'destroyed here')
})

t.test('two processes that make one session at once both get it stored', async t => {
  const sessions = new MemoryStore()
  const first = promised(connectStore(sessions))
  // Another process makes the session between the look and the making.
  sessions.before.create = name => { sessions.write(name, { text: '{"theirs":1,"cookie":{}}' }) }
  await first.set('one', { cookie: browserCookie, mine: 1 })
  t.match(await first.get('one'), { mine: 1 })
})

t.test('a save that meets another process comes later, and so wins', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  await store.set('one', { cookie: browserCookie, a: 1 })
  let others = 20
  sessions.before.replace = name => { if (others-- > 0) sessions.write(name, { text: `{"theirs":${others},"cookie":{}}` }) }
  await store.set('one', { cookie: browserCookie, a: 2 })
  t.match(await store.get('one'), { a: 2 })
  t.equal(others, -1)
})

t.test('a session that cannot be made is an error', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t), maxSize: 10 })
  await t.rejects(promised(connectStore(files)).set('one', { cookie: browserCookie }), { code: 'SESSION_TOO_BIG' })
})

t.test('a session that comes and goes all the time is an error in the end', async t => {
  const sessions = new MemoryStore()
  sessions.create = async () => ({ result: 'taken' })
  await t.rejects(promised(connectStore(sessions)).set('one', { cookie: browserCookie }), { code: 'SESSION_CONFLICT' })
})

t.test('a touch that changes the time and meets another save leaves that in place', async t => {
  const sessions = new MemoryStore()
  const name = sessions.nameOf('one')
  const store = promised(connectStore(sessions))
  await store.set('one', { cookie: browserCookie, a: 1 })
  sessions.before.replace = () => {
    delete sessions.before.replace
    sessions.write(name, { text: JSON.stringify({ a: 2, cookie: browserCookie }) })
  }
  await store.touch('one', { cookie: cookieFor(30_000), a: 1 })
  t.match(await store.get('one'), { a: 2 })
  t.equal((await sessions.read(name))?.idleTimeout, 30)
})

t.test('overlapping calls for one id take effect in the order of the calls', async t => {
  for (const isThere of [false, true]) {
    const sessions = new MemoryStore()
    const store = promised(connectStore(sessions))
    if (isThere) await store.set('one', { cookie: browserCookie })
    // Each call to the store takes longer than any that comes after it.
    let ticks = 50
    const delay = async (): Promise<void> => {
      for (let tick = ticks--; tick > 0; tick--) await new Promise(resolve => { setImmediate(resolve) })
    }
    sessions.before = { read: delay, create: delay, replace: delay, remove: delay }
    await Promise.all([1, 2, 3, 4].map(n => store.set('one', { cookie: browserCookie, n })))
    t.match(await store.get('one'), { n: 4 })
    await Promise.all([store.touch('one', { cookie: cookieFor(30_000) }), store.set('one', { cookie: browserCookie, n: 5 })])
    t.match(await store.get('one'), { n: 5 })
    await Promise.all([store.set('one', { cookie: browserCookie, n: 6 }), store.destroy('one')])
    t.equal(await store.get('one'), null)
    await Promise.all([store.set('two', { cookie: browserCookie }), store.destroy('two'), store.set('two', { cookie: browserCookie })])
    t.equal(await store.get('two'), null, 'ended stays ended')
  }
})

t.test('one id does not wait for another', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  let release = (): void => {}
  const released = new Promise<void>(resolve => { release = resolve })
  sessions.before.create = async name => { if (name === sessions.nameOf('slow')) await released }
  const slow = store.set('slow', { cookie: browserCookie })
  await store.set('quick', { cookie: browserCookie })
  release()
  await slow
  t.equal(sessions.entries.size, 2)
})

t.test('a save stores the session as it is at the call', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  const data = { cookie: { ...browserCookie }, list: [1] }
  const saved = store.set('one', data)
  data.list.push(2)
  data.cookie.path = '/later'
  await saved
  t.match(await store.get('one'), { list: [1], cookie: { path: '/' } })
  t.strictSame((await store.get('one'))?.['list'], [1])
})
