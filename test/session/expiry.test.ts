import t, { type Test } from 'tap'
import { constants, statSync } from 'node:fs'
import Fastify, { type FastifyInstance } from 'fastify'
import fileSessions, { type FileSessionsOptions } from '../../index'
import type { Disk } from '../../lib/store/files/disk'
import { FileStore } from '../../lib/store/files/file-store'
import { localDisk } from '../../lib/store/files/local-disk'
import { age, ageAccess, Time } from '../support/aged-sessions'
import { Client } from '../support/client'
import { pooledDisk } from '../support/disks'
import { newSession } from '../support/new-session'
import { listen } from '../support/serve'
import { contents, newFile, sessionDirectory, sessionFiles } from '../support/session-files'

declare module '../../index' {
  interface SessionData { user: string }
}

const NO_ACCESS_TIME = constants.O_NOATIME ?? 0
const DAY = 24 * 3600

interface Server {
  app: FastifyInstance
  /** Answers the session's user, and the Set-Cookie header. */
  get: (path: string, cookie?: string) => Promise<{ status: number, user: string | null, setCookie: string | null }>
}

async function start (t: Test, options: FileSessionsOptions): Promise<Server> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(fileSessions, options)
  app.get('/login', async request => {
    request.session.user = 'anna'
    return { user: 'anna' }
  })
  app.get('/remember', async request => {
    request.session.user = 'anna'
    request.session.options({ maxAge: 30 * DAY })
    return { user: 'anna' }
  })
  app.get('/touch', async request => {
    request.session.touch()
    return { user: request.session.user ?? null }
  })
  app.get('/', async request => ({ user: request.session.user ?? null }))
  const url = await listen(t, app)
  return {
    app,
    async get (path, cookie = '') {
      const client = new Client(url)
      client.cookie = cookie
      const { status, json, headers } = await client.get(path)
      return { status, user: (json as { user: string | null }).user, setCookie: headers.get('set-cookie') }
    }
  }
}

async function login (server: Server, path = '/login'): Promise<{ cookie: string, setCookie: string }> {
  const { setCookie } = await server.get(path)
  if (setCookie === null) throw new Error('no cookie')
  return { cookie: setCookie.split(';')[0] as string, setCookie }
}

t.test('each app has its idle timeout', async t => {
  const sessionDir = sessionDirectory(t)
  const hour = await start(t, { sessionDir, appid: 'hour', idleTimeout: 3600 })
  const minute = await start(t, { sessionDir, appid: 'minute', idleTimeout: 60 })
  const ofHour = await login(hour)
  const ofMinute = await login(minute)
  for (const path of sessionFiles(sessionDir)) age(path, 120)

  t.equal((await hour.get('/', ofHour.cookie)).user, 'anna')
  const expired = await minute.get('/', ofMinute.cookie)
  t.equal(expired.user, null)
  t.equal(expired.setCookie, null, 'the cookie of an expired session is left alone')
})

t.test('the absolute timeout ends a session that is in use', async t => {
  const time = new Time()
  const store = new FileStore(
    { sessionDir: sessionDirectory(t), idleTimeout: 1800, absoluteTimeout: 3600 }, localDisk, time.clock)
  const server = await start(t, { store })
  const { cookie } = await login(server)
  for (let minutes = 20; minutes < 60; minutes += 20) {
    time.pass(20 * 60)
    t.equal((await server.get('/', cookie)).user, 'anna', `after ${minutes} minutes`)
  }
  time.pass(19 * 60)
  t.equal((await server.get('/', cookie)).user, 'anna', 'after 59 minutes')
  time.pass(2 * 60)
  t.equal((await server.get('/', cookie)).user, null, 'after 61 minutes')
  t.equal((await store.reap()).expired, 0, 'it has a minute of grace')
  time.pass(60)
  t.equal((await store.reap()).expired, 1, 'then it is removed, although it was in use just now')
})

t.test('a session that is to be remembered survives a restart and the reaper', async t => {
  const sessionDir = sessionDirectory(t)
  const first = await start(t, { sessionDir })
  const plain = await login(first)
  const plainFile = newFile(sessionDir)
  const remembered = await login(first, '/remember')
  const file = newFile(sessionDir, [plainFile])
  t.notMatch(plain.setCookie, /Max-Age/i)
  t.match(remembered.setCookie, /Max-Age=2592000/)
  await first.app.close()
  age(plainFile, 5 * DAY)
  age(file, 29 * DAY)

  const second = await start(t, { sessionDir })
  const store = second.app.sessionStore as FileStore
  t.match(await store.reap(), { seen: 2, expired: 1 })
  t.strictSame(sessionFiles(sessionDir), [file], 'the other one is gone')
  t.match(await store.reap(), { seen: 1, expired: 0 }, 'being looked at by the reaper is no use')
  t.ok(Date.now() - statSync(file).atimeMs > 28 * DAY * 1000)

  const answer = await second.get('/', remembered.cookie)
  t.equal(answer.user, 'anna')
  t.match(answer.setCookie, /Max-Age=2592000/, 'its cookie is renewed for as long')
  t.equal((await second.get('/', plain.cookie)).user, null)

  age(file, 31 * DAY)
  t.match(await store.reap(), { expired: 1 })
  t.equal((await second.get('/', remembered.cookie)).user, null)
})

t.test('a session can be remembered later, and keeps that when it is saved again', async t => {
  const sessionDir = sessionDirectory(t)
  const server = await start(t, { sessionDir })
  const { cookie } = await login(server)
  t.match((await server.get('/remember', cookie)).setCookie, /Max-Age=2592000/)
  const store = new FileStore({ sessionDir })
  const sesid = cookie.slice('sid='.length)
  await store.putSession(sesid, '{"user":"berta"}')
  age(newFile(sessionDir), 29 * DAY)
  t.equal((await server.get('/', cookie)).user, 'berta')
})

t.test('rolling cookies come with a touch, not with every response', async t => {
  const sessionDir = sessionDirectory(t)
  const server = await start(t, { sessionDir, cookie: { maxAge: 3600 } })
  const { cookie, setCookie } = await login(server)
  const file = newFile(sessionDir)
  t.match(setCookie, /Max-Age=3600/)
  t.equal((await server.get('/', cookie)).setCookie, null, 'just used')

  const before = contents(file)
  ageAccess(file, 61)
  t.match((await server.get('/', cookie)).setCookie, /Max-Age=3600/, 'used a minute ago')
  t.ok(Date.now() - statSync(file).atimeMs < 30_000, 'the access time is set')
  t.strictSame(contents(file), before, 'nothing is written')
  t.equal((await server.get('/', cookie)).setCookie, null, 'and just used again')

  t.match((await server.get('/touch', cookie)).setCookie, /Max-Age=3600/, 'touched by hand')
  t.strictSame(contents(file), before, 'still nothing is written')
})

t.test('without rolling the session is touched and the cookie left as it is', async t => {
  const sessionDir = sessionDirectory(t)
  const server = await start(t, { sessionDir, rolling: false, cookie: { maxAge: 3600 } })
  const { cookie } = await login(server)
  const file = newFile(sessionDir)
  ageAccess(file, 61)
  t.equal((await server.get('/', cookie)).setCookie, null)
  t.ok(Date.now() - statSync(file).atimeMs < 30_000)
})

t.test('a wall clock that is put right logs nobody out', async t => {
  for (const jump of [10 * 3600, -10 * 3600]) {
    const time = new Time()
    const store = new FileStore({ sessionDir: `${sessionDirectory(t)}${jump}` }, localDisk, time.clock)
    const server = await start(t, { store })
    const { cookie } = await login(server)
    time.pass(3600)
    time.jump(jump)
    t.match(await store.reap(), { seen: 1, expired: 0 }, `the reaper takes no notice of ${jump} s`)
    t.equal((await server.get('/', cookie)).user, 'anna')
    time.pass(7100)
    t.equal((await server.get('/', cookie)).user, 'anna', 'idle times are counted on from the new time')
    // What was written before the clock was put back seems to come from the future until it has caught up.
    time.pass(7300 + Math.max(-jump, 0))
    t.equal((await server.get('/', cookie)).user, null, 'and end in the end')
  }
})

t.test('a request that got the session before its end can still save it', async t => {
  const time = new Time()
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir }, localDisk, time.clock)
  const { sesid, name, version } = await newSession(store, 'old')
  time.pass(7200 + 30)
  t.equal(await store.getSession(sesid), null, 'for others it has expired')
  await store.putSession(sesid, 'blind')
  t.match(await store.reap(), { seen: 1, expired: 0 }, 'the reaper waits')
  t.match(await store.replace(name, { text: 'new' }, version), { result: 'replaced' })
  t.equal(await store.getSession(sesid), 'new', 'so it was in use, and lives')

  const late = await newSession(store, 'old')
  time.pass(7200 + 61)
  t.match(await store.replace(late.name, { text: 'new' }, late.version), { result: 'gone' }, 'too late')
  await store.touch(late.name)
  t.equal(await store.getSession(late.sesid), null, 'a touch does not bring it back either')
  t.match(await store.reap(), { seen: 2, expired: 2 })
})

t.test('an expired session does not live again because its file was read', async t => {
  const sessionDir = sessionDirectory(t)
  const { sesid } = await newSession(new FileStore({ sessionDir }), 'text')
  age(newFile(sessionDir), 7201)

  // A store of its own, for the file to be read rather than remembered.
  const store = new FileStore({ sessionDir })
  t.equal(await store.getSession(sesid), null, 'expired')
  t.equal(await store.getSession(sesid), null, 'and still so after the file was read')
})

t.test('a file that another user owns is read all the same', async t => {
  const sessionDir = sessionDirectory(t)
  const { sesid } = await newSession(new FileStore({ sessionDir }), 'text')
  const refused: string[] = []
  const disk: Disk = {
    ...localDisk,
    async open (path, flags, mode) {
      if ((flags & NO_ACCESS_TIME) !== 0) {
        refused.push(path)
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
      }
      return await localDisk.open(path, flags, mode)
    }
  }
  t.equal(await new FileStore({ sessionDir }, disk).getSession(sesid), 'text')
  t.equal(refused.length, process.platform === 'linux' ? 1 : 0)
})

t.test('a save sets the access time when that is due, even if the touch then fails', async t => {
  const sessionDir = sessionDirectory(t)
  let refuse = false
  const disk: Disk = {
    ...pooledDisk,
    async lutimes (...parameters) {
      if (refuse) throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
      await localDisk.lutimes(...parameters)
    }
  }
  const store = new FileStore({ sessionDir }, disk)
  const sesid = await store.newSession()
  const file = newFile(sessionDir)
  ageAccess(file, 3 * 3600)
  await store.putSession(sesid, 'one')
  t.ok(Date.now() - statSync(file).atimeMs < 30_000)

  refuse = true
  ageAccess(file, 3 * 3600)
  await store.putSession(sesid, 'two')
  refuse = false
  t.equal(await store.getSession(sesid), 'two')
})

t.test('a session that was touched a moment ago is not touched again', async t => {
  const sessionDir = sessionDirectory(t)
  const touched: string[] = []
  const disk: Disk = {
    ...pooledDisk,
    async lutimes (path, atime, mtime) {
      touched.push(path)
      await localDisk.lutimes(path, atime, mtime)
    }
  }
  const time = new Time()
  const store = new FileStore({ sessionDir }, disk, time.clock)
  const sesid = await store.newSession()
  ageAccess(newFile(sessionDir), 180)
  const server = await start(t, { store })
  const cookie = `sid=${sesid}`
  await Promise.all(Array.from({ length: 10 }, async () => await server.get('/', cookie)))
  // Those that looked before the first touch was done do it as well; nobody after them.
  const together = touched.length
  t.ok(together >= 1)
  await store.touch(store.nameOf(sesid))
  t.equal(touched.length, together, 'that was just now')
  time.pass(2)
  await store.touch(store.nameOf(sesid))
  t.equal(touched.length, together + 1, 'a caller may do it every second')
})
