import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { SessionFileStore, type FileSessionsOptions } from '../../index'
import { pluginOptions } from '../../lib/plugin/options'
import { MapStore, MemoryStore } from '../support/map-store'

async function start (t: Test, options: FileSessionsOptions) {
  const app = Fastify({ trustProxy: true })
  t.teardown(() => app.close())
  await app.register(fileSessions, { sessionDir: `${t.testdir()}/sessions`, ...options })
  app.get('/login', async request => { request.session.set('user', 'ada'); return 'ok' })
  app.get('/look', async (request) => String(request.session.get('user')))
  app.get('/unused', async () => 'ok')
  app.get('/own', async (_request, reply) => reply.header('cache-control', 'max-age=60').send('ok'))
  app.get('/logout', async request => { await request.session.destroy(); return 'ok' })
  app.get('/logout-later', async request => { request.session.delete(); return 'ok' })
  app.get('/logout-with-message', async request => { await request.session.destroy(); request.session.set('message', 'bye'); return 'ok' })
  app.get('/logout-raw', async (request, reply) => { await request.session.destroy(); reply.hijack(); reply.raw.end('ok') })
  app.get('/regenerate', async request => { await request.session.regenerate(); return 'ok' })
  let cookie = ''
  return async (url: string) => {
    const { headers } = await app.inject({ url, headers: { cookie, 'x-forwarded-proto': 'https' } })
    const set = headers['set-cookie']
    if (set !== undefined) cookie = String(set).split(';')[0] as string
    return headers
  }
}

t.test('asvs-l2: cookie, times and headers', async t => {
  const get = await start(t, { preset: 'asvs-l2' })
  t.equal((await get('/look'))['cache-control'], undefined, 'a visitor without a session')
  const login = await get('/login')
  t.match(login['set-cookie'], /^__Host-sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  t.equal(login['cache-control'], 'no-store')
  t.equal((await get('/look'))['cache-control'], 'no-store')
  t.equal((await get('/unused'))['cache-control'], 'no-store', 'also when no handler looks at the session')
  t.equal((await get('/own'))['cache-control'], 'max-age=60', 'what the app says counts')
  t.equal((await get('/regenerate'))['clear-site-data'], undefined)
  await get('/login')
  const logout = await get('/logout')
  t.equal(logout['clear-site-data'], '"cache", "storage"')
  t.equal(logout['cache-control'], 'no-store')
  t.match(logout['set-cookie'], /^__Host-sid=;/)
  for (const path of ['/logout-later', '/logout-with-message', '/logout-raw']) {
    await get('/login')
    t.equal((await get(path))['clear-site-data'], '"cache", "storage"', path)
  }
  t.equal((await get('/unused'))['clear-site-data'], undefined)
  t.match(pluginOptions({ preset: 'asvs-l2' }), { fileStore: { appid: '__Host-sid', idleTimeout: 3600, absoluteTimeout: 86400 } })
})

t.test('without it, nothing of this', async t => {
  const get = await start(t, { appid: 'sid' })
  t.equal((await get('/login'))['cache-control'], 'private')
  t.equal((await get('/look'))['cache-control'], undefined)
  t.equal((await get('/logout'))['clear-site-data'], undefined)
})

t.test('each part can be overridden', async t => {
  const settled = pluginOptions({
    preset: 'asvs-l2',
    appid: '__Secure-id',
    idleTimeout: 60,
    absoluteTimeout: undefined,
    cookie: { sameSite: 'strict', httpOnly: undefined, path: '/app' },
    cacheControl: 'private',
    clearSiteData: ['cookies']
  } as object)
  t.match(settled, {
    fileStore: { appid: '__Secure-id', idleTimeout: 60, absoluteTimeout: 86400 },
    cookie: { sameSite: 'strict', httpOnly: true, secure: true, path: '/app' },
    cacheControl: 'private',
    clearSiteData: ['cookies']
  })
})

t.test('what makes no sense is an error that says which option', async t => {
  const store = new SessionFileStore({ appid: '__Host-shop', absoluteTimeout: 3600 })
  t.match(pluginOptions({ preset: 'asvs-l2', store }), { fileStore: null, cacheControl: 'no-store', cookie: { secure: true } })
  t.ok(pluginOptions({ preset: 'asvs-l2', store: new MapStore('__Secure-x') }), 'a store that does not tell its times')
  t.ok(pluginOptions({ preset: 'asvs-l2', store: new MemoryStore('__Host-x') }))
  const wrong: Array<[options: object, message: RegExp]> = [
    [{ preset: 'asvs-l9' }, /option preset must be asvs-l2, or left out/],
    [{ preset: 'toString' }, /option preset must be/],
    [{ preset: 'asvs-l2', store: new MapStore('sid') }, /option preset needs a store whose appid begins with __Host- or __Secure-.* not sid: give the store/],
    [{ preset: 'asvs-l2', store: new SessionFileStore({ appid: '__Host-sid' }) }, /option preset needs a store whose sessions end some day: give the store absoluteTimeout: 86400/],
    [{ preset: 'asvs-l2', store: null }, /option preset needs a store|option store/],
    [{ preset: 'asvs-l2', cookie: null }, /option cookie must be an object/],
    [{ preset: 'asvs-l2', cacheControl: 'public' }, /option cacheControl must be one of private, no-store/],
    [{ clearSiteData: 'cache' }, /option clearSiteData must be an array of cache, cookies, storage/],
    [{ clearSiteData: ['all'] }, /option clearSiteData/]
  ]
  for (const [options, message] of wrong) t.throws(() => pluginOptions(options as FileSessionsOptions), { code: 'SESSION_OPTION', message })
  const app = Fastify()
  await t.rejects(async () => await app.register(fileSessions, { preset: 'asvs-l2', cookie: { secure: false } }), { message: /cookie.secure must not be false: the appid __Host-sid/ })
  await app.close().catch(() => undefined)
})
