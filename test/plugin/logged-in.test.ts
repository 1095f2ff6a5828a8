import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import fileSessions, { SessionFileStore, type SessionStore } from '../../index'
import { sessionCookie } from '../../lib/plugin/logged-in'
import { accountApp, ADA, STORES } from '../support/account-app'
import { MemoryStore } from '../support/map-store'
import { sessionDirectory } from '../support/session-files'

for (const [name, options] of Object.entries(STORES)) {
  t.test(`sessionCookie logs a test in, with ${name}`, async t => {
    for (const signed of [false, true]) {
      const app = await accountApp(t, { ...options(t), cookie: { signed } }, 'a secret that is long enough')
      const cookie = await sessionCookie(app, { account: ADA })
      t.match(cookie, signed ? /^sid=.+\..+$/ : /^sid=[\w-]+$/)
      t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), { account: ADA })
    }
  })
}

t.test('sessionCookie makes the app ready', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(fileSessions, { sessionDir: sessionDirectory(t) })
  app.get('/', async request => request.session.data())
  const cookie = await sessionCookie(app, { account: ADA })
  t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), { account: ADA })
  t.ok(app.sessionStore instanceof SessionFileStore)
})

t.test('sessionCookie says what it was called with in error', async t => {
  const app = await accountApp(t, { store: new MemoryStore() })
  await t.rejects(sessionCookie(app, {}), { code: 'SESSION_ARGUMENT', message: /the data are empty/ })
  await t.rejects(sessionCookie(app, {}, 'adminSession'), { code: 'SESSION_ARGUMENT', message: /no request\.adminSession/ })
  const outer = Fastify()
  t.teardown(() => outer.close())
  let inner: FastifyInstance | undefined
  outer.register(async child => {
    inner = child
    await child.register(fileSessions, { store: new MemoryStore() as SessionStore })
  })
  await t.rejects(sessionCookie(outer, { account: ADA }), { code: 'SESSION_ARGUMENT', message: /pass the instance/ })
  t.match(await sessionCookie(inner as FastifyInstance, { account: ADA }), /^sid=/, 'the child has it')
})
