import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import session from 'express-session'
import sessionFileStore from 'session-file-store'
import t, { type Test } from 'tap'
import { importSessionFileStore, SessionFileStore } from '../../index'

const FileStore = sessionFileStore(session)
type Data = session.SessionData

/** A directory that the real package writes. */
function foreign (t: Test, options: object = {}) {
  const path = join(t.testdir(), 'old')
  const store = new FileStore({ path, reapInterval: -1, retries: 0, logFn () {}, ...options })
  return { path, set: promisify<string, Data, void>(store.set.bind(store)) }
}

function ours (t: Test, options = {}): SessionFileStore {
  return new SessionFileStore({ sessionDir: join(t.testdirName, 'new'), ...options })
}

const browserCookie = { originalMaxAge: null, expires: null, path: '/' }

t.test('sessions go on under their ids', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie, user: 'ann', cart: [1, { two: 2 }] } as unknown as Data)
  await set('two', { cookie: { originalMaxAge: 1_000_000, expires: new Date(Date.now() + 1_000_000) }, user: 'bob' } as unknown as Data)
  const store = ours(t)
  const seen: number[] = []
  t.strictSame(await importSessionFileStore(path, store, { onProgress: ({ imported }) => seen.push(imported) }),
    { imported: 2, expired: 0, present: 0, failed: [] })
  t.strictSame(seen, [1, 2])
  t.equal(await store.getSession('one'), '{"user":"ann","cart":[1,{"two":2}]}')
  t.match(await store.readSession('one'), { idleTimeout: undefined })
  t.match(await store.readSession('two'), { text: '{"user":"bob"}', idleTimeout: 1000 })

  await store.putSession('one', '{"user":"ann"}')
  t.match(await importSessionFileStore(path, store), { imported: 0, present: 2 }, 'again')
  t.equal(await store.getSession('one'), '{"user":"ann"}', 'what is there stays')
  t.equal((await readdir(path)).length, 2, 'nothing is changed over there')
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
  t.match(await importSessionFileStore(path, ours(t)), { imported: 2, expired: 2 })
  t.match(await importSessionFileStore(path, ours(t), { ttl: 7200 }), { imported: 1, expired: 1, present: 2 })
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
  const report = await importSessionFileStore(path, ours(t))
  t.match(report, { imported: 1, expired: 0, present: 0 })
  t.strictSame(report.failed.sort((a, b) => a.path < b.path ? -1 : 1), [
    { path: join(path, 'array.json'), reason: 'it is no session of session-file-store\'s' },
    { path: join(path, 'other.json'), reason: 'it is no session of session-file-store\'s' },
    { path: join(path, 'torn.json'), reason: 'it is not JSON' }
  ])
})

t.test('a file that goes away meanwhile', async t => {
  const { path, set } = foreign(t)
  await set('one', { cookie: browserCookie } as Data)
  await set('two', { cookie: browserCookie } as Data)
  const store = ours(t)
  const createSession = store.createSession.bind(store)
  let gone = ''
  store.createSession = async (text, options) => {
    gone = join(path, options?.sesid === 'one' ? 'two.json' : 'one.json')
    await unlink(gone)
    return await createSession(text, options)
  }
  const report = await importSessionFileStore(path, store)
  t.match(report, { imported: 1, failed: [{ path: gone, reason: 'ENOENT' }] })
})

t.test('encrypted sessions are refused', async t => {
  const { path, set } = foreign(t, { secret: 'a secret of more than thirty-two letters' })
  await set('one', { cookie: browserCookie, user: 'ann' } as unknown as Data)
  await t.rejects(importSessionFileStore(path, ours(t)), { code: 'SESSION_IMPORT', message: /encrypted .*secret/ })
})

t.test('another extension and codec', async t => {
  const { path, set } = foreign(t, { fileExtension: '' })
  await set('one', { cookie: browserCookie, a: 1 } as unknown as Data)
  const store = ours(t)
  const codec = { encode: (data: object) => `!${JSON.stringify(data)}`, decode: () => ({}) }
  t.match(await importSessionFileStore(path, store, { fileExtension: '', codec }), { imported: 1 })
  t.equal(await store.getSession('one'), '!{"a":1}')
})

t.test('errors', async t => {
  const { path, set } = foreign(t)
  await t.rejects(importSessionFileStore(join(path, 'missing'), ours(t)), { code: 'SESSION_FILE', message: /missing/ })
  await set('one', { cookie: browserCookie, long: 'x'.repeat(100) } as unknown as Data)
  t.match(await importSessionFileStore(path, ours(t, { maxSize: 50 })), { imported: 0, failed: [{ reason: /maxSize/ }] })
  const store = ours(t)
  store.createSession = async () => { throw new Error('broken') }
  await t.rejects(importSessionFileStore(path, store), { message: 'broken' })
})
