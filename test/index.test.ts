import { renameSync, statSync, writeFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import fileSessions, * as entry from '../index'
import { importFromSessionFileStore } from '../lib/connect/import-from-session-file-store'
import { connectStore } from '../lib/connect/connect-store'
import { fromConnectStore } from '../lib/connect/from-connect-store'
import { SessionFileStore } from '../lib/store/files/session-file-store'
import { MapStore } from './support/map-store'
import { loggingApp, serve } from './support/serve'
import { filesIn, sessionDirectory } from './support/session-files'
import { undeclared } from './support/undeclared'

function routes (app: FastifyInstance): void {
  app.get('/login', async request => { request.session.set('user', 'ann') })
  app.get('/add', async request => { request.session.set(String((request.query as { key: string }).key), 1) })
  app.get('/big', async request => { request.session.set('big', 'x'.repeat(500)) })
  app.get('/look', async request => request.session.data())
  app.get('/logout', async request => { await request.session.destroy() })
}

t.test('the package\'s names', t => {
  t.strictSame(Object.keys(entry).sort(), [
    'BaseRecordStore', 'MovingSessionStore', 'SessionError', 'SessionFileError', 'SessionFileStore', 'SessionLimitError', 'SessionStoreError', 'SessionUnavailableError', 'connectStore', 'default',
    'fileSessions', 'fromConnectStore', 'importFromSessionFileStore', 'requireFresh', 'sessionCookie', 'unopenedSessions'
  ])
  t.equal(entry.default, entry.fileSessions)
  t.equal(entry.SessionFileStore, SessionFileStore)
  t.equal(entry.connectStore, connectStore)
  t.equal(entry.fromConnectStore, fromConnectStore)
  t.equal(entry.importFromSessionFileStore, importFromSessionFileStore)
  t.ok(new entry.SessionFileError('x') instanceof entry.SessionError)
  t.end()
})

t.test('a session survives a restart', async t => {
  const sessionDir = sessionDirectory(t)
  const first = await serve(t, { sessionDir }, routes)
  const client = first.visitor()
  await client.get('/login')
  await first.app.close()
  const second = await serve(t, { sessionDir }, routes)
  const again = second.visitor()
  again.jar.set('sid', client.jar.get('sid') as string)
  t.strictSame((await again.get('/look')).json, { user: 'ann' })
})

t.test('apps with the same appid share sessions, others never', async t => {
  const sessionDir = sessionDirectory(t)
  const [one, two, other] = await Promise.all([
    serve(t, { sessionDir }, routes), serve(t, { sessionDir }, routes), serve(t, { sessionDir, appid: 'SID' }, routes)])
  const client = one.visitor()
  await client.get('/login')
  const id = client.jar.get('sid') as string
  const there = two.visitor()
  there.jar.set('sid', id)
  t.strictSame((await there.get('/look')).json, { user: 'ann' })
  await there.get('/add?key=x')
  t.strictSame((await client.get('/look')).json, { user: 'ann', x: 1 })
  const elsewhere = other.visitor()
  elsewhere.jar.set('SID', id)
  t.strictSame((await elsewhere.get('/look')).json, {})
})

t.test('the names on the disk give nothing away', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  await client.get('/login')
  const [file, ...more] = filesIn(sessionDir) as [string]
  t.strictSame(more, [])
  t.match(file.slice(sessionDir.length), /^\/sid\/[0-9a-f]{2}\/[0-9a-f]{62}$/)
  t.notMatch(file, client.jar.get('sid') as string)
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('a save that fails for its size: 500, no cookie, nothing lost, the next request works', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir, maxSize: 100 }, routes)
  const fresh = visitor()
  t.match(await fresh.get('/big'), { status: 500, json: { code: 'SESSION_TOO_BIG', message: /maxSize/ }, cookies: [] })
  t.strictSame(filesIn(sessionDir), [])

  const client = visitor()
  await client.get('/login')
  t.match(await client.get('/big'), { status: 500, cookies: [] })
  t.strictSame((await client.get('/look')).json, { user: 'ann' })
  await client.get('/add?key=x')
  t.strictSame((await client.get('/look')).json, { user: 'ann', x: 1 })
})

t.test('the directory is replaced by a file while the app runs', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  await client.get('/login')
  const aside = `${sessionDir}.aside`
  renameSync(sessionDir, aside)
  writeFileSync(sessionDir, 'in the way')

  const advice = { name: undefined, code: 'SESSION_FILE', message: /a file stands where a directory should be/ }
  t.match(await client.get('/look'), { status: 500, json: { code: advice.code, message: advice.message }, cookies: [] })
  t.match(await visitor().get('/login'), { status: 500, json: { code: advice.code, message: advice.message }, cookies: [] })

  renameSync(sessionDir, `${sessionDir}.file`)
  renameSync(aside, sessionDir)
  t.strictSame((await client.get('/look')).json, { user: 'ann' })
  t.match(await visitor().get('/login'), { status: 200, cookies: [{ name: 'sid' }] })
})

t.test('a directory that is removed while the app runs', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  await client.get('/login')
  renameSync(sessionDir, `${sessionDir}.away`)
  t.match(await client.get('/look'), { status: 200, json: {}, cookies: [] }, 'its sessions are gone')
  t.match(await client.get('/login'), { status: 200, cookies: [{ name: 'sid' }] }, 'new ones are made')
  t.equal(statSync(sessionDir).mode & 0o777, 0o700)
})

t.test('a session file that is removed from outside while the app runs', async t => {
  const { rmSync } = await import('node:fs')
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  await client.get('/login')
  await client.get('/look')
  rmSync(filesIn(sessionDir)[0] as string)
  t.match(await client.get('/look'), { status: 200, json: {}, cookies: [] })
})

t.test('a text that cannot be decoded is set aside, and a new session begins', async t => {
  const sessionDir = sessionDirectory(t)
  const before = await serve(t, { sessionDir, codec: { encode: data => `old ${JSON.stringify(data)}`, decode: text => JSON.parse(text.slice(4)) as Record<string, unknown> } }, routes)
  const client = before.visitor()
  await client.get('/login')
  await before.app.close()

  const after = await serve(t, { sessionDir }, routes)
  const visitor = after.visitor()
  const old = client.jar.get('sid') as string
  visitor.jar.set('sid', old)
  const answer = await visitor.get('/add?key=x')
  t.equal(answer.status, 200)
  t.equal(answer.cookies.length, 1)
  t.not(visitor.jar.get('sid'), old)
  t.strictSame((await visitor.get('/look')).json, { x: 1 })
  const warnings = after.log.filter(({ level }) => level === 40)
  t.match(warnings, [{ msg: /set aside/, err: { code: 'SESSION_UNDECODABLE' } }])
  t.notMatch(JSON.stringify(after.log), old)
  const files = filesIn(sessionDir)
  t.equal(files.length, 2)
  t.equal(files.filter(file => /\.\d+\.aside$/.test(file)).length, 1, 'its bytes are kept')
})

t.test('a store of one\'s own, with the five methods', async t => {
  const store = new MapStore('mine')
  const { visitor } = await serve(t, { store }, app => {
    routes(app)
    app.get('/regenerate', async request => { await request.session.regenerate(['user']) })
    app.get('/update', async request => await undeclared(request).update(draft => {
      draft['n'] = (draft['n'] as number | undefined ?? 0) + 1
      return draft['n']
    }))
    app.get('/remember', async request => { request.session.options({ maxAge: 77 }) })
  })
  const client = visitor()
  t.match((await client.get('/login')).cookies, [{ name: 'mine' }])
  t.equal((await client.get('/update')).text, '1')
  t.equal((await client.get('/update')).text, '2')
  t.strictSame((await client.get('/look')).json, { user: 'ann', n: 2 })
  const old = client.jar.get('mine') as string
  await client.get('/regenerate')
  t.strictSame(store.ids, [client.jar.get('mine')])
  t.not(store.ids[0], old)
  await client.get('/remember')
  t.strictSame(store.putOptions.get(store.ids[0] as string), { idleTimeout: 77 })
  t.match((await client.get('/logout')).cookies, [{ name: 'mine', value: '' }])
  t.strictSame(store.ids, [])
})

t.test('a five-method store with a text that cannot be decoded', async t => {
  const store = new MapStore()
  const { visitor } = await serve(t, { store }, routes)
  const client = visitor()
  await client.get('/login')
  store.texts.set(client.jar.get('sid') as string, '{')
  t.match(await client.get('/look'), { status: 200, json: {} })
  t.equal(store.texts.size, 0, 'the store cannot set it aside, so the plugin removes it')
})

t.test('a session that newSession made, and that has no data yet', async t => {
  const sessionDir = sessionDirectory(t)
  const { app, visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  client.jar.set('sid', await app.sessionStore.newSession())
  t.match(await client.get('/look'), { json: {}, cookies: [] })
  await client.get('/add?key=a')
  t.strictSame((await client.get('/look')).json, { a: 1 })
})

t.test('inject works as over HTTP', async t => {
  const { app } = loggingApp()
  t.teardown(() => app.close())
  await app.register(fileSessions, { sessionDir: sessionDirectory(t) })
  routes(app)
  const login = await app.inject('/login')
  const look = await app.inject({ url: '/look', cookies: { sid: login.cookies[0]?.value as string } })
  t.strictSame(look.json(), { user: 'ann' })
})
