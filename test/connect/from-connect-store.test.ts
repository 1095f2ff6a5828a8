import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import Fastify, { type FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import sessionFileStore from 'session-file-store'
import t, { type Test } from 'tap'
import fileSessions from '../../index'
import { fromConnectStore, type ConnectSessionStore } from '../../lib/connect/from-connect-store'
import type { SessionCodec } from '../../lib/session/codec'
import { isDated } from '../../lib/store/features'
import { Client } from '../support/client'
import { listen } from '../support/serve'

const { MemoryStore: FastifyMemoryStore } = require('@fastify/session') as { MemoryStore: new () => ConnectSessionStore }

const FileStore = sessionFileStore(session)

interface Counted { count?: number, user?: string, set (key: string, value: unknown): void }

/** A real app on a store of another kind, and a client that keeps the cookie. */
async function start (t: Test, store: ConnectSessionStore, options = {}) {
  const app: FastifyInstance = Fastify()
  await app.register(fileSessions, { store: fromConnectStore(store, { appid: 'sid', ...options }), cookie: { maxAge: 7200 } })
  app.get('/count', async request => {
    const session = request.session as unknown as Counted
    session.count = (session.count ?? 0) + 1
    return String(session.count)
  })
  app.get('/read', async request => String((request.session as unknown as Counted).count))
  app.get('/empty', async request => {
    delete (request.session as unknown as Counted).count
    return String(request.session.sessionId !== undefined)
  })
  app.get('/modified', async request => String(request.session.isModified()))
  app.get('/name', async request => { request.session.set('cookie', 'mine'); return 'no' })
  app.get('/remember', async request => { request.session.options({ maxAge: 1_000_000 }); return 'yes' })
  app.get('/touch', async request => { request.session.touch(); return 'yes' })
  app.get('/login', async request => {
    await request.session.regenerate()
    request.session.set('user', 'ann')
    return 'hello'
  })
  app.get('/logout', async request => { await request.session.destroy(); return 'bye' })
  return new Client(await listen(t, app))
}

async function wholeLife (t: Test, store: ConnectSessionStore): Promise<void> {
  const client = await start(t, store)
  t.strictSame((await client.get('/read')).cookies, [])
  t.equal((await client.get('/count')).text, '1')
  t.equal((await client.get('/count')).text, '2')
  const again = await start(t, store)
  again.cookie = client.cookie
  t.equal((await again.get('/count')).text, '3', 'another process goes on')
  t.equal((await again.get('/touch')).status, 200)
  t.equal((await again.get('/remember')).status, 200)
  t.equal((await again.get('/read')).text, '3')
  const before = again.cookie
  await again.get('/login')
  t.not(again.cookie, before)
  t.equal((await again.get('/read')).text, 'undefined')
  t.equal((await client.get('/read')).text, 'undefined', 'the old id works no more')
  const loggedIn = again.cookie
  await again.get('/logout')
  again.cookie = loggedIn
  const { text, cookies } = await again.get('/read')
  t.equal(text, 'undefined')
  t.strictSame(cookies, [], 'a cookie that names no session is left alone')
}

t.test('express-session\'s MemoryStore', async t => {
  await wholeLife(t, new session.MemoryStore())
})

t.test('@fastify/session\'s MemoryStore, which can neither touch nor expire', async t => {
  await wholeLife(t, new FastifyMemoryStore())
})

t.test('session-file-store', async t => {
  const path = t.testdir()
  // Without retries: it takes 250 ms to say that there is no session.
  const store = new FileStore({ path, retries: 0, reapInterval: -1, logFn () {} })
  await wholeLife(t, store)
  t.strictSame((await readdir(path)).length, 0)
})

const noRedis = spawnSync('redis-server', ['--version']).error === undefined ? false : 'there is no redis-server on this machine'

t.test('connect-redis on a redis-server', { skip: noRedis }, async t => {
  // A socket's path must be short.
  const directory = await mkdtemp(join(tmpdir(), 'redis-'))
  const path = join(directory, 'socket')
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--dir', directory, '--save', ''])
  const client = createClient({ socket: { path, reconnectStrategy: false } })
  client.on('error', () => {})
  t.teardown(async () => {
    if (client.isOpen) client.destroy()
    server.kill()
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    await rm(directory, { recursive: true })
  })
  let log = ''
  for await (const chunk of server.stdout) {
    log += String(chunk)
    if (/ready to accept connections/i.test(log)) break
  }
  await client.connect()
  const store = new RedisStore({ client })
  await wholeLife(t, store)

  await t.test('expiry is the store\'s', async t => {
    const { app, sesid } = await (async () => {
      const app = await start(t, store, { idleTimeout: 10_000 })
      await app.get('/count')
      return { app, sesid: app.sesid }
    })()
    const key = `sess:${sesid}`
    const ttl = await client.ttl(key)
    t.ok(ttl > 9000 && ttl <= 10_000)
    await client.expire(key, 50)
    await app.get('/touch')
    t.ok(await client.ttl(key) > 9000, 'a touch starts it anew')
    await client.del(key)
    t.equal((await app.get('/read')).text, 'undefined')
  })

  await t.test('a store that fails', async t => {
    const app = await start(t, store)
    await app.get('/count')
    client.destroy()
    t.equal((await app.get('/read')).status, 500)
    const sessions = fromConnectStore(store)
    await t.rejects(sessions.getSession('one'), { code: 'SESSION_STORE', statusCode: 500, cause: Error })
    await t.rejects(sessions.putSession(await sessions.newSession(), '{}'), { code: 'SESSION_STORE' })
    await t.rejects(sessions.delSession('one'), { code: 'SESSION_STORE' })
  })
})

/** A table with the columns of connect-pg-simple, its methods as they are there. */
class TableStore extends session.Store {
  readonly rows = new Map<string, { sess: string, expire: number }>()
  now = Date.now()
  touches = 0

  override get (sid: string, done: (error: unknown, session?: session.SessionData | null) => void): void {
    const row = this.rows.get(sid)
    process.nextTick(() => {
      row === undefined || row.expire < this.now / 1000 ? done(null) : done(null, JSON.parse(row.sess) as session.SessionData)
    })
  }

  override set (sid: string, sess: session.SessionData, done?: (error?: unknown) => void): void {
    this.rows.set(sid, { sess: JSON.stringify(sess), expire: this.#expire(sess) })
    process.nextTick(() => { done?.(null) })
  }

  override destroy (sid: string, done?: (error?: unknown) => void): void {
    this.rows.delete(sid)
    process.nextTick(() => { done?.(null) })
  }

  override touch (sid: string, sess: session.SessionData, done?: (error?: unknown) => void): void {
    this.touches++
    const row = this.rows.get(sid)
    if (row !== undefined) row.expire = this.#expire(sess)
    process.nextTick(() => { done?.(null) })
  }

  #expire (sess: session.SessionData): number {
    return sess.cookie.expires ? Math.ceil(new Date(sess.cookie.expires).valueOf() / 1000) : this.now / 1000 + 86400
  }
}

t.test('a store of connect-pg-simple\'s shape', async t => {
  await wholeLife(t, new TableStore())
})

t.test('a touch that the stored cookie does not show counts', async t => {
  const store = new TableStore()
  const sessions = fromConnectStore(store, { idleTimeout: 100 })
  const sesid = await sessions.newSession()
  await sessions.putSession(sesid, '{"a":1}')
  const row = store.rows.get(sesid) as { sess: string, expire: number }
  const stored = JSON.parse(row.sess) as { cookie: { expires: string } }
  stored.cookie.expires = new Date(Date.now() - 1000).toISOString()
  row.sess = JSON.stringify(stored)
  t.equal(await sessions.getSession(sesid), '{"a":1}', 'the store says that it lives')
  t.equal(store.touches, 1)
  t.equal(await sessions.getSession(sesid), '{"a":1}')
  t.equal(store.touches, 1, 'one touch is enough for a while')
  t.ok(isDated(sessions))
  await sessions.touchSession(sesid)
  t.equal(store.touches, 2)
  await sessions.touchSession('nobody')
  t.equal(store.touches, 2)
})

t.test('a persistent cookie is sent again when its session is touched, for as long as that session may idle', async t => {
  const store = new session.MemoryStore()
  const { sessions } = store as unknown as { sessions: Record<string, string> }
  let client = await start(t, store)
  const maxAge = async (path: string): Promise<string | undefined> =>
    (await client.get(path)).cookies[0]?.attributes['max-age']
  /** As if the app had been started again, and the session last been used so many seconds ago. */
  const restart = async (seconds: number): Promise<void> => {
    const stored = JSON.parse(sessions[client.sesid] as string) as { cookie: { originalMaxAge: number, expires: Date } }
    stored.cookie.expires = new Date(Date.now() + stored.cookie.originalMaxAge - seconds * 1000)
    sessions[client.sesid] = JSON.stringify(stored)
    const { cookie } = client
    client = await start(t, store)
    client.cookie = cookie
  }

  t.equal(await maxAge('/count'), '7200')
  t.equal(await maxAge('/read'), undefined, 'not at every response')
  await restart(70)
  t.equal(await maxAge('/read'), '7200')
  t.equal(await maxAge('/read'), undefined)
  await restart(70)
  t.equal(await maxAge('/count'), '7200', 'with a save, too')

  t.equal(await maxAge('/remember'), '1000000')
  t.equal(await maxAge('/touch'), '1000000', 'a touch does not take away that the visitor is remembered')
  await restart(70)
  t.equal(await maxAge('/read'), '1000000')
  t.equal(await maxAge('/login'), '1000000', 'nor does a new id')
  await restart(0)
  t.equal(await maxAge('/touch'), '1000000', 'nor a restart')
})

t.test('the contract of the five methods', async t => {
  const store = new FastifyMemoryStore() as ConnectSessionStore & { store: Map<string, { cookie: { expires: Date, maxAge: number } }> }
  const sessions = fromConnectStore(store, { appid: 'shop', idleTimeout: 60 })
  t.equal(sessions.sesAppid(), 'shop')
  const sesid = await sessions.newSession()
  t.match(sesid, /^[\w-]{32}$/)
  t.equal(await sessions.getSession(sesid), '')
  await sessions.putSession(sesid, '{}')
  t.equal(await sessions.getSession(sesid), '{}')
  await sessions.putSession(sesid, '{"a":[1,"ä"],"__proto__":{"b":2}}')
  t.equal(await sessions.getSession(sesid), '{"a":[1,"ä"],"__proto__":{"b":2}}')
  await sessions.putSession(sesid, '')
  t.equal(await sessions.getSession(sesid), '')

  for (const nobody of ['', 'unknown', '../../etc/passwd', 'a\0b', 'x'.repeat(10_000), 'ä', 'a b']) {
    t.equal(await sessions.getSession(nobody), null)
    await sessions.putSession(nobody, '{"a":1}')
    t.equal(await sessions.getSession(nobody), null, 'a save makes no session')
    await sessions.delSession(nobody)
    await sessions.touchSession(nobody)
  }

  await sessions.putSession(sesid, '{"a":1}', { idleTimeout: 1000 })
  const left = (): number => store.store.get(sesid)?.cookie.maxAge as number
  t.ok(left() > 900_000 && left() <= 1_000_000)
  await sessions.putSession(sesid, '{"a":2}')
  t.ok(left() > 900_000, 'it keeps the time that it has')
  const aged = store.store.get(sesid) as { cookie: { expires: Date } }
  aged.cookie.expires = new Date(Date.now() + 500_000)
  t.equal(await sessions.getSession(sesid), '{"a":2}')
  t.ok(left() > 900_000, 'a read after a while is a touch')

  await sessions.delSession(sesid)
  t.equal(await sessions.getSession(sesid), null)
  await sessions.putSession(sesid, '{"a":1}')
  t.equal(await sessions.getSession(sesid), null, 'destroyed stays destroyed')

  const expired = await sessions.newSession()
  await sessions.putSession(expired, '{}')
  const session = store.store.get(expired) as { cookie: { expires: Date } }
  session.cookie.expires = new Date(Date.now() - 1)
  t.equal(await sessions.getSession(expired), null)
  t.equal(store.store.size, 0, 'what has expired is removed where the store does not')
})

t.test('sessions that express-session stored go on', async t => {
  const store = new session.MemoryStore()
  const put = (sesid: string, data: object): void => { store.set(sesid, data as session.SessionData) }
  const sessions = fromConnectStore(store, { idleTimeout: 50 })
  put('for-the-browser', { user: 'ann', cookie: { originalMaxAge: null, expires: null, path: '/', sameSite: 'lax' } })
  put('persistent', { user: 'bob', cookie: { originalMaxAge: 1000_000, expires: new Date(Date.now() + 1000_000) } })
  put('bare', { user: 'eve' })
  t.equal(await sessions.getSession('for-the-browser'), '{"user":"ann"}')
  t.equal(await sessions.getSession('persistent'), '{"user":"bob"}')
  t.equal(await sessions.getSession('bare'), '{"user":"eve"}')
  await sessions.putSession('for-the-browser', '{"user":"ann","cart":1}')
  const stored = JSON.parse((store as unknown as { sessions: Record<string, string> }).sessions['for-the-browser'] as string) as object
  t.match(stored, { user: 'ann', cart: 1, cookie: { originalMaxAge: 50_000, expires: String, path: '/', sameSite: 'lax' } })
})

t.test('the name cookie is taken', async t => {
  const app = await start(t, new session.MemoryStore())
  t.equal((await app.get('/name')).status, 500)
  await t.rejects(async () => {
    const sessions = fromConnectStore(new session.MemoryStore())
    await sessions.putSession(await sessions.newSession(), '{"cookie":1}')
  }, { code: 'SESSION_NAME_TAKEN' })
})

t.test('an emptied session stays, and is not modified', async t => {
  const app = await start(t, new session.MemoryStore())
  await app.get('/count')
  await app.get('/empty')
  t.equal((await app.get('/modified')).text, 'false')
  t.equal((await app.get('/count')).text, '1')
})

t.test('the plugin\'s codec', async t => {
  const codec: SessionCodec = {
    encode: data => `!${JSON.stringify(data)}`,
    decode: text => JSON.parse(text.slice(1)) as Record<string, unknown>
  }
  const store = new session.MemoryStore()
  const sessions = fromConnectStore(store, { codec })
  const sesid = await sessions.newSession()
  await sessions.putSession(sesid, '!{"a":1}')
  t.equal(await sessions.getSession(sesid), '!{"a":1}')
  const other = fromConnectStore(store)
  await t.rejects(other.putSession(sesid, '!{"a":"confidential"}'), { code: 'SESSION_CODEC', message: /same codec/ })
  await t.rejects(other.putSession(sesid, '[]'), { code: 'SESSION_CODEC' })
  await other.putSession(sesid, '!confidential').catch((error: unknown) => { t.notMatch(inspect(error), /confidential/) })
})

t.test('errors, however a store reports them, without the id', async t => {
  const sesid = 'confidential-id'
  class Failure extends Error {}
  const found = { cookie: {} }
  const failing = (get: ConnectSessionStore['get']) => fromConnectStore({ get, set () {}, destroy () {} })
  const reasons: Array<ConnectSessionStore['get']> = [
    (_sesid, done) => { done(new Failure('by callback')) },
    (_sesid, done) => { done(new Error(`by callback, at ${_sesid}.json`)) },
    (_sesid, done) => { done(Object.assign(new Error(`by callback, at ${_sesid}.json`), { code: 'EACCES', path: _sesid })) },
    (_sesid, done) => { done(new Error('by callback', { cause: new Error(_sesid) })) },
    (_sesid, done) => { done(`a text about ${_sesid}`) },
    _sesid => { throw new Error(`thrown at ${_sesid}`) },
    async _sesid => { throw new Error(`rejected at ${_sesid}`) }
  ]
  for (const reason of reasons) {
    const error = await failing(reason).getSession(sesid).catch((error: unknown) => error) as Error
    t.match(error, { code: 'SESSION_STORE', message: 'the session store cannot read a session' })
    t.ok(error.cause)
    t.notMatch(inspect(error, { depth: 10 }), /confidential-id/)
  }
  const first = await failing(reasons[0] as ConnectSessionStore['get']).getSession(sesid).catch((error: unknown) => error) as Error
  t.ok(first.cause instanceof Failure, 'an error that tells nothing is left as it is')
  const third = await failing(reasons[2] as ConnectSessionStore['get']).getSession(sesid).catch((error: unknown) => error) as Error
  t.match(third.cause, { code: 'EACCES', message: 'by callback, at <session id>.json' })

  const missing = failing((_sesid, done) => { done(Object.assign(new Error('none'), { code: 'ENOENT' })) })
  t.equal(await missing.getSession(sesid), null, 'a file that is not there is no error')
  const half = fromConnectStore({ get (_sesid, done) { done(null, found) }, set (_sesid, _session, done) { done(new Error('full')) }, destroy () {} })
  await t.rejects(half.putSession(sesid, '{}'), { code: 'SESSION_STORE', message: /save/ })
  await t.rejects(half.touchSession(sesid), { code: 'SESSION_STORE', message: /touch/ })
})

/** A store that keeps what it is given, can neither touch nor expire, and waits when it is told to. */
class WaitingStore implements ConnectSessionStore {
  readonly sessions = new Map<string, { cookie: { originalMaxAge?: number, expires: Date } }>()
  readonly calls: string[] = []
  /** Runs before a call takes effect. */
  before: (call: 'get' | 'set' | 'destroy') => unknown = () => {}

  async get (sesid: string, done: (error?: unknown, session?: object | null) => void): Promise<void> {
    this.calls.push('get')
    await this.before('get')
    done(null, this.sessions.get(sesid))
  }

  async set (sesid: string, session: object, done: (error?: unknown) => void): Promise<void> {
    this.calls.push('set')
    await this.before('set')
    this.sessions.set(sesid, session as { cookie: { expires: Date } })
    done(null)
  }

  async destroy (sesid: string, done: (error?: unknown) => void): Promise<void> {
    this.calls.push('destroy')
    await this.before('destroy')
    this.sessions.delete(sesid)
    done(null)
  }
}

t.test('a new session is made with one call of set', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  t.strictSame(store.calls, [], 'nothing is stored yet')
  t.equal(await sessions.getSession(sesid), '')
  t.strictSame(await sessions.readSession(sesid), { text: '', idleTimeout: undefined, touchDue: false })
  await sessions.touchSession(sesid)
  t.equal(await fromConnectStore(store).getSession(sesid), null, 'another process does not know it')
  store.calls.length = 0
  await sessions.putSession(sesid, '{"a":1}', { idleTimeout: 60 })
  t.strictSame(store.calls, ['set'])
  t.equal(await sessions.getSession(sesid), '{"a":1}')
  t.equal(store.sessions.get(sesid)?.cookie.originalMaxAge, 60_000)

  await sessions.delSession(sesid)
  await sessions.putSession(sesid, '{"a":2}')
  t.equal(await sessions.getSession(sesid), null, 'it is new once')
})

t.test('a new session that is ended before it is stored', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  await sessions.delSession(sesid)
  t.equal(await sessions.getSession(sesid), null)
  await sessions.putSession(sesid, '{"a":1}')
  t.equal(store.sessions.size, 0)
})

t.test('a new session that could not be stored may be stored later', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  store.before = () => { throw new Error('full') }
  await t.rejects(sessions.putSession(sesid, '{"a":1}'), { code: 'SESSION_STORE' })
  store.before = () => {}
  await sessions.putSession(sesid, '{"a":2}')
  t.equal(await sessions.getSession(sesid), '{"a":2}')
})

t.test('so many new sessions that the first is forgotten', async t => {
  const sessions = fromConnectStore(new WaitingStore())
  const first = await sessions.newSession()
  for (let n = 1; n < 10_000; n++) await sessions.newSession()
  t.equal(await sessions.getSession(first), '')
  const last = await sessions.newSession()
  t.equal(await sessions.getSession(first), null)
  t.equal(await sessions.getSession(last), '')
})

t.test('overlapping calls for one id take effect in their order', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  // Each call takes longer than any that comes after it.
  let ticks = 50
  store.before = async () => { for (let tick = ticks--; tick > 0; tick--) await new Promise(resolve => { setImmediate(resolve) }) }
  await Promise.all([1, 2, 3].map(n => sessions.putSession(sesid, `{"n":${n}}`)))
  t.equal(await sessions.getSession(sesid), '{"n":3}')
  await Promise.all([sessions.touchSession(sesid), sessions.putSession(sesid, '{"n":4}')])
  t.equal(await sessions.getSession(sesid), '{"n":4}')
  await Promise.all([sessions.putSession(sesid, '{"n":5}'), sessions.delSession(sesid)])
  t.equal(await sessions.getSession(sesid), null)
})

t.test('a session that is found expired, and prolonged before it is removed, stays', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  await sessions.putSession(sesid, '{"a":1}')
  const { cookie } = store.sessions.get(sesid) as { cookie: { expires: Date } }
  cookie.expires = new Date(Date.now() - 1)
  await sessions.putSession(sesid, '{"a":2}')
  await sessions.touchSession(sesid)
  t.equal(store.sessions.get(sesid)?.cookie.expires, cookie.expires, 'a save and a touch come too late')
  let gets = 0
  store.before = call => { if (call === 'get' && ++gets === 2) cookie.expires = new Date(Date.now() + 60_000) }
  t.equal(await sessions.getSession(sesid), null)
  t.equal(await sessions.getSession(sesid), '{"a":1}')
})

t.test('a save that finds no directory is an error, not a session that is not there', async t => {
  const store = new WaitingStore()
  const sessions = fromConnectStore(store)
  const sesid = await sessions.newSession()
  store.before = () => { throw Object.assign(new Error('no such directory'), { code: 'ENOENT' }) }
  await t.rejects(sessions.putSession(sesid, '{"a":1}'), { code: 'SESSION_STORE', cause: { code: 'ENOENT' } })
  await sessions.delSession(sesid)
})

t.test('data that cannot be encoded again are not quoted', async t => {
  const store = new WaitingStore()
  store.sessions.set('one', { confidential: 1n, cookie: {} } as never)
  const error = await fromConnectStore(store).getSession('one').catch((error: unknown) => error)
  t.match(error, { name: 'SessionError', code: 'SESSION_CODEC' })
  t.notMatch(inspect(error, { depth: 10 }), /confidential/)
})

t.test('a stored cookie with a time that is none', async t => {
  const store = new WaitingStore()
  store.sessions.set('one', { a: 1, cookie: { originalMaxAge: NaN, expires: new Date(NaN) } } as never)
  t.match(await fromConnectStore(store).readSession('one'), { text: '{"a":1}', idleTimeout: undefined, touchDue: true })
})
