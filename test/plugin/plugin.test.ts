import { chmodSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { fileSessions } from '../../lib/plugin/plugin'
import type { OpenableSessionStore } from '../../lib/store/store-abilities'
import { noDescriptorList } from '../support/disks'
import { MapStore, MemoryStore } from '../support/map-store'
import { loggingApp, serve } from '../support/serve'
import { sessionDirectory } from '../support/session-files'

function routes (app: FastifyInstance): void {
  app.get('/login', async request => { request.session.set('user', 'ann') })
  app.get('/add', async request => { request.session.set(String((request.query as { key: string }).key), 1) })
  app.get('/big', async request => { request.session.set('big', 'x'.repeat(500)) })
  app.get('/look', async request => request.session.data())
  app.get('/logout', async request => { await request.session.destroy() })
}

t.test('when the app gets ready the directory is made, for this user alone', async t => {
  const sessionDir = join(sessionDirectory(t), 'deep', 'down')
  const { app } = loggingApp()
  t.teardown(() => app.close())
  await app.register(fileSessions, { sessionDir, appid: 'My.App' })
  t.throws(() => statSync(sessionDir), { code: 'ENOENT' }, 'not before')
  await app.ready()
  t.equal(statSync(sessionDir).mode & 0o777, 0o700)
  t.equal(statSync(join(sessionDir, '%4dy%2e%41pp')).mode & 0o777, 0o700)
})

t.test('a directory that others can enter stops the start, and the error says chmod 700', async t => {
  for (const mode of [0o755, 0o701, 0o702, 0o704, 0o777]) {
    const sessionDir = sessionDirectory(t)
    mkdirSync(sessionDir, { recursive: true })
    chmodSync(sessionDir, mode)
    const { app } = loggingApp()
    await app.register(fileSessions, { sessionDir })
    await t.rejects(app.listen({ port: 0, host: '127.0.0.1' }), { name: 'SessionFileError', code: 'SESSION_FILE', message: `chmod 700 ${sessionDir}` })
    await app.close()
    chmodSync(sessionDir, 0o700)
    await (await serve(t, { sessionDir }, routes)).app.close()
  }
})

t.test('a file where the directory should be stops the start', async t => {
  const sessionDir = join(t.testdir({ sessions: 'a file' }), 'sessions')
  for (const path of [sessionDir, join(sessionDir, 'deeper')]) {
    const { app } = loggingApp()
    await app.register(fileSessions, { sessionDir: path })
    await t.rejects(async () => { await app.ready() }, { name: 'SessionFileError', message: /a file stands where a directory should be/ })
    await app.close()
  }
})

t.test('a bad option stops the start', async t => {
  for (const [options, name] of [
    [{ sesionDir: 'x' }, 'sesionDir'], [{ hook: 'onSend' }, 'hook'], [{ appid: 'a/b' }, 'appid'], [{ store: {} }, 'store'],
    [{ sessionName: 'my session' }, 'sessionName'], [{ idleTimeout: '2h' }, 'idleTimeout']
  ] as const) {
    const { app } = loggingApp()
    await t.rejects(async () => { await app.register(fileSessions, options as never) },
      { name: 'SessionError', code: 'SESSION_OPTION', message: new RegExp(`option ${name} `) })
    await app.close()
  }
})

t.test('a store with records is opened when the app gets ready, and closed with it', async t => {
  const store = new MemoryStore()
  const { app } = loggingApp()
  await app.register(fileSessions, { store })
  t.notOk(store.isOpen)
  await app.ready()
  t.ok(store.isOpen)
  await app.close()
  t.notOk(store.isOpen)

  const broken = loggingApp().app
  await broken.register(fileSessions, { store: Object.assign(new MemoryStore(), { open: async () => { throw new Error('no server there') } }) })
  await t.rejects(async () => { await broken.ready() }, { message: 'no server there' })
  await broken.close()
})

t.test('a store with the five methods is opened and closed if it declares that it is openable', async t => {
  class Client extends MapStore {
    readonly steps: string[] = []
    async open (): Promise<void> { this.steps.push('open') }
    async close (): Promise<void> { this.steps.push('close') }
  }
  class Openable extends Client implements OpenableSessionStore {
    readonly features: OpenableSessionStore['features'] = { openable: true }
  }
  for (const [store, steps] of [[new Openable(), ['open', 'close']], [new Client(), []]] as const) {
    const { app } = loggingApp()
    await app.register(fileSessions, { store })
    await app.ready()
    await app.close()
    t.strictSame(store.steps, steps)
  }
})

t.test('an app that is closed has no session file open', { skip: noDescriptorList }, async t => {
  const sessionDir = sessionDirectory(t)
  const { app, visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  await client.get('/login')
  for (let visit = 0; visit < 3; visit++) await client.get('/look')
  await app.close()
  const open = readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // The one that this list was read by.
      return []
    }
  })
  t.strictSame(open.filter(path => path.startsWith(sessionDir)), [])
})

t.test('what a store warns of when it is opened is in the log', async t => {
  const { app, log } = loggingApp()
  await app.register(fileSessions, { store: Object.assign(new MemoryStore(), { warnings: ['it is slow', 'it is far'] }) })
  await app.ready()
  await app.close()
  t.match(log.filter(({ level }) => level === 40), [{ msg: 'it is slow' }, { msg: 'it is far' }])
})
