import { once } from 'node:events'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import cookiePlugin from '@fastify/cookie'
import t, { type Test } from 'tap'
import { Clock } from '../../lib/store/clock'
import { SessionError } from '../../lib/errors'
import { connectStore, type ConnectRequest, type ConnectStore } from '../../lib/connect/connect-store'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { localDisk } from '../../lib/store/files/local-disk'
import type { CreatedSession, SessionStore, VersionedSessionStore } from '../../lib/store/session-store'

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

/** A store whose time is the test's. */
function storeAt (t: Test, time: { now: number }, options: { idleTimeout?: number } = {}, sessionDir = directory(t)): SessionFileStore {
  return new SessionFileStore({ sessionDir, ...options }, localDisk, new Clock(() => time.now, () => time.now))
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

/** A client that keeps the cookie. */
class Client {
  cookie = ''
  constructor (readonly origin: string) {}

  async get (path: string): Promise<{ status: number, body: string, setCookie: string | null }> {
    const response = await fetch(this.origin + path, { headers: this.cookie === '' ? {} : { cookie: this.cookie } })
    const setCookie = response.headers.get('set-cookie')
    if (setCookie !== null) this.cookie = setCookie.split(';')[0] as string
    return { status: response.status, body: await response.text(), setCookie }
  }
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
  t.equal((await client.get('/views')).setCookie, null, 'nothing stored, no cookie')
  t.equal((await client.get('/count')).body, '1')
  t.equal((await client.get('/count')).body, '2')

  const after = new Client(await expressApp(t, connectStore(new SessionFileStore({ sessionDir }))))
  after.cookie = client.cookie
  t.equal((await after.get('/count')).body, '3', 'a restart later, the first request finds the session')
  t.equal((await after.get('/reload')).body, '3')
  t.equal((await after.get('/count')).body, '4')

  const before = after.cookie
  const { body: sesid } = await after.get('/login')
  t.not(after.cookie, before)
  t.equal((await after.get('/count')).body, '1', 'regenerated: none of the data')
  const store = new SessionFileStore({ sessionDir })
  t.match(JSON.parse(await store.getSession(sesid) as string), { user: 'ann', views: 1, cookie: { originalMaxAge: null } })
  const old = new Client(after.origin)
  old.cookie = before
  t.equal((await old.get('/views')).body, 'undefined', 'the old id works no more')

  t.equal((await after.get('/logout')).body, 'bye')
  t.equal((await after.get('/views')).body, 'undefined')
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
  t.equal((await client.get('/count')).body, '1')
  t.equal((await client.get('/count')).body, '2')
  const after = new Client(await start(false))
  after.cookie = client.cookie
  t.equal((await after.get('/count')).body, '3')
  t.equal((await after.get('/views')).body, '3')
  const { cookie } = after
  t.equal((await after.get('/login')).body, 'hello')
  t.not(after.cookie, cookie)
  t.equal((await after.get('/count')).body, '1')
  t.equal((await after.get('/logout')).body, 'bye')
  t.equal((await after.get('/views')).body, 'undefined')
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
  const { status, body } = await client.get('/count')
  t.equal(status, 500)
  t.equal(body, 'SESSION_FILE')
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
  const store = promised(connectStore(new SessionFileStore({ sessionDir: directory(t) })))
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
  const time = { now: Date.now() }
  const files = storeAt(t, time, { idleTimeout: 100 })
  const store = promised(connectStore(files))
  await store.set('short', { cookie: cookieFor(10_000) })
  await store.set('default', { cookie: browserCookie })
  await store.set('long', { cookie: cookieFor(1_000_000) })

  time.now += 9000
  const left = (await store.get('short'))?.cookie.expires?.getTime() as number - Date.now()
  t.ok(left > 0 && left < 2000, 'the cookie says when it ends, going by its last use')
  await store.touch('short', { cookie: cookieFor(10_000), a: 1 })
  time.now += 9000
  t.strictSame(Object.keys(await store.get('short') ?? {}), ['cookie'], 'a touch keeps it alive, and its data as they were')
  time.now += 9000
  t.equal(await store.get('short'), null)
  time.now += 100_000
  t.equal(await store.get('default'), null, 'without a maxAge it is the store\'s idleTimeout')
  t.match(await store.get('long'), { cookie: { originalMaxAge: 1_000_000 } })

  await store.touch('long', { cookie: cookieFor(5000) })
  time.now += 6000
  t.equal(await store.get('long'), null, 'a touch can change how long it lives')
  await store.touch('long', { cookie: cookieFor(5000) })
  t.equal(await store.get('long'), null, 'and brings nothing back')
})

t.test('a cookie may have a moment of expiry alone', async t => {
  const time = { now: Date.now() }
  const store = promised(connectStore(storeAt(t, time)))
  const expires = new Date(Date.now() + 60_000)
  await store.set('one', { cookie: { originalMaxAge: null, expires } })
  t.strictSame((await store.get('one'))?.cookie, { originalMaxAge: null, expires })
  await store.set('text', { cookie: { originalMaxAge: null, expires: expires.toISOString() } })
  t.strictSame((await store.get('text'))?.cookie, { originalMaxAge: null, expires })
  await store.set('nonsense', { cookie: { originalMaxAge: null, expires: 'never' } })
  t.strictSame((await store.get('nonsense'))?.cookie, { originalMaxAge: null, expires: null })
  time.now += 61_000
  t.equal(await store.get('one'), null)
  t.not(await store.get('nonsense'), null)
})

t.test('a session whose cookie has run out is removed', async t => {
  const store = promised(connectStore(new SessionFileStore({ sessionDir: directory(t) })))
  await store.set('set', { cookie: browserCookie })
  await store.set('set', { cookie: { originalMaxAge: null, expires: new Date(0) } })
  t.equal(await store.get('set'), null)
  await store.set('touch', { cookie: browserCookie })
  await store.touch('touch', { cookie: cookieFor(0) })
  t.equal(await store.get('touch'), null)
})

t.test('what has not changed is touched, not written', async t => {
  const time = { now: Date.now() }
  const files = storeAt(t, time, { idleTimeout: 100 })
  const store = promised(connectStore(files))
  await store.set('one', { cookie: cookieFor(100_000), a: 1 })
  const { version } = await files.readSession('one') ?? {}
  time.now += 60_000
  await store.set('one', { cookie: cookieFor(100_000), a: 1 })
  time.now += 60_000
  t.equal((await files.readSession('one'))?.version, version, 'alive, and the same version')
  await store.set('one', { cookie: cookieFor(100_000), a: 2 })
  t.not((await files.readSession('one'))?.version, version)
})

t.test('a destroyed session stays destroyed', async t => {
  const sessionDir = directory(t)
  const [here, there] = [1, 2].map(() => promised(connectStore(new SessionFileStore({ sessionDir })))) as
    [ReturnType<typeof promised>, ReturnType<typeof promised>]
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
  const store = connectStore(new SessionFileStore({ sessionDir: directory(t) }))
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
  t.equal((await client.get('/views')).body, 'undefined')
})

t.test('an id that express-session gives out again is new again', async t => {
  const store = connectStore(new SessionFileStore({ sessionDir: directory(t) }))
  const client = new Client(await expressApp(t, store, { genid: () => 'always-the-same' }))
  t.equal((await client.get('/count')).body, '1')
  await client.get('/logout')
  t.equal((await client.get('/count')).body, '1')
  t.equal((await client.get('/count')).body, '2')
})

t.test('two processes that make one session at once both get it stored', async t => {
  const sessionDir = directory(t)
  const files = new SessionFileStore({ sessionDir })
  const first = promised(connectStore(files))
  // Between the look and the making, another was faster.
  const readSession = files.readSession.bind(files)
  let overtaken = false
  files.readSession = async sesid => {
    const stored = await readSession(sesid)
    if (!overtaken) {
      overtaken = true
      await new SessionFileStore({ sessionDir }).createSession('{"theirs":1,"cookie":{}}', { sesid })
    }
    return stored
  }
  await first.set('one', { cookie: browserCookie, mine: 1 })
  t.match(await first.get('one'), { mine: 1 })
})

t.test('a session without a cookie is stored all the same', async t => {
  const store = promised(connectStore(new SessionFileStore({ sessionDir: directory(t) })))
  await store.set('bare', { a: 1 })
  await store.touch('bare', { a: 1 })
  t.strictSame(await store.get('bare'), { a: 1, cookie: { originalMaxAge: null, expires: null } })
})

t.test('a session that cannot be made is an error', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t), maxSize: 10 })
  await t.rejects(promised(connectStore(files)).set('one', { cookie: browserCookie }), { code: 'SESSION_TOO_BIG' })
})

t.test('a session that comes and goes all the time is an error in the end', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t) })
  files.createSession = async () => { throw new SessionError('SESSION_ID_TAKEN', 'taken') }
  await t.rejects(promised(connectStore(files)).set('one', { cookie: browserCookie }), { code: 'SESSION_CONFLICT' })
})

t.test('a touch that changes the time and meets another save leaves that in place', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t) })
  const store = promised(connectStore(files))
  await store.set('one', { cookie: browserCookie, a: 1 })
  const replaceSession = files.replaceSession.bind(files)
  let overtaken = false
  files.replaceSession = async (sesid, text, version, options) => {
    if (!overtaken) {
      overtaken = true
      await files.putSession('one', JSON.stringify({ a: 2, cookie: browserCookie }))
    }
    return await replaceSession(sesid, text, version, options)
  }
  await store.touch('one', { cookie: cookieFor(30_000), a: 1 })
  t.match(await store.get('one'), { a: 2 })
  t.equal((await files.readSession('one'))?.idleTimeout, 30)
})

t.test('a session that the plugin stored can be read, with a cookie made for it', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t) })
  const store = promised(connectStore(files))
  await files.open()
  const empty = await files.newSession()
  t.strictSame(await store.get(empty), { cookie: { originalMaxAge: null, expires: null } })
  const { sesid } = await files.createSession('{"user":"ann"}', { idleTimeout: 60 })
  t.match(await store.get(sesid), { user: 'ann', cookie: { originalMaxAge: 60_000, expires: Date } })
})

t.test('what cannot be decoded is set aside', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t) })
  const store = promised(connectStore(files))
  await files.open()
  for (const text of ['no JSON', '[]']) {
    const { sesid } = await files.createSession(text)
    t.equal(await store.get(sesid), null)
    t.equal(await files.getSession(sesid), null)
  }
})

t.test('another codec', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t) })
  const codec = {
    encode: (data: object) => Buffer.from(JSON.stringify(data)).toString('hex'),
    decode: (text: string) => JSON.parse(Buffer.from(text, 'hex').toString()) as Record<string, unknown>
  }
  const store = promised(connectStore(files, { codec }))
  await store.set('one', { cookie: browserCookie, a: 1 })
  t.match(await store.get('one'), { a: 1 })
  t.match(await files.getSession('one'), /^[0-9a-f]+$/)
})

/** The five methods and compare-and-swap, in memory, and a list of them all; nothing else. */
class MemorySessions implements VersionedSessionStore {
  readonly byId = new Map<string, string>()
  sesAppid (): string { return 'sid' }
  async getSession (sesid: string): Promise<string | null> { return this.byId.get(sesid) ?? null }
  async newSession (): Promise<string> { return (await this.createSession('')).sesid }
  async putSession (sesid: string, text: string): Promise<void> { this.byId.set(sesid, text) }
  async delSession (sesid: string): Promise<void> { this.byId.delete(sesid) }
  async readSession (sesid: string) {
    const text = await this.getSession(sesid)
    return text === null ? null : { text, version: text, idleTimeout: undefined, touchDue: true }
  }

  async createSession (text: string, { sesid = String(this.byId.size) } = {}): Promise<CreatedSession> {
    this.byId.set(sesid, text)
    return { sesid, version: text }
  }

  async replaceSession (sesid: string, text: string) {
    this.byId.set(sesid, text)
    return { result: 'replaced' as const, version: text }
  }
}

class ListedSessions extends MemorySessions {
  async * sessions () { for (const text of this.byId.values()) yield { age: 0, idle: 0, idleLeft: 1, size: text.length } }
  async * texts () { yield * this.byId.values() }
  async clear (): Promise<number> { this.byId.clear(); return 0 }
}

t.test('all, length and clear', async t => {
  const sessions = new ListedSessions()
  const store = promised(connectStore(sessions))
  await store.set('one', { cookie: browserCookie, a: 1 })
  await store.set('two', { cookie: cookieFor(1000), a: 2 })
  await sessions.putSession('three', 'no JSON')
  t.match(await store.all(), [{ a: 1 }, { a: 2 }])
  t.equal((await store.all())?.length, 2)
  t.equal(await store.length(), 3)
  await store.clear()
  t.equal(await store.length(), 0)
})

t.test('a store that can do less', async t => {
  const store = promised(connectStore(new MemorySessions()))
  await t.rejects(store.all(), { code: 'SESSION_STORE', message: /texts/ })
  await t.rejects(store.length(), { code: 'SESSION_STORE', message: /sessions/ })
  await t.rejects(store.clear(), { code: 'SESSION_STORE', message: /clear/ })
  await store.set('one', { cookie: cookieFor(1000) })
  await store.touch('one', { cookie: cookieFor(1000) })
  t.match(await store.get('one'), { cookie: { originalMaxAge: 1000, expires: Date } }, 'no time left that it knows of: all of it')
  await (store.set('bad', { cookie: browserCookie }))
  const sessions = new MemorySessions()
  await sessions.putSession('bad', 'no JSON')
  t.equal(await promised(connectStore(sessions)).get('bad'), null)
  t.equal(await sessions.getSession('bad'), 'no JSON', 'there is nowhere to set it aside')
})

t.test('a store that makes the ids itself cannot be used', async t => {
  const five = { sesAppid () {}, getSession () {}, newSession () {}, putSession () {}, delSession () {} } as unknown as SessionStore
  t.throws(() => connectStore(five as VersionedSessionStore), { code: 'SESSION_OPTION', message: /createSession/ })
  const deaf = new MemorySessions()
  const createSession = deaf.createSession.bind(deaf)
  deaf.createSession = async text => await createSession(text)
  await t.rejects(promised(connectStore(deaf)).set('given', { cookie: browserCookie }), { code: 'SESSION_STORE', message: /sesid/ })
  t.equal(deaf.byId.size, 0, 'nothing is left behind')
})

t.test('without a callback', async t => {
  const sessions = new MemorySessions()
  const store = connectStore(sessions)
  const stored = new Promise<void>(resolve => {
    const createSession = sessions.createSession.bind(sessions)
    sessions.createSession = async (text, options) => {
      const created = await createSession(text, options)
      resolve()
      return created
    }
  })
  store.set('one', { cookie: browserCookie, a: 1 })
  await stored
  t.match(await promised(store).get('one'), { a: 1 })
  sessions.delSession = async () => { throw new Error('broken') }
  store.destroy('one')
  await t.rejects(promised(store).destroy('one'), { message: 'broken' }, 'nobody listens: nothing happens')
  const heard = once(store, 'error')
  store.destroy('one')
  t.match(await heard, [{ message: 'broken' }])
})

t.test('what express-session has its stores inherit', async t => {
  const store = connectStore(new SessionFileStore({ sessionDir: directory(t) }))
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
  await t.rejects(promisify(store.load.bind(connectStore(Object.assign(new MemorySessions(), {
    readSession: async () => { throw new Error('broken') }
  }))))('one'), { message: 'broken' })
})

t.test('over HTTP: a persistent cookie, touched by every request', async t => {
  const files = new SessionFileStore({ sessionDir: directory(t), idleTimeout: 5 })
  const client = new Client(await expressApp(t, connectStore(files), { cookie: { maxAge: 3_600_000 }, rolling: true }))
  t.match((await client.get('/count')).setCookie, /expires=/i)
  t.match((await client.get('/views')).setCookie, /expires=/i, 'rolling')
  const left = Number((await client.get('/max-age')).body)
  t.ok(left > 3_590_000 && left <= 3_600_000)
})
