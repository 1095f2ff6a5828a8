import { once } from 'node:events'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import cookiePlugin from '@fastify/cookie'
import t, { type Test } from 'tap'
import { connectStore, type ConnectRequest, type ConnectStore } from '../../lib/connect/connect-store'
import { SessionError } from '../../lib/errors'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import type { Creation, RecordStore, SessionRecord } from '../../lib/store/session-store'
import { AgingStore } from '../support/aging-store'
import { Client } from '../support/client'
import { MapStore, MemoryStore } from '../support/map-store'

declare module 'express-session' {
  interface SessionData {
    views: number
    user: string
  }
}

// Its types say what request.session is, and so do ours: a program can have one of them.
const fastifySession = require('@fastify/session') as FastifyPluginAsync<{
  store: object, secret: string, saveUninitialized?: boolean, rolling?: boolean, cookie: { secure: boolean, maxAge?: number }
}>

interface FastifySession {
  views?: number
  cookie: { expires: Date | null }
  destroy (): Promise<void>
  regenerate (): Promise<void>
}

const SECRET = 'a secret of more than thirty-two letters'

function directory (t: Test): string {
  return join(t.testdir(), 'sessions')
}

/** The callback methods as promises. */
function promised (store: ConnectStore) {
  return {
    get: promisify<string, { cookie: { originalMaxAge: number | null, expires?: Date | null }, [key: string]: unknown } | null | undefined>(store.get.bind(store)),
    set: promisify<string, object, void>(store.set.bind(store)),
    touch: promisify<string, object, void>(store.touch.bind(store)),
    destroy: promisify<string, void>(store.destroy.bind(store)),
    all: promisify<Array<Record<string, unknown>> | undefined>(store.all.bind(store)),
    length: promisify<number | undefined>(store.length.bind(store)),
    clear: promisify<void>(store.clear.bind(store))
  }
}

const browserCookie = { originalMaxAge: null, expires: null, path: '/' }

function cookieFor (maxAge: number): object {
  return { originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge), path: '/' }
}

async function expressApp (
  t: Test, store: ConnectStore, options: Partial<session.SessionOptions> = {}, extend?: (app: express.Express) => void
): Promise<string> {
  const app = express()
  app.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false, ...options }))
  app.get('/count', (request, response) => {
    request.session.views = (request.session.views ?? 0) + 1
    response.send(String(request.session.views))
  })
  app.get('/views', (request, response) => { response.send(String(request.session.views)) })
  app.get('/max-age', (request, response) => { response.json(request.session.cookie.maxAge ?? null) })
  app.get('/logout', (request, response, next) => {
    request.session.destroy(error => { error === null || error === undefined ? response.send('bye') : next(error) })
  })
  app.get('/login', (request, response, next) => {
    request.session.regenerate(error => {
      if (error !== null && error !== undefined) return next(error)
      request.session.user = 'ann'
      response.send(request.session.id)
    })
  })
  app.get('/reload', (request, response, next) => {
    request.session.views = 1000
    request.session.reload(error => {
      if (error !== null && error !== undefined) return next(error)
      response.send(String(request.session.views))
    })
  })
  extend?.(app)
  app.use((error: Error & { code?: string }, _request: Request, response: Response, _next: unknown) => {
    if (!response.headersSent) response.status(500).send(error.code ?? error.message)
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('express-session keeps its sessions in our files', async t => {
  const sessionDir = directory(t)
  const client = new Client(await expressApp(t, connectStore(new SessionFileStore({ sessionDir }))))
  t.strictSame((await client.get('/views')).cookies, [], 'nothing stored, no cookie')
  t.equal((await client.get('/count')).text, '1')
  t.equal((await client.get('/count')).text, '2')

  const after = new Client(await expressApp(t, connectStore(new SessionFileStore({ sessionDir }))))
  after.cookie = client.cookie
  t.equal((await after.get('/count')).text, '3', 'a restart later, the first request finds the session')
  t.equal((await after.get('/reload')).text, '3')
  t.equal((await after.get('/count')).text, '4')

  const before = after.cookie
  const { text: sesid } = await after.get('/login')
  t.not(after.cookie, before)
  t.equal((await after.get('/count')).text, '1', 'regenerated: none of the data')
  const store = new SessionFileStore({ sessionDir })
  t.match(JSON.parse(await store.getSession(sesid) as string), { user: 'ann', views: 1, cookie: { originalMaxAge: null } })
  const old = new Client(after.url)
  old.cookie = before
  t.equal((await old.get('/views')).text, 'undefined', 'the old id works no more')

  t.equal((await after.get('/logout')).text, 'bye')
  t.equal((await after.get('/views')).text, 'undefined')
  t.equal(await store.getSession(sesid), null)
})

t.test('@fastify/session keeps its sessions in our files', async t => {
  const sessionDir = directory(t)
  async function start (rolling: boolean): Promise<string> {
    const app = Fastify()
    app.register(cookiePlugin)
    const store = connectStore(new SessionFileStore({ sessionDir }))
    app.register(fastifySession, { store, secret: SECRET, saveUninitialized: false, rolling, cookie: { secure: false, maxAge: 60_000 } })
    app.get('/count', async request => {
      const session = request.session as unknown as FastifySession
      session.views = (session.views ?? 0) + 1
      return String(session.views)
    })
    app.get('/views', async request => String((request.session as unknown as FastifySession).views))
    app.get('/logout', async request => { await (request.session as unknown as FastifySession).destroy(); return 'bye' })
    app.get('/login', async request => { await (request.session as unknown as FastifySession).regenerate(); return 'hello' })
    t.teardown(() => app.close())
    return await app.listen({ port: 0 })
  }
  const client = new Client(await start(true))
  t.equal((await client.get('/count')).text, '1')
  t.equal((await client.get('/count')).text, '2')
  const after = new Client(await start(false))
  after.cookie = client.cookie
  t.equal((await after.get('/count')).text, '3')
  t.equal((await after.get('/views')).text, '3')
  const { cookie } = after
  t.equal((await after.get('/login')).text, 'hello')
  t.not(after.cookie, cookie)
  t.equal((await after.get('/count')).text, '1')
  t.equal((await after.get('/logout')).text, 'bye')
  t.equal((await after.get('/views')).text, 'undefined')
})

t.test('an error of the store is an error of the request', async t => {
  const sessionDir = directory(t)
  const errors: Array<Error & { code?: string }> = []
  const client = new Client(await expressApp(t, connectStore(new SessionFileStore({ sessionDir })), {}, app => {
    app.use((error: Error, _request: Request, _response: Response, next: (error: Error) => void) => {
      errors.push(error)
      next(error)
    })
  }))
  await client.get('/count')
  await rename(sessionDir, `${sessionDir}.away`)
  await writeFile(sessionDir, 'in the way')
  const { status, text } = await client.get('/count')
  t.equal(status, 500)
  t.equal(text, 'SESSION_FILE')
  client.cookie = ''
  // express-session sends the answer all the same when it cannot save.
  await client.get('/count')
  t.match(errors, [{ code: 'SESSION_FILE' }, { code: 'SESSION_FILE' }])
})

t.test('once the trouble is gone, the next call works', async t => {
  const sessionDir = directory(t)
  await writeFile(sessionDir, '')
  const store = promised(connectStore(new SessionFileStore({ sessionDir })))
  await t.rejects(store.set('one', { cookie: browserCookie }), { code: 'SESSION_FILE' })
  await unlink(sessionDir)
  await store.set('one', { cookie: browserCookie, a: 1 })
  t.match(await store.get('one'), { a: 1 })
})

t.test('a session has the data and the cookie that it was given', async t => {
  const store = promised(connectStore(new MemoryStore()))
  t.equal(await store.get('one'), null)
  const data = JSON.parse('{"a":[1,{"b":2}],"__proto__":{"c":3},"empty":""}') as object
  await store.set('one', { ...data, cookie: { ...browserCookie, sameSite: 'lax', secure: true } })
  const found = await store.get('one')
  t.strictSame(found, { ...data, cookie: { ...browserCookie, sameSite: 'lax', secure: true } })
  await store.set('one', { cookie: browserCookie })
  t.strictSame(await store.get('one'), { cookie: browserCookie })
  await store.destroy('one')
  await store.destroy('one')
  t.equal(await store.get('one'), null)
})

t.test('a session lives as long as its cookie says, from its last use', async t => {
  const sessions = new AgingStore(100)
  const store = promised(connectStore(sessions))
  await store.set('short', { cookie: cookieFor(10_000) })
  await store.set('default', { cookie: browserCookie })
  await store.set('long', { cookie: cookieFor(1_000_000) })

  sessions.pass(9)
  const left = (await store.get('short'))?.cookie.expires?.getTime() as number - Date.now()
  t.ok(left > 0 && left < 2000, 'the cookie says when it ends, going by its last use')
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

t.test('over HTTP: logout wins over a slow request', async t => {
  let release = (): void => {}
  let entered = (): void => {}
  const isIn = new Promise<void>(resolve => { entered = resolve })
  const store = connectStore(new MemoryStore())
  const client = new Client(await expressApp(t, store, {}, app => {
    app.get('/slow', (request, response) => {
      request.session.views = 100
      release = () => { response.send('done') }
      entered()
    })
  }))
  await client.get('/count')
  const slow = client.get('/slow')
  await isIn
  await client.get('/logout')
  release()
  t.equal((await slow).status, 200)
  t.equal((await client.get('/views')).text, 'undefined')
})

t.test('an id that express-session gives out again is new again', async t => {
  const store = connectStore(new MemoryStore())
  const client = new Client(await expressApp(t, store, { genid: () => 'always-the-same' }))
  t.equal((await client.get('/count')).text, '1')
  await client.get('/logout')
  t.equal((await client.get('/count')).text, '1')
  t.equal((await client.get('/count')).text, '2')
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

t.test('a session without a cookie is stored all the same', async t => {
  const store = promised(connectStore(new MemoryStore()))
  await store.set('bare', { a: 1 })
  await store.touch('bare', { a: 1 })
  t.strictSame(await store.get('bare'), { a: 1, cookie: { originalMaxAge: null, expires: null } })
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

t.test('a session that the plugin stored can be read, with a cookie made for it', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  const empty = await sessions.newSession()
  t.strictSame(await store.get(empty), { cookie: { originalMaxAge: null, expires: null } })
  sessions.write(sessions.nameOf('ann'), { text: '{"user":"ann"}', idleTimeout: 60 })
  t.match(await store.get('ann'), { user: 'ann', cookie: { originalMaxAge: 60_000, expires: Date } })
})

t.test('what cannot be decoded is set aside', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  for (const text of ['no JSON', '[]']) {
    sessions.write(sessions.nameOf('one'), { text })
    t.equal(await store.get('one'), null)
    t.equal(await sessions.getSession('one'), null)
  }
  t.strictSame(sessions.asides, ['no JSON', '[]'])
})

t.test('what cannot be decoded is not set aside after a save has replaced it', async t => {
  const sessions = new MemoryStore()
  const name = sessions.nameOf('one')
  const store = promised(connectStore(sessions))
  for (const becomes of ['{"a":1}', null]) {
    sessions.write(name, { text: 'no JSON' })
    let reads = 0
    sessions.before.read = () => {
      if (++reads !== 2) return
      if (becomes === null) sessions.entries.delete(name)
      else sessions.write(name, { text: becomes })
    }
    t.equal(await store.get('one'), null)
    t.equal(await sessions.getSession('one'), becomes)
  }
  t.strictSame(sessions.asides, [])
})

t.test('another codec', async t => {
  const sessions = new MemoryStore()
  const codec = {
    encode: (data: object) => Buffer.from(JSON.stringify(data)).toString('hex'),
    decode: (text: string) => JSON.parse(Buffer.from(text, 'hex').toString()) as Record<string, unknown>
  }
  const store = promised(connectStore(sessions, { codec }))
  await store.set('one', { cookie: browserCookie, a: 1 })
  t.match(await store.get('one'), { a: 1 })
  t.match(await sessions.getSession('one'), /^[0-9a-f]+$/)
})

/** A store with the verbs that can list its sessions. */
class ListedSessions extends MemoryStore {
  override readonly features = { records: true, iterable: true, readable: true } as const

  async * sessions () { for (const { record: { text } } of this.entries.values()) yield { age: 0, idle: 0, idleLeft: 1, size: text.length } }
  async * texts () { for (const { record: { text } } of this.entries.values()) yield text }
  async clear (): Promise<number> { this.entries.clear(); return 0 }
}

t.test('all, length and clear', async t => {
  const sessions = new ListedSessions()
  const store = promised(connectStore(sessions))
  await store.set('one', { cookie: browserCookie, a: 1 })
  await store.set('two', { cookie: cookieFor(1000), a: 2 })
  sessions.write('three', { text: 'no JSON' })
  t.match(await store.all(), [{ a: 1 }, { a: 2 }])
  t.equal((await store.all())?.length, 2)
  t.equal(await store.length(), 3)
  await store.clear()
  t.equal(await store.length(), 0)
})

t.test('a store that can do less', async t => {
  const store = promised(connectStore(new MemoryStore()))
  await t.rejects(store.all(), { code: 'SESSION_STORE', message: /feature readable/ })
  await t.rejects(store.length(), { code: 'SESSION_STORE', message: /feature iterable/ })
  await t.rejects(store.clear(), { code: 'SESSION_STORE', message: /feature iterable/ })
  await store.set('one', { cookie: cookieFor(1000) })
  t.match(await store.get('one'), { cookie: { originalMaxAge: 1000, expires: Date } }, 'a store that does not know the time left: all of it')
})

t.test('a store without records cannot be used', async t => {
  for (const store of [new MapStore(), undefined, null]) {
    t.throws(() => connectStore(store as unknown as RecordStore), { code: 'SESSION_OPTION', message: /feature records/ })
  }
})

t.test('options', async t => {
  t.throws(() => connectStore(new MemoryStore(), { ttl: 1 } as object), { code: 'SESSION_OPTION', message: /ttl is not known/ })
  t.throws(() => connectStore(new MemoryStore(), { codec: {} as never }), { code: 'SESSION_OPTION', message: /codec/ })
})

t.test('without a callback', async t => {
  const sessions = new MemoryStore()
  const store = connectStore(sessions)
  const isStored = new Promise<void>(resolve => {
    const create = sessions.create.bind(sessions)
    sessions.create = async (name: string, record: SessionRecord): Promise<Creation> => {
      const created = await create(name, record)
      resolve()
      return created
    }
  })
  store.set('one', { cookie: browserCookie, a: 1 })
  await isStored
  t.match(await promised(store).get('one'), { a: 1 })
  sessions.before.remove = () => { throw new Error('broken') }
  store.destroy('one')
  await t.rejects(promised(store).destroy('one'), { message: 'broken' }, 'the app does not listen: nothing happens')
  const heard = once(store, 'error')
  store.destroy('one')
  t.match(await heard, [{ message: 'broken' }])
})

t.test('what express-session has its stores inherit', async t => {
  const store = connectStore(new MemoryStore())
  const request: ConnectRequest = { sessionID: 'one' }
  t.throws(() => store.createSession(request, { cookie: { originalMaxAge: null } }), { code: 'SESSION_STORE', message: /session\({ store }\)/ })
  t.equal(store.generate, undefined)
  session({ store, secret: SECRET, resave: false, saveUninitialized: false })

  const load = promisify<string, session.Session | undefined>(store.load.bind(store))
  t.equal(await load('one'), undefined)
  await promised(store).set('one', { cookie: cookieFor(60_000), views: 7 })
  const loaded = await load('one') as session.Session & { views: number }
  t.equal(loaded.views, 7)
  t.equal(loaded.id, 'one')
  t.ok(loaded instanceof (session as unknown as { Session: new () => object }).Session)
  t.ok(loaded.cookie instanceof (session as unknown as { Cookie: new () => object }).Cookie)
  t.equal(loaded.cookie.originalMaxAge, 60_000)
  t.ok((loaded.cookie.maxAge as number) > 0)
  loaded.views++
  await promisify(loaded.save.bind(loaded))()
  t.match(await promised(store).get('one'), { views: 8 })
  const broken = new MemoryStore()
  broken.before.read = () => { throw new Error('broken') }
  await t.rejects(promisify(store.load.bind(connectStore(broken)))('one'), { message: 'broken' })
})

t.test('over HTTP: a persistent cookie, touched by every request', async t => {
  const client = new Client(await expressApp(t, connectStore(new AgingStore(5)), { cookie: { maxAge: 3_600_000 }, rolling: true }))
  t.match((await client.get('/count')).cookies, [{ attributes: { expires: String } }])
  t.match((await client.get('/views')).cookies, [{ attributes: { expires: String } }], 'rolling')
  const left = Number((await client.get('/max-age')).text)
  t.ok(left > 3_590_000 && left <= 3_600_000)
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

t.test('over HTTP: what an unawaited save stores does not outlast what the response stores', async t => {
  const sessions = new MemoryStore()
  // The first save takes its time in the store: the second overtakes it unless it has to wait as well.
  let saves = 0
  let end = (): void => {}
  const firstSave = new Promise<void>(resolve => { end = resolve })
  sessions.before.read = async () => { if (++saves === 1) for (let tick = 0; tick < 20; tick++) await new Promise(resolve => { setImmediate(resolve) }) }
  const client = new Client(await expressApp(t, connectStore(sessions), {}, app => {
    app.get('/unawaited', (request, response) => {
      request.session.views = 1
      request.session.save(end)
      request.session.views = 2
      response.send('done')
    })
  }))
  await client.get('/unawaited')
  await firstSave
  t.match(sessions.data, { views: 2 })
})

t.test('a session that cannot be encoded is a SessionError that quotes nothing', async t => {
  const sessions = new MemoryStore()
  const store = promised(connectStore(sessions))
  const circular: Record<string, unknown> = { cookie: browserCookie }
  circular['confidential'] = { confidential: circular }
  for (const data of [circular, { cookie: browserCookie, confidential: 1n }]) {
    const error = await store.set('one', data).catch((error: unknown) => error)
    t.ok(error instanceof SessionError)
    t.match(error, { code: 'SESSION_CODEC' })
    t.notMatch(inspect(error, { depth: 10 }), /confidential/)
  }
  t.strictSame(sessions.calls, [])
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

t.test('a caller that gives no id or no session is told so', async t => {
  const store = promised(connectStore(new MemoryStore()))
  const data = { cookie: browserCookie }
  for (const none of [undefined, null, 7] as unknown as string[]) {
    for (const [method, call] of Object.entries<Promise<unknown>>({
      get: store.get(none), set: store.set(none, data), touch: store.touch(none, data), destroy: store.destroy(none)
    })) await t.rejects(call, { name: 'SessionError', code: 'SESSION_ID', message: new RegExp(`caller of ${method}\\(\\)`) })
  }
  for (const bad of ['', 'x'.repeat(1025)]) {
    await t.rejects(store.set(bad, data), { code: 'SESSION_ID' })
    t.equal(await store.get(bad), null, 'to look for it is no error')
    await store.destroy(bad)
  }
  for (const none of [undefined, null, 'text'] as unknown as object[]) {
    await t.rejects(store.set('one', none), { name: 'SessionError', code: 'SESSION_CODEC', message: /set\(\)/ })
    await t.rejects(store.touch('one', none), { name: 'SessionError', code: 'SESSION_CODEC', message: /touch\(\)/ })
  }
})
