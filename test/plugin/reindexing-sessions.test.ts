import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { SessionFileStore, type FileSessionsOptions } from '../../index'
import { reindexSessions } from '../../lib/plugin/reindexing-sessions'
import { JSON_CODEC } from '../../lib/session/codec'
import type { IterableSessionStore, PortableRecordStore } from '../../lib/store/store-abilities'
import { age } from '../support/aged-sessions'
import { MemoryStore } from '../support/map-store'
import { newSession } from '../support/new-session'
import { newFile, sessionDirectory } from '../support/session-files'

const INDEXES = { user: (data: { user?: string }) => data.user }

async function startedApp (t: Test, options: FileSessionsOptions): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(fileSessions, { reapInterval: 0, ...options })
  await app.ready()
  return app
}

t.test('an app enters sessions that are older than its indexes, and that is not use of them', async t => {
  const sessionDir = sessionDirectory(t)
  const before = new SessionFileStore({ sessionDir })
  const { name } = await newSession(before, '{"user":"ada"}')
  age(newFile(sessionDir), 1800)
  await newSession(before, '{}')
  await newSession(before, 'nonsense')
  const encrypted = new SessionFileStore({ sessionDir, encryption: true })
  await encrypted.putSession(await encrypted.newSession(), '{"user":"ada"}')
  const app = await startedApp(t, { sessionDir, indexes: INDEXES })
  t.match(await app.reindexSessions(), { entered: 1, right: 1, encrypted: 1, gone: 0, failed: 1, error: { code: 'SESSION_UNDECODABLE' } })
  t.match(await app.reindexSessions(), { entered: 0, right: 2, encrypted: 1, failed: 1 })
  t.equal((await app.sessionStore.read(name))?.touchDue, true)
  t.equal(await app.sessionStore.revokeAll('user', 'ada'), 1)
  t.equal(await before.read(name), null)
})

t.test('it ends early when it is told to, and a second call does the rest', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  for (let count = 0; count < 3; count++) await newSession(store, '{"user":"ada"}')
  const app = await startedApp(t, { sessionDir, indexes: INDEXES })
  const { exportSessions } = app.sessionStore
  const abort = new AbortController()
  let seen = 0
  t.intercept(app.sessionStore, 'exportSessions', {
    value: async function * (this: PortableRecordStore) {
      for await (const session of exportSessions.call(app.sessionStore)) {
        if (++seen === 2) abort.abort()
        yield session
      }
    }
  })
  t.match(await app.reindexSessions(abort.signal), { entered: 1, right: 0 })
  t.match(await app.reindexSessions(), { entered: 2, right: 1 })
})

t.test('an app of several registrations has a method for each', async t => {
  const [sessionDir, appid] = [sessionDirectory(t), 'admin']
  await newSession(new SessionFileStore({ sessionDir, appid }), '{"user":"ada"}')
  const app = await startedApp(t, { sessionDir, appid, sessionName: 'admin', indexes: INDEXES })
  const { reindexAdmins } = app as unknown as { reindexAdmins: FastifyInstance['reindexSessions'] }
  t.match(await reindexAdmins(), { entered: 1 })
})

t.test('without the option, and with a store that cannot', async t => {
  const app = await startedApp(t, { sessionDir: sessionDirectory(t) })
  await t.rejects(app.reindexSessions(), { code: 'SESSION_INDEX', message: /the option indexes is not given/ })
  const settled = { indexes: INDEXES as never, maxPerValue: {}, onLimit: 'refuse' as const }
  await t.rejects(reindexSessions(new MemoryStore(), settled, JSON_CODEC), { code: 'SESSION_INDEX', message: /cannot list its sessions/ })
  const portable = Object.assign(new MemoryStore(), { features: { records: true, portable: true } })
  await t.rejects(reindexSessions(portable as never as IterableSessionStore, settled, JSON_CODEC), { code: 'SESSION_INDEX', message: /can have no indexes/ })
})
