import diagnosticsChannel from 'node:diagnostics_channel'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, {
  SessionFileError, SessionFileStore, type DiagnosticsEvents, type ReapableSessionStore
} from '../index'
import { Reaper } from '../lib/plugin/reaper'
import { publishReap, startOf } from '../lib/diagnostics'
import { SessionError } from '../lib/errors'
import type { Visit } from '../lib/session/visit'
import { Client } from './support/client'
import { MemoryStore } from './support/map-store'
import { listen } from './support/serve'
import { Visits } from './support/visits'
import { undeclared } from './support/undeclared'

type Name = keyof DiagnosticsEvents

/** All events of these channels, as they come, until the test ends. */
function watch (t: Test, ...names: Name[]): Array<{ name: string } & Record<string, unknown>> {
  const events: Array<{ name: string } & Record<string, unknown>> = []
  for (const name of names) {
    const listener = (event: unknown): void => { events.push({ name, ...event as object }) }
    diagnosticsChannel.subscribe(`fastify-file-sessions:${name}`, listener)
    t.teardown(() => { diagnosticsChannel.unsubscribe(`fastify-file-sessions:${name}`, listener) })
  }
  return events
}

const ALL: Name[] = ['load', 'commit', 'conflict', 'gone', 'reap', 'error']

async function start (t: Test) {
  const sessionDir = join(t.testdir(), 'sessions')
  const app = Fastify()
  await app.register(fileSessions, { appid: 'shop', sessionDir })
  const other = new SessionFileStore({ appid: 'shop', sessionDir })
  app.get('/count', async request => {
    const count = Number(request.session.get('count') ?? 0) + 1
    request.session.set('count', count)
    return String(count)
  })
  app.get('/read', async request => String(request.session.get('count')))
  app.get('/update', async request => {
    await undeclared(request).update(draft => { draft.count = Number(draft.count) + 1 })
    return 'ok'
  })
  app.get('/save', async request => { request.session.set('a', 1); await request.session.save(); return 'ok' })
  app.get('/reload', async request => { await request.session.reload(); return 'ok' })
  app.get('/overtaken', async request => {
    const sesid = request.session.sessionId as string
    await other.putSession(sesid, '{"count":100}')
    request.session.set('mine', 1)
    return 'ok'
  })
  app.get('/overtaken-update', async request => {
    const sesid = request.session.sessionId as string
    await other.putSession(sesid, '{"count":200}')
    await undeclared(request).update(draft => { draft.count = Number(draft.count) + 1 })
    return 'ok'
  })
  app.get('/destroyed-elsewhere', async request => {
    await other.delSession(request.session.sessionId as string)
    request.session.set('late', 1)
    return 'ok'
  })
  app.get('/update-throws', async request => {
    await request.session.update(() => { throw new Error('mine') })
  })
  app.get('/login', async request => { await undeclared(request).regenerate(['count']); return 'ok' })
  app.get('/logout', async request => { await request.session.destroy(); return 'ok' })
  const client = new Client(await listen(t, app))
  return { client, other, sessionDir }
}

t.test('load and commit', async t => {
  const { client } = await start(t)
  const events = watch(t, ...ALL)
  const told = (): typeof events => events.splice(0)
  await client.get('/count')
  t.match(told(), [{ name: 'commit', appid: 'shop', kind: 'create', conflicts: 0, duration: Number }])
  await client.get('/count')
  t.match(told(), [{ name: 'load', appid: 'shop', found: true, duration: Number }, { name: 'commit', kind: 'replace', conflicts: 0 }])
  await client.get('/read')
  t.match(told(), [{ name: 'load' }], 'nothing changed, nothing stored')
  await client.get('/update')
  t.match(told(), [{ name: 'load' }, { name: 'commit', kind: 'update', conflicts: 0, duration: Number }])
  await client.get('/save')
  t.match(told(), [{ name: 'load' }, { name: 'commit', kind: 'replace' }])
  await client.get('/login')
  t.match(told(), [{ name: 'load' }, { name: 'commit', kind: 'create' }])
  await client.get('/logout')
  t.match(told(), [{ name: 'load', found: true }])
  client.cookie = 'shop=unknown'
  await client.get('/read')
  t.match(told(), [{ name: 'load', found: false }])
  client.cookie = ''
  await client.get('/update')
  t.match(told(), [{ name: 'commit', kind: 'create' }])
})

t.test('conflict and gone', async t => {
  const { client } = await start(t)
  await client.get('/count')
  const events = watch(t, 'commit', 'conflict', 'gone')
  await client.get('/overtaken')
  t.match(events.splice(0), [{ name: 'conflict', appid: 'shop' }, { name: 'commit', kind: 'replace', conflicts: 1 }])
  await client.get('/overtaken-update')
  t.match(events.splice(0), [{ name: 'conflict' }, { name: 'commit', kind: 'update', conflicts: 1 }])
  await client.get('/destroyed-elsewhere')
  t.strictSame(events.splice(0), [{ name: 'gone', appid: 'shop' }])
})

t.test('errors', async t => {
  const { client, other, sessionDir } = await start(t)
  await client.get('/count')
  await other.putSession(client.sesid, 'nobody watches')
  t.equal((await client.get('/read')).status, 200)
  await client.get('/count')
  const events = watch(t, 'error')
  t.equal((await client.get('/update-throws')).status, 500)
  t.strictSame(events.splice(0), [], 'what the app throws is the app\'s')

  await other.putSession(client.sesid, 'no JSON')
  await client.get('/read')
  t.strictSame(events.splice(0), [{ name: 'error', appid: 'shop', operation: 'decode', code: 'SESSION_UNDECODABLE', cause: undefined }])

  client.cookie = ''
  await client.get('/count')
  await rename(sessionDir, `${sessionDir}.away`)
  await writeFile(sessionDir, '')
  t.equal((await client.get('/read')).status, 500)
  t.match(events.splice(0), [{ operation: 'load', code: 'SESSION_FILE', cause: 'ENOTDIR' }])
  client.cookie = ''
  t.equal((await client.get('/count')).status, 500)
  t.match(events.splice(0), [{ operation: 'save', code: 'SESSION_FILE', cause: 'ENOTDIR' }])
})

/** Steps that a handler does not wait for, and that fail. */
function unawaited (visit: Visit): void {
  const { session } = visit
  session.set('a', 2)
  session.update(draft => { draft['n'] = 1 })
  session.save()
  session.reload()
  session.regenerate(['a'])
  session.destroy()
}

for (const isWatched of [true, false]) {
  t.test(`steps that fail and that no handler waits for do not end the process, ${isWatched ? 'with' : 'without'} a subscriber`, async t => {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const visit = await visits.begin(await visits.stored({ a: 1 }))
    const refuse = (): never => { throw new SessionError('SESSION_FILE', 'no') }
    store.before = { read: refuse, create: refuse, replace: refuse, remove: refuse }
    let unhandled = 0
    const note = (): void => { unhandled++ }
    process.on('unhandledRejection', note)
    t.teardown(() => { process.off('unhandledRejection', note) })
    const events = isWatched ? watch(t, 'error') : []
    unawaited(visit)
    await t.rejects(visits.finish(visit), { code: 'SESSION_FILE' })
    await nextTurn()
    t.equal(unhandled, 0)
    t.strictSame(events.map(({ operation }) => operation).sort(), isWatched ? ['destroy', 'load', 'regenerate', 'save', 'save', 'update'] : [])
  })
}

t.test('a touch that fails', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const events = watch(t, 'error')
  store.touchDue = true
  store.before = { touch: () => { throw new SessionFileError('cannot', { cause: Object.assign(new Error(), { code: 'EROFS' }) }) } }
  await visits.finish(await visits.begin(sesid))
  await visits.finish(await visits.begin(sesid))
  t.strictSame(events, Array.from({ length: 2 }, () => ({ name: 'error', appid: 'sid', operation: 'touch', code: 'SESSION_FILE', cause: 'EROFS' })))
})

t.test('events hold times and counts, never ids or data', async t => {
  const { client, other } = await start(t)
  const events = watch(t, ...ALL)
  const sesids = new Set<string>()
  for (const path of ['/count', '/count', '/update', '/overtaken', '/overtaken-update', '/login', '/save', '/destroyed-elsewhere', '/count']) {
    await client.get(path)
    sesids.add(client.sesid)
  }
  await other.putSession(client.sesid, 'confidential')
  await client.get('/read')
  const text = JSON.stringify(events)
  t.ok(events.length > 15)
  t.ok(sesids.size > 2)
  for (const sesid of sesids) t.notMatch(text, new RegExp(sesid === '' ? 'x{99}' : sesid))
  t.notMatch(text, /confidential/)
  t.strictSame([...new Set(events.flatMap(event => Object.keys(event)))].sort(),
    ['appid', 'cause', 'code', 'conflicts', 'duration', 'found', 'kind', 'name', 'operation'])
})

t.test('reap', async t => {
  const counts = { seen: 5, expired: 4, orphans: 3, setAside: 2, failed: 1 }
  t.equal(startOf('reap'), 0, 'nobody watches: no time is taken')
  publishReap('shop', startOf('reap'), counts)
  const events = watch(t, 'reap')
  publishReap('shop', 0, counts)
  t.strictSame(events, [], 'nobody watched when it began')
  const start = startOf('reap')
  t.ok(start > 0)
  publishReap('shop', start, { ...counts, error: new Error('private') } as typeof counts)
  t.match(events, [{ appid: 'shop', ...counts, duration: Number }])
  t.notOk('error' in (events[0] as object))
})

t.test('rounds of the reaper that fail, as a whole or in part', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ appid: 'shop', sessionDir })
  await store.open()
  const failure = async (store: ReapableSessionStore): Promise<unknown> => {
    const events = watch(t, 'error')
    const log = { debug () {}, info () {}, warn () {} }
    const reaper = new Reaper(store, { interval: 1, log, random: () => 0 })
    await new Promise<void>(resolve => {
      log.warn = resolve
      reaper.start()
      // The reaper's own timer keeps no process alive.
      const alive = setInterval(() => {}, 1000)
      t.teardown(() => { clearInterval(alive) })
    })
    await reaper.stop()
    return events
  }

  const counts = { seen: 1, expired: 0, orphans: 0, setAside: 0, failed: 1 }
  const error = new SessionFileError('cannot', { cause: Object.assign(new Error(), { code: 'EACCES' }) })
  const inPart = Object.assign(new SessionFileStore({ appid: 'shop', sessionDir }), { reap: async () => ({ ...counts, error }) })
  t.match(await failure(inPart),
    [{ appid: 'shop', operation: 'reap', code: 'SESSION_FILE', cause: 'EACCES' }])

  await rename(join(sessionDir, 'shop'), join(sessionDir, 'away'))
  await writeFile(join(sessionDir, 'shop'), '')
  t.match(await failure(store), [{ appid: 'shop', operation: 'reap', code: 'SESSION_FILE', cause: 'ENOTDIR' }])
})
