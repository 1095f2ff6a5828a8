import { once } from 'node:events'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import type { Request, Response } from 'express'
import session from 'express-session'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import cookiePlugin from '@fastify/cookie'
import t, { type Test } from 'tap'
import { connectStore, type ConnectRequest } from '../../lib/connect/connect-store'
import { SessionError } from '../../lib/errors'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import type { Creation, SessionRecord } from '../../lib/store/session-record'
import type { RecordStore } from '../../lib/store/session-store'
import { AgingStore } from '../support/aging-store'
import { Client } from '../support/client'
import { MapStore, MemoryStore } from '../support/map-store'
import { promised, browserCookie, cookieFor } from '../support/connect-calls'
import { expressApp, SECRET } from '../support/express-app'

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

function directory (t: Test): string {
  return join(t.testdir(), 'sessions')
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

t.test('all says that it cannot, when sessions are encrypted; get, length and clear can', async t => {
  const sessions = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions'), encryption: true })
  await sessions.open()
  const store = promised(connectStore(sessions))
  const sesid = await sessions.newId()
  await store.set(sesid, { cookie: browserCookie, a: 1 })
  await t.rejects(store.all(), { code: 'SESSION_UNOPENED', message: /keys that are made of their ids/ })
  t.match(await store.get(sesid), { a: 1 })
  t.equal(await store.length(), 1)
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
  const sesid = 'other'
  await promised(store).set(sesid, { cookie: cookieFor(60_000), views: 6 })
  t.throws(() => { store.load(sesid, () => { t.fail('called back') }) }, { code: 'SESSION_STORE' })
  t.throws(() => { store.regenerate({ sessionID: sesid }, () => { t.fail('called back') }) }, { code: 'SESSION_STORE' })
  t.match(await promised(store).get(sesid), { views: 6 }, 'nothing has happened to it')
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
  const brokenStore = connectStore(broken)
  session({ store: brokenStore, secret: SECRET, resave: false, saveUninitialized: false })
  await t.rejects(promisify(brokenStore.load.bind(brokenStore))('one'), { message: 'broken' })
})

t.test('over HTTP: a persistent cookie, touched by every request', async t => {
  const client = new Client(await expressApp(t, connectStore(new AgingStore(5)), { cookie: { maxAge: 3_600_000 }, rolling: true }))
  t.match((await client.get('/count')).cookies, [{ attributes: { expires: String } }])
  t.match((await client.get('/views')).cookies, [{ attributes: { expires: String } }], 'rolling')
  const left = Number((await client.get('/max-age')).text)
  t.ok(left > 3_500_000 && left <= 3_600_000)
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

t.test('sessions of express-session stand in the indexes of the plugin', async t => {
  const store = new SessionFileStore({ sessionDir: directory(t) })
  const indexes = { user: (data: { user?: number }) => data.user }
  const { get, set } = promised(connectStore(store, { indexes }))
  await set('first', { cookie: browserCookie, user: 42 })
  await set('second', { cookie: browserCookie })
  await set('second', { cookie: browserCookie, user: 42 })
  await set('third', { cookie: browserCookie, user: 7 })
  t.equal(await store.revokeAll('user', 42), 2)
  t.strictSame(await Promise.all(['first', 'second', 'third'].map(async id => (await get(id))?.['user'])), [undefined, undefined, 7])
  await set('third', { cookie: browserCookie, user: 8 })
  t.equal(await store.revokeAll('user', 7), 0)
  t.equal(await store.revokeAll('user', 8), 1)
  t.throws(() => connectStore(new MemoryStore(), { indexes }), { code: 'SESSION_OPTION', message: /option indexes needs a store/ })
})
