import Fastify from 'fastify'
import t from 'tap'
import fileSessions, { sessionCookie } from '../../index'
import { outsideOf } from '../../lib/plugin/decorators'
import { accountApp, ADA, STORES } from '../support/account-app'
import { MemoryStore } from '../support/map-store'

for (const [name, options] of Object.entries(STORES)) {
  t.test(`loadSession gives the session of a Cookie header, with ${name}`, async t => {
    for (const signed of [false, true]) {
      const app = await accountApp(t, { ...options(t), cookie: { signed } }, 'a secret that is long enough')
      const cookie = await sessionCookie(app, { account: ADA })
      const session = await app.loadSession(`other=1; ${cookie}`)
      t.strictSame(session?.account, ADA)
      await session?.update(draft => { draft.visits = 1 })
      if (session !== null) session.account = { id: 8, name: 'eve' }
      await session?.save()
      t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), { account: { id: 8, name: 'eve' }, visits: 1 })
      await session?.destroy()
      t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), {})
      t.equal(await app.loadSession(cookie), null)
    }
  })
}

t.test('loadSession gives none for no header, a forged value and an unknown one', async t => {
  const app = await accountApp(t, { store: new MemoryStore(), cookie: { signed: true } }, 'a secret that is long enough')
  const cookie = await sessionCookie(app, { account: ADA })
  const id = (await app.inject({ url: '/id', headers: { cookie } })).body
  for (const header of [undefined, '', 'other=1', `sid=${id}`, `sid=${id}.forged`, `sid=${app.signCookie('unknown')}`]) {
    t.equal(await app.loadSession(header), null, header ?? 'no header')
  }
})

t.test('what cannot reach the visitor from outside of a request is an error, and the session stays as it is', async t => {
  const app = await accountApp(t, { store: new MemoryStore() })
  const cookie = await sessionCookie(app, { account: ADA })
  const session = await app.loadSession(cookie)
  const unreachable = { code: 'SESSION_UNREACHABLE', message: /loaded outside of a request/ }
  await t.rejects(session?.regenerate(['account']) ?? Promise.resolve(), unreachable)
  t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), { account: ADA })
  await session?.destroy()
  session?.set('account', ADA)
  await t.rejects(session?.save() ?? Promise.resolve(), unreachable)
})

t.test('a session that cannot be decoded is set aside', async t => {
  const store = new MemoryStore()
  const app = await accountApp(t, { store })
  const cookie = await sessionCookie(app, { account: ADA })
  store.overwrite(store.ids[0] as string, 'nonsense')
  t.equal(await app.loadSession(cookie), null)
  t.strictSame(store.asides, ['nonsense'])
})

t.test('a store that fails is an error', async t => {
  const store = new MemoryStore()
  const app = await accountApp(t, { store, onUnavailable: 'serve' })
  const cookie = await sessionCookie(app, { account: ADA })
  store.before = { read: () => { throw new Error('no') } }
  await t.rejects(app.loadSession(cookie), { message: 'no' })
})

t.test('a second registration has its own', async t => {
  const app = await accountApp(t, { store: new MemoryStore() })
  await app.register(fileSessions, { store: new MemoryStore('admin'), sessionName: 'adminSession' })
  app.get('/admin', async request => [request.session.data(), request.adminSession.data()])
  const cookie = await sessionCookie(app, { role: 'owner' }, 'adminSession')
  t.match(cookie, /^admin=/)
  t.strictSame((await app.inject({ url: '/admin', headers: { cookie } })).json(), [{}, { role: 'owner' }])
  t.equal((await app.loadAdminSession(cookie))?.role, 'owner')
  t.equal(await app.loadSession(cookie), null)
})

t.test('the app is ready for them when its store is open, also in its own onReady hooks', async t => {
  const store = new MemoryStore()
  const app = Fastify()
  t.teardown(() => app.close())
  const ready: unknown[] = []
  const open = store.open.bind(store)
  store.open = async () => {
    await open()
    ready.push(outsideOf(app, 'session')?.isReady)
  }
  await app.register(fileSessions, { store })
  app.addHook('onReady', async () => {
    ready.push(outsideOf(app, 'session')?.isReady)
    t.match(await sessionCookie(app, { account: ADA }), /^sid=/)
  })
  await app.ready()
  t.strictSame(ready, [false, true])
})
