import { mock } from 'node:test'
import t from 'tap'
import { connectStore } from '../../lib/connect/connect-store'
import { AgingStore } from '../support/aging-store'
import { Client } from '../support/client'
import { MemoryStore } from '../support/map-store'
import { promised, browserCookie, cookieFor } from '../support/connect-calls'
import { expressApp } from '../support/express-app'

t.test('a session lives as long as its cookie says, from its last use', async t => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => { mock.timers.reset() })
  const sessions = new AgingStore(100)
  const store = promised(connectStore(sessions))
  await store.set('short', { cookie: cookieFor(10_000) })
  await store.set('default', { cookie: browserCookie })
  await store.set('long', { cookie: cookieFor(1_000_000) })

  sessions.pass(9)
  const left = (await store.get('short'))?.cookie.expires?.getTime() as number - Date.now()
  t.equal(left, 1000, 'the cookie says when it ends, going by its last use')
  await store.touch('short', { cookie: cookieFor(10_000), a: 1 })
  sessions.pass(9)
  t.strictSame(Object.keys(await store.get('short') ?? {}), ['cookie'], 'a touch keeps it alive, and its data as they were')
  sessions.pass(9)
  t.equal(await store.get('short'), null)
  sessions.pass(100)
  t.equal(await store.get('default'), null, 'without a maxAge it is the store\'s idleTimeout')
  t.match(await store.get('long'), { cookie: { originalMaxAge: 1_000_000 } })

  await store.touch('long', { cookie: cookieFor(5000) })
  sessions.pass(6)
  t.equal(await store.get('long'), null, 'a touch can change how long it lives')
  await store.touch('long', { cookie: cookieFor(5000) })
  t.equal(await store.get('long'), null, 'and brings nothing back')
})

t.test('a cookie may have a moment of expiry alone', async t => {
  const sessions = new AgingStore(7200)
  const store = promised(connectStore(sessions))
  const expires = new Date(Date.now() + 60_000)
  await store.set('one', { cookie: { originalMaxAge: null, expires } })
  t.strictSame((await store.get('one'))?.cookie, { originalMaxAge: null, expires })
  await store.set('text', { cookie: { originalMaxAge: null, expires: expires.toISOString() } })
  t.strictSame((await store.get('text'))?.cookie, { originalMaxAge: null, expires })
  await store.set('nonsense', { cookie: { originalMaxAge: null, expires: 'never' } })
  t.strictSame((await store.get('nonsense'))?.cookie, { originalMaxAge: null, expires: null })
  sessions.pass(61)
  t.equal(await store.get('one'), null)
  t.not(await store.get('nonsense'), null)
})

t.test('a session whose cookie has run out is removed', async t => {
  const store = promised(connectStore(new MemoryStore()))
  await store.set('set', { cookie: browserCookie })
  await store.set('set', { cookie: { originalMaxAge: null, expires: new Date(0) } })
  t.equal(await store.get('set'), null)
  await store.set('touch', { cookie: browserCookie })
  await store.touch('touch', { cookie: cookieFor(0) })
  t.equal(await store.get('touch'), null)
})

t.test('a session without a cookie is stored all the same', async t => {
  const store = promised(connectStore(new MemoryStore()))
  await store.set('bare', { a: 1 })
  await store.touch('bare', { a: 1 })
  t.strictSame(await store.get('bare'), { a: 1, cookie: { originalMaxAge: null, expires: null } })
})

t.test('a cookie with a time that is none', async t => {
  const sessions = new AgingStore(100)
  const store = promised(connectStore(sessions))
  for (const [n, cookie] of [
    { originalMaxAge: NaN, expires: new Date(NaN) }, { originalMaxAge: null, expires: new Date(NaN) }, { originalMaxAge: Infinity },
    { originalMaxAge: -Infinity }, { originalMaxAge: 1e300 }
  ].entries()) {
    const sesid = `n-${n}`
    await store.set(sesid, { cookie, a: 1 })
    t.strictSame(await store.get(sesid), { a: 1, cookie: { originalMaxAge: null, expires: null } })
    await store.touch(sesid, { cookie })
    t.equal((await sessions.read(sessions.nameOf(sesid)))?.idleTimeout, undefined)
  }
  sessions.write(sessions.nameOf('two'), { text: '{"cookie":{"originalMaxAge":1e300}}' })
  t.strictSame(await store.get('two'), { cookie: { originalMaxAge: null, expires: null } })

  for (const [n, cookie] of [{ expires: new Date(NaN) }, { maxAge: Infinity }].entries()) {
    const client = new Client(await expressApp(t, connectStore(sessions), { genid: () => `http-${n}` }, app => {
      app.get('/set', (request, response) => {
        Object.assign(request.session.cookie, cookie)
        request.session.views = 1
        response.send(String(request.session.views))
      })
    }))
    t.equal((await client.get('/set')).text, '1')
    t.match(JSON.parse(sessions.entries.get(sessions.nameOf(`http-${n}`))?.record.text ?? ''), { views: 1, cookie: { originalMaxAge: null } })
  }
})
