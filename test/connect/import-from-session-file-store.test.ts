import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import session from 'express-session'
import sessionFileStore from 'session-file-store'
import t, { type Test } from 'tap'
import { importFromSessionFileStore } from '../../lib/connect/import-from-session-file-store'
import { SessionError } from '../../lib/errors'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { indexOf, type SessionIndex } from '../../lib/store/session-index'
import { sessionHandle } from '../../lib/store/session-id'
import { fileSessions } from '../support/command'
import { MemoryStore } from '../support/map-store'

const FileStore = sessionFileStore(session)
type Data = session.SessionData

/** A directory that the real package writes. */
function foreign (t: Test, options: object = {}) {
  const path = join(t.testdir(), 'old')
  const store = new FileStore({ path, reapInterval: -1, retries: 0, logFn () {}, ...options })
  return { path, set: promisify<string, Data, void>(store.set.bind(store)) }
}

const browserCookie = { originalMaxAge: null, expires: null, path: '/' }

t.test('sessions go on under their ids', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann', cart: [1, { two: 2 }] } as unknown as Data)
  await set('two', { cookie: { originalMaxAge: 1_000_000, expires: new Date(Date.now() + 1_000_000) }, user: 'bob' } as unknown as Data)
  const store = new MemoryStore()
  const seen: number[] = []
  t.strictSame(await importFromSessionFileStore(path, store, { onProgress: ({ imported }) => seen.push(imported) }),
    { imported: 2, expired: 0, present: 0, ended: 0, failed: [] })
  t.strictSame(seen, [1, 2])
  t.equal(await store.getSession('one'), '{"user":"ann","cart":[1,{"two":2}]}')
  t.ok(store.isOpen)
  t.match(await store.read(store.nameOf('one')), { idleTimeout: undefined })
  t.match(await store.read(store.nameOf('two')), { text: '{"user":"bob"}', idleTimeout: 1000 })

  await store.putSession('one', '{"user":"ann"}')
  t.match(await importFromSessionFileStore(path, store), { imported: 0, present: 2 }, 'again')
  t.equal(await store.getSession('one'), '{"user":"ann"}', 'what is there stays')
  t.strictSame((await readdir(path)).sort(), ['.imported-sid', 'one.json', 'two.json'], 'nothing is changed over there')
})

t.test('a session that was imported by the function and ended is not brought back by the command, nor the other way round', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  const sessionDir = join(t.testdirName, 'new')
  const store = new SessionFileStore({ sessionDir })
  t.match(await importFromSessionFileStore(path, store), { imported: 1 })
  await store.delSession('one')
  t.match(await fileSessions(['import', path, sessionDir, '--appid', 'sid']), { exitCode: 0, out: 'sid: 0 imported, 0 expired, 0 present, 1 ended, 0 failed\n' })

  await set('two', { cookie: browserCookie, user: 'bob' } as unknown as Data)
  t.match(await fileSessions(['import', path, sessionDir, '--appid', 'sid']), { out: /^sid: 1 imported/ })
  await store.delSession('two')
  t.match(await importFromSessionFileStore(path, store), { imported: 0, ended: 2 })
  t.equal(await store.getSession('two'), null)
})

t.test('a session that ended after it was imported stays ended, run by run', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  await set('two', { cookie: browserCookie, user: 'bob' } as unknown as Data)
  const store = new SessionFileStore({ sessionDir: join(t.testdirName, 'new') })
  const memory = join(t.testdirName, 'new', '.imported')
  t.match(await importFromSessionFileStore(path, store, { memory }), { imported: 2 })
  await store.delSession('one')
  await set('three', { cookie: browserCookie } as Data)
  t.match(await importFromSessionFileStore(path, store, { memory }), { imported: 1, present: 1, ended: 1 })
  t.equal(await store.getSession('one'), null)
  await store.clear()
  t.match(await importFromSessionFileStore(path, store, { memory }), { imported: 0, present: 0, ended: 3 })
  t.notMatch(await readFile(memory, 'utf8'), /one|two|three/, 'it holds no ids')

  const trial = new MemoryStore()
  t.match(await importFromSessionFileStore(path, trial, { memory: join(t.testdirName, 'trial') }), { imported: 3 },
    'another store has a memory of its own')
  await store.close()
})

t.test('an id that was there before the first run counts as imported', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie } as Data)
  const store = new MemoryStore()
  await store.create(store.nameOf('one'), { text: 'earlier' })
  t.match(await importFromSessionFileStore(path, store), { imported: 0, present: 1 })
  await store.delSession('one')
  t.match(await importFromSessionFileStore(path, store), { imported: 0, ended: 1 })
})

t.test('expired sessions are left out', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie } as Data)
  await set('short', { cookie: { originalMaxAge: 1, expires: new Date() } } as Data)
  const old = { cookie: browserCookie, __lastAccess: Date.now() - 3_600_000 }
  await writeFile(join(path, 'old.json'), JSON.stringify(old))
  await writeFile(join(path, 'kept.json'), JSON.stringify({ ...old, cookie: { originalMaxAge: 7_200_000 } }))
  // Written a moment ago; its millisecond must be over.
  await writeFile(join(path, 'short.json'), JSON.stringify({ cookie: { originalMaxAge: 1 }, __lastAccess: Date.now() - 1 }))
  const store = new MemoryStore()
  t.match(await importFromSessionFileStore(path, store), { imported: 2, expired: 2 })
  t.match(await importFromSessionFileStore(path, store, { ttl: 7200 }), { imported: 1, expired: 1, present: 2 })
})

t.test('what cannot be read is reported, and the rest imported', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie } as Data)
  await writeFile(join(path, 'torn.json'), '{"user":"confidential')
  await writeFile(join(path, 'array.json'), '[]')
  await writeFile(join(path, 'other.json'), '{"name":"package"}')
  await writeFile(join(path, 'notes.txt'), 'mine')
  await writeFile(join(path, '.json'), '{}')
  await mkdir(join(path, 'directory.json'))
  const report = await importFromSessionFileStore(path, new MemoryStore())
  t.match(report, { imported: 1, expired: 0, present: 0 })
  t.strictSame(report.failed.sort((a, b) => a.path < b.path ? -1 : 1), [
    { path: join(path, 'array.json'), reason: 'it is not a session of session-file-store' },
    { path: join(path, 'other.json'), reason: 'it is not a session of session-file-store' },
    { path: join(path, 'torn.json'), reason: 'it is not JSON' }
  ])
})

t.test('a file that goes away meanwhile', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie } as Data)
  await set('two', { cookie: browserCookie } as Data)
  const store = new MemoryStore()
  let gone = ''
  store.before.create = async name => {
    gone = join(path, name === store.nameOf('one') ? 'two.json' : 'one.json')
    await unlink(gone)
  }
  const report = await importFromSessionFileStore(path, store)
  t.match(report, { imported: 1, failed: [{ path: gone, reason: 'ENOENT' }] })
})

t.test('encrypted sessions are refused', async t => {
  const { path, set } = foreign(t, { secret: 'a secret of more than thirty-two letters' })
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  await t.rejects(importFromSessionFileStore(path, new MemoryStore()), { code: 'SESSION_IMPORT', message: /encrypted .*secret/ })
})

t.test('another extension and codec', async t => {
  const { path, set } = foreign(t, { fileExtension: '' })
  await set('one', { cookie: browserCookie, a: 1 } as unknown as Data)
  const store = new MemoryStore()
  const codec = { encode: (data: object) => `!${JSON.stringify(data)}`, decode: () => ({}) }
  t.match(await importFromSessionFileStore(path, store, { fileExtension: '', codec }), { imported: 1 })
  t.equal(await store.getSession('one'), '!{"a":1}')
})

t.test('errors', async t => {
  const { path, set } = foreign(t)
  const store = new MemoryStore()
  await t.rejects(importFromSessionFileStore(join(path, 'missing'), store), { code: 'SESSION_FILE', message: /missing/ })
  await set('one', { cookie: browserCookie, user: 'confidential' } as unknown as Data)
  store.before.create = () => { throw new SessionError('SESSION_TOO_BIG', 'it is longer than maxSize') }
  t.match(await importFromSessionFileStore(path, store), { imported: 0, failed: [{ reason: /maxSize/ }] })
  store.before.create = () => { throw new Error('broken') }
  await t.rejects(importFromSessionFileStore(path, store), { message: 'broken' })
  await t.rejects(importFromSessionFileStore(path, store, { memory: join(path, 'no/where') }),
    { code: 'SESSION_FILE', message: /cannot note what is imported/ })
  const codec = { encode: (data: object) => { throw new TypeError(JSON.stringify(data)) }, decode: () => ({}) }
  const { imported, failed } = await importFromSessionFileStore(path, store, { codec })
  t.match({ imported, failed }, { imported: 0, failed: [{ path: join(path, 'one.json'), reason: /cannot be encoded/ }] })
  t.notMatch(failed[0]?.reason, /confidential/)
  store.before = {}
  t.match(await importFromSessionFileStore(path, store), { imported: 1 }, 'what failed may be tried again')
})

t.test('into our files', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  const store = new SessionFileStore({ sessionDir: join(t.testdirName, 'new') })
  t.match(await importFromSessionFileStore(path, store), { imported: 1 })
  t.equal(await store.getSession('one'), '{"user":"ann"}')
  await store.close()
})

t.test('sessions enter the indexes that are given, unless all of their value are being ended', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  await set('two', { cookie: browserCookie, user: 'bob' } as unknown as Data)
  const store = new SessionFileStore({ sessionDir: join(t.testdirName, 'new') })
  const index = indexOf(store) as SessionIndex
  const confirm = index.entering.confirm.bind(index.entering)
  t.intercept(index.entering, 'confirm', {
    value: async (name: string, ...more: [never, never]) => {
      if (name === store.nameOf('two')) await store.revokeAll('user', 'bob')
      return await confirm(name, ...more)
    }
  })
  const indexes = { user: (data: { user?: string }) => data.user }
  t.match(await importFromSessionFileStore(path, store, { indexes }), { imported: 1, ended: 1, failed: [] })
  t.match(await importFromSessionFileStore(path, store, { indexes }), { imported: 0, present: 1, ended: 1 }, 'it stays ended')
  const handles = []
  for await (const { handle } of store.sessionsOf('user', 'ann')) handles.push(handle)
  t.strictSame(handles, [sessionHandle(store.nameOf('one'))])
  await t.rejects(importFromSessionFileStore(path, new MemoryStore(), { indexes }), { code: 'SESSION_OPTION', message: /option indexes needs a store/ })
})

t.test('options that make no sense are told before anything is read', async t => {
  const wrong: Record<string, unknown[]> = {
    ttl: ['1h', 0, NaN, null], fileExtension: [7, null], codec: [{}, null], memory: [7, ''], onProgress: [7], fileExtention: ['.x'], indexes: [7]
  }
  const { path } = foreign(t)
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      await t.rejects(importFromSessionFileStore(path, new MemoryStore(), { [name]: value }), { code: 'SESSION_OPTION', message: new RegExp(`option ${name} `) }, name)
    }
  }
})
