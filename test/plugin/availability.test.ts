import diagnosticsChannel from 'node:diagnostics_channel'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { type FileSessionsOptions } from '../../index'
import { SessionError, SessionFileError, SessionStoreError } from '../../lib/errors'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { serve, serveApp, type Served } from '../support/serve'

const down = (): never => { throw new SessionStoreError('the server does not answer') }

function routes (app: FastifyInstance): void {
  app.get('/make', async request => { request.session.set('a', 1) })
  app.get('/plain', async request => ({ loaded: request.sessionLoaded }))
  app.get('/needs', async request => request.session.data())
  app.get('/change', async request => {
    if (request.sessionLoaded) request.session.set('b', 1)
    return { loaded: request.sessionLoaded }
  })
  app.get('/exempt', { config: { session: false } }, async () => 'exempt')
  app.post('/body', async request => ({ loaded: request.sessionLoaded }))
}

/** A visitor with a session, and a store that fails from now on. */
async function start (t: Test, options: FileSessionsOptions, store = new MemoryStore()) {
  const served = await serve(t, { store, ...options }, routes)
  const client = served.visitor()
  await client.get('/make')
  store.calls.length = 0
  return { ...served, store, client }
}

t.test('by default a request whose session cannot be read fails, with 503 for a server', async t => {
  const { client, store, visitor } = await start(t, {})
  store.before = { read: down }
  t.match(await client.get('/plain'), { status: 503, json: { code: 'SESSION_STORE' }, cookies: [] })
  t.equal((await client.get('/exempt')).text, 'exempt', 'a route without a session does not ask the store')
  t.match(await visitor().get('/plain'), { status: 200, json: { loaded: true } }, 'nor does a request without a cookie')
  store.before = { read: () => { throw new SessionFileError('the disk says no') } }
  t.match(await client.get('/plain'), { status: 500, json: { code: 'SESSION_FILE' } })
})

t.test('an error handler that reads the session of such a request is told why there is none', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store }, app => {
    app.setErrorHandler(async (_error, request, reply) => {
      reply.code(500)
      try {
        return request.session.data()
      } catch (error) {
        return { loaded: request.sessionLoaded, code: (error as SessionError).code, isTrouble: (error as SessionError).message.includes('trouble') }
      }
    })
    routes(app)
  })
  const client = visitor()
  await client.get('/make')
  store.before = { read: down }
  t.strictSame((await client.get('/plain')).json, { loaded: false, code: 'SESSION_UNAVAILABLE', isTrouble: true })
  store.before = { read: () => { throw new SessionError('SESSION_ID', 'another') } }
  t.strictSame((await client.get('/plain')).json, { loaded: false, code: 'SESSION_UNAVAILABLE', isTrouble: false }, 'not every error is the store\'s')
})

t.test('with serve a request is served without a session, and nothing is stored', async t => {
  const { client, store, log } = await start(t, { onUnavailable: 'serve' })
  const { cookie } = client
  store.before = { read: down }
  t.match(await client.get('/plain'), { status: 200, json: { loaded: false }, cookies: [] })
  t.match(await client.get('/change'), { status: 200, json: { loaded: false }, cookies: [] })
  t.match(await client.get('/needs'), {
    status: 503, json: { code: 'SESSION_UNAVAILABLE', message: /request\.session could not be loaded.*look at request\.sessionLoaded first/ }, cookies: []
  })
  t.strictSame(store.calls, ['read', 'read', 'read'])
  t.equal(client.cookie, cookie)
  const told = (): string[] => log.filter(({ level, msg }) => level >= 30 && msg.includes('session store')).map(({ msg }) => msg)
  t.match(told(), [/requests are served without a session/], 'said once')

  store.before = {}
  t.strictSame((await client.get('/needs')).json, { a: 1 }, 'the session is as it was')
  t.match(told().slice(1), [/works again/])
  await client.get('/needs')
  store.before = { read: down }
  await client.get('/plain')
  t.equal(told().length, 3, 'and said again the next time')
})

t.test('an event is published for each request that is served without its session', async t => {
  const events: unknown[] = []
  const note = (event: unknown): void => { events.push(event) }
  diagnosticsChannel.subscribe('fastify-file-sessions:unavailable', note)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:unavailable', note) })
  const { client, store } = await start(t, { onUnavailable: 'serve' })
  store.before = { read: down }
  await client.get('/plain')
  await client.get('/plain')
  t.strictSame(events, [{ appid: 'sid', code: 'SESSION_STORE' }, { appid: 'sid', code: 'SESSION_STORE' }])
})

t.test('a store that answers late, with an error, delays the requests that need it and no others', async t => {
  const gate = new Gate()
  const { client, store, visitor } = await start(t, { onUnavailable: 'serve' })
  store.before = {
    read: async () => {
      await gate.pass()
      down()
    }
  }
  const waiting = client.get('/plain')
  await gate.arrived
  t.equal((await client.get('/exempt')).status, 200)
  t.strictSame((await visitor().get('/plain')).json, { loaded: true })
  gate.open()
  t.strictSame((await waiting).json, { loaded: false })
})

t.test('a store that has the answer at hand fails at once, and is served the same way', async t => {
  const store = new PromptStore()
  const { client } = await start(t, { onUnavailable: 'serve' }, store)
  store.readNow = down
  t.strictSame((await client.get('/plain')).json, { loaded: false })
})

t.test('a new session that cannot be stored is an error, not a session that is lost', async t => {
  const { visitor, store } = await start(t, { onUnavailable: 'serve' })
  store.before = { create: down }
  t.match(await visitor().get('/make'), { status: 503, json: { code: 'SESSION_STORE' }, cookies: [] })
})

t.test('so is a change of a session that was read before the store failed', async t => {
  const { client, store } = await start(t, { onUnavailable: 'serve' })
  store.before = { replace: down }
  t.match(await client.get('/change'), { status: 503, json: { code: 'SESSION_STORE' } })
})

t.test('a session that was only read needs no store at the end', async t => {
  for (const [onUnavailable, status] of [['serve', 200], ['fail', 503]] as const) {
    const store = new MemoryStore()
    const { visitor } = await serveApp(t, async app => {
      await app.register(cookiePlugin, { secret: ['newest secret of all', 'older secret of all'] })
      await app.register(fileSessions, { store, onUnavailable, cookie: { signed: true } })
      app.get('/make', async request => { request.session.set('a', 1) })
      app.get('/read', async request => {
        store.before = { read: down }
        return request.session.data()
      })
      app.get('/sign', async request => app.signCookie(request.session.sessionId as string))
    })
    const client = visitor()
    await client.get('/make')
    const sesid = store.ids[0] as string
    const older = new (await import('@fastify/cookie')).Signer('older secret of all')
    t.match(await client.get('/read', { cookie: `sid=${encodeURIComponent(older.sign(sesid))}` }), { status, cookies: [] })
  }
})

t.test('a session that cannot be looked at again when the body has arrived', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    let reads = 0
    const second = (): void => { if (++reads % 2 === 0) down() }
    const { client } = await start(t, { onUnavailable: 'serve', hook: 'onRequest' }, store)
    if (store instanceof PromptStore) {
      store.readNow = name => {
        second()
        return store.peek(name)
      }
    }
    store.before = { read: second }
    t.match(await client.post('/body', undefined, { 'content-type': 'application/json' }), {})
    reads = 0
    const response = await client.request('POST', '/body', { 'content-type': 'text/plain' }, new URLSearchParams({ a: '1' }))
    t.match(response, { status: 200, json: { loaded: false }, cookies: [] })
  }
})

t.test('what a hook changed before the body arrived is not lost without a word', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    const { visitor } = await serveApp(t, async app => {
      await app.register(fileSessions, { store, onUnavailable: 'serve', hook: 'onRequest' })
      app.addHook('onRequest', async request => {
        if (!request.sessionLoaded || request.method !== 'POST') return
        request.session.set('b', 1)
        store.before = { read: down }
        if (store instanceof PromptStore) store.readNow = down
      })
      routes(app)
    })
    const client = visitor()
    await client.get('/make')
    t.match(await client.request('POST', '/body', { 'content-type': 'text/plain' }, new URLSearchParams({ a: '1' })),
      { status: 503, json: { code: 'SESSION_STORE' }, cookies: [] })
  }
})

t.test('errors that tell of no trouble of the store fail the request all the same', async t => {
  const { client, store } = await start(t, { onUnavailable: 'serve' })
  for (const error of [new Error('a fault of the store'), new SessionError('SESSION_ID', 'another')]) {
    store.before = { read: () => { throw error } }
    t.equal((await client.get('/plain')).status, 500)
  }
})

t.test('two registrations fail each on its own', async t => {
  const stores = { sid: new MemoryStore('sid'), admin: new MemoryStore('admin') }
  const { visitor }: Served = await serveApp(t, async app => {
    await app.register(fileSessions, { store: stores.sid, onUnavailable: 'serve' })
    await app.register(fileSessions, { store: stores.admin, sessionName: 'adminSession', onUnavailable: 'serve' })
    app.get('/make', async request => {
      request.session.set('a', 1)
      request.adminSession.set('a', 1)
    })
    app.get('/', async request => [request.sessionLoaded, request.adminSessionLoaded])
  })
  const client = visitor()
  await client.get('/make')
  stores.admin.before = { read: down }
  t.strictSame((await client.get('/')).json, [true, false])
})
