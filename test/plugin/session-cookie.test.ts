import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import fileSessions, { SessionError, type FileSessionsOptions, type SessionCookieOptions } from '../../index'
import type { SetCookie } from '../support/client'
import { VersionedMapStore } from '../support/map-store'
import { filesIn, loggingApp, serve, serveApp, sessionDirectory } from '../support/serve'

function routes (app: FastifyInstance): void {
  app.get('/login', async request => { request.session.set('user', 'ann') })
  app.get('/remember', async request => {
    request.session.set('user', 'ann')
    request.session.options({ maxAge: 1000 })
  })
  app.get('/change', async request => { request.session.set('at', Math.random()) })
  app.get('/touch', async request => { request.session.touch() })
  app.get('/logout', async request => { await request.session.destroy() })
  app.get('/look', async request => request.session.data())
  app.get('/none', () => 'none')
}

function options (cookie?: SessionCookieOptions, more: FileSessionsOptions = {}): FileSessionsOptions & { store: VersionedMapStore } {
  return { store: new VersionedMapStore(), ...(cookie && { cookie }), ...more } as FileSessionsOptions & { store: VersionedMapStore }
}

/** The plain attributes of the only cookie. */
function attributes (cookies: SetCookie[]): string[] {
  if (cookies.length !== 1) throw new Error(`${cookies.length} cookies`)
  return Object.entries((cookies[0] as SetCookie).attributes).map(([name, value]) => value === '' ? name : `${name}=${value}`).sort()
}

async function startError (given: FileSessionsOptions, secret?: string): Promise<Error> {
  const { app } = loggingApp()
  try {
    if (secret !== undefined) await app.register(cookiePlugin, { secret })
    await app.register(fileSessions, given)
    await app.ready()
  } catch (error) {
    return error as Error
  } finally {
    await app.close()
  }
  throw new Error('it started')
}

t.test('a visitor for whom nothing is stored gets no cookie and costs no file', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  const client = visitor()
  for (const path of ['/none', '/look', '/touch', '/logout', '/nothing']) {
    const { cookies, headers } = await client.get(path)
    t.strictSame(cookies, [])
    t.equal(headers.get('cache-control'), null)
  }
  t.strictSame(filesIn(sessionDir), [])
})

t.test('the cookie is sent once, with the defaults', async t => {
  const { visitor } = await serve(t, options(), routes)
  const client = visitor()
  const { cookies } = await client.get('/login')
  t.strictSame(attributes(cookies), ['httponly', 'path=/', 'samesite=Lax'])
  t.match(cookies[0]?.name, 'sid')
  t.strictSame((await client.get('/look')).cookies, [])
  t.strictSame((await client.get('/change')).cookies, [])
})

t.test('the id is 192 random bits', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, routes)
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await visitor().get('/login')).cookies[0]?.value))
  t.equal(new Set(ids).size, 20)
  for (const id of ids) t.match(id, /^[\w-]{32}$/)
})

t.test('every option of the cookie is sent', async t => {
  const { visitor } = await serve(t, options({
    path: '/app', domain: 'example.org', httpOnly: false, sameSite: 'none', secure: true, partitioned: true, priority: 'high', maxAge: 60
  }), app => app.register(async child => { routes(child) }, { prefix: '/app' }))
  t.strictSame(attributes((await visitor().get('/app/login')).cookies), [
    'domain=example.org', 'max-age=60', 'partitioned', 'path=/app', 'priority=High', 'samesite=None', 'secure'])
})

t.test('a cookie option that makes no cookie stops the start, and is named', async t => {
  for (const [name, value] of Object.entries({ domain: 'a;b', path: '/;', sameSite: 'sometimes', priority: 'urgent', maxAge: 1.5 })) {
    const error = await startError(options({ [name]: value }))
    t.match(error, { name: 'SessionError', code: 'SESSION_OPTION', message: new RegExp(`option cookie.*${name}`) })
  }
})

t.test('secure: auto goes by the protocol, behind a proxy too', async t => {
  const https = { 'x-forwarded-proto': 'https' }
  const trusting = await serve(t, options(), routes, { trustProxy: true })
  t.ok(attributes((await trusting.visitor().get('/login', https)).cookies).includes('secure'))
  t.notOk(attributes((await trusting.visitor().get('/login')).cookies).includes('secure'))
  const client = trusting.visitor()
  await client.get('/login', https)
  t.ok(attributes((await client.get('/logout', https)).cookies).includes('secure'), 'it is cleared as it was set')

  const wary = await serve(t, options(), routes)
  t.notOk(attributes((await wary.visitor().get('/login', https)).cookies).includes('secure'), 'without trustProxy anyone could say so')
})

t.test('secure: true over http is sent, and warned of once', async t => {
  const { visitor, log } = await serve(t, options({ secure: true }), routes)
  t.ok(attributes((await visitor().get('/login')).cookies).includes('secure'))
  await visitor().get('/login')
  t.strictSame(log.filter(({ level, msg }) => level === 40 && /trustProxy/.test(msg)).length, 1)

  const https = await serve(t, options({ secure: true }), routes, { trustProxy: true })
  await https.visitor().get('/login', { 'x-forwarded-proto': 'https' })
  t.notOk(https.log.some(({ level }) => level === 40))
})

t.test('an id that nobody gave out is cleared, and never adopted', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  for (const id of ['unknown', '', '../../etc/passwd', 'x'.repeat(5000), '%00', '%2e%2e%2f', '%', 'a'.repeat(32)]) {
    const client = visitor()
    client.jar.set('sid', id)
    const { status, cookies } = await client.get('/none')
    t.equal(status, 200)
    t.match(cookies, [{ name: 'sid', value: '', attributes: { 'max-age': '0', path: '/', httponly: '' } }])
    t.equal(client.jar.size, 0)
    t.strictSame(filesIn(sessionDir), [])
  }
  const fixed = visitor()
  fixed.jar.set('sid', 'a'.repeat(32))
  const { cookies } = await fixed.get('/login')
  t.not(cookies[0]?.value, 'a'.repeat(32))
  t.equal(cookies.length, 1)
  const victim = visitor()
  victim.jar.set('sid', 'a'.repeat(32))
  t.strictSame((await victim.get('/look')).json, {}, 'the id that was brought names nothing afterwards either')
})

t.test('an empty session behind a live cookie keeps its cookie', async t => {
  const { visitor } = await serve(t, options(), app => {
    routes(app)
    app.get('/empty', async request => { request.session.set('user', undefined) })
  })
  const client = visitor()
  await client.get('/login')
  t.strictSame((await client.get('/empty')).cookies, [])
  t.strictSame((await client.get('/look')).json, {})
})

t.test('after logout the cookie is cleared and the old one worth nothing', async t => {
  const given = options()
  const { visitor } = await serve(t, given, routes)
  const client = visitor()
  await client.get('/login')
  const thief = client.twin()
  t.match((await client.get('/logout')).cookies, [{ value: '', attributes: { 'max-age': '0', expires: 'Thu, 01 Jan 1970 00:00:00 GMT' } }])
  t.strictSame((await thief.get('/look')).json, {})
  t.equal(thief.jar.size, 0)
  t.strictSame(given.store.ids, [])
})

t.test('an expired session: its cookie is cleared', async t => {
  const { utimes } = await import('node:fs/promises')
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir, idleTimeout: 60 }, routes)
  const client = visitor()
  await client.get('/login')
  const old = new Date(Date.now() - 3600_000)
  await utimes(filesIn(sessionDir)[0] as string, old, old)
  const { json, cookies } = await client.get('/look')
  t.strictSame(json, {})
  t.match(cookies, [{ value: '' }])
})

t.test('signed cookies', async t => {
  const secret = 'a secret that is long enough for anyone'
  const sessionDir = sessionDirectory(t)
  async function signed (keys: string | string[]) {
    return await serveApp(t, async app => {
      await app.register(cookiePlugin, { secret: keys })
      await app.register(fileSessions, { sessionDir, cookie: { signed: true } })
      routes(app)
    })
  }
  const { visitor } = await signed(secret)
  const client = visitor()
  await client.get('/login')
  const value = decodeURIComponent(client.jar.get('sid') as string)
  t.match(value, /^[\w-]{32}\..{40,}$/)
  t.strictSame((await client.get('/look')).json, { user: 'ann' })

  const [id, signature] = value.split('.') as [string, string]
  for (const forged of [id, `${id}.`, `${id}.${signature}x`, `x${value}`, `${id}.${signature.replace(/.$/, 'A').replace(/^./, 'A')}`, '', '.', 'x'.repeat(4000)]) {
    const forger = visitor()
    forger.jar.set('sid', encodeURIComponent(forged))
    const { status, json, cookies } = await forger.get('/look')
    t.strictSame([status, json], [200, {}])
    t.match(cookies, [{ value: '', attributes: { 'max-age': '0' } }], 'a forged value is cleared')
  }
  t.strictSame((await client.get('/look')).json, { user: 'ann' }, 'the true one still works')

  const rotated = await signed(['a new secret', secret])
  rotated.visitor()
  const old = rotated.visitor()
  old.jar.set('sid', client.jar.get('sid') as string)
  t.strictSame((await old.get('/look')).json, { user: 'ann' }, 'a secret that is being replaced still counts')

  t.match((await client.get('/logout')).cookies, [{ value: '' }])
  t.strictSame(filesIn(sessionDir), [])
})

t.test('signed without a secret does not start', async t => {
  t.match(await startError(options({ signed: true })), { name: 'SessionError', code: 'SESSION_OPTION', message: /cookie\.signed.*secret/ })
  const { app } = loggingApp()
  await app.register(cookiePlugin)
  await t.rejects(async () => { await app.register(fileSessions, options({ signed: true })) }, { message: /cookie\.signed.*secret/ })
  await app.close()
})

t.test('a signer that fails is a 500', async t => {
  const fault = new Error('the key server is away')
  const { visitor } = await serveApp(t, async app => {
    await app.register(cookiePlugin, { secret: { sign: () => { throw fault }, unsign: () => { throw fault } } })
    await app.register(fileSessions, options({ signed: true }))
    routes(app)
  })
  const client = visitor()
  t.match(await client.get('/login'), { status: 500, json: { message: fault.message }, cookies: [] })
  client.jar.set('sid', 'x.y')
  t.match(await client.get('/look'), { status: 500, json: { message: fault.message } })
})

t.test('__Host- and __Secure- keep the rules of their prefix', async t => {
  for (const appid of ['__Host-sid', '__host-SID', '__Secure-sid']) {
    const { visitor } = await serve(t, { appid, sessionDir: sessionDirectory(t) }, routes)
    const client = visitor()
    t.strictSame(attributes((await client.get('/login')).cookies), ['httponly', 'path=/', 'samesite=Lax', 'secure'], 'Secure although the request came over http')
    t.strictSame((await client.get('/look')).json, { user: 'ann' })
    t.ok(attributes((await client.get('/logout')).cookies).includes('secure'))
  }
  const sessionDir = sessionDirectory(t)
  for (const [appid, cookie, name] of [
    ['__Host-sid', { secure: false }, 'cookie\\.secure'],
    ['__Host-sid', { domain: 'example.org' }, 'cookie\\.domain'],
    ['__Host-sid', { path: '/app' }, 'cookie\\.path'],
    ['__HOST-sid', { path: '/app' }, 'cookie\\.path'],
    ['__Secure-sid', { secure: false }, 'cookie\\.secure']
  ] as const) {
    t.match(await startError({ appid, sessionDir, cookie }), { code: 'SESSION_OPTION', message: new RegExp(`${name}.*${appid}`) })
  }
  const { visitor } = await serve(t, { appid: '__Secure-sid', sessionDir: sessionDirectory(t), cookie: { domain: 'example.org', path: '/login' } }, routes)
  t.strictSame(attributes((await visitor().get('/login')).cookies), ['domain=example.org', 'httponly', 'path=/login', 'samesite=Lax', 'secure'])
})

t.test('session.options for one response keeps to the rules of the prefix too', async t => {
  const given = options()
  given.store = new VersionedMapStore('__Host-sid')
  const { visitor } = await serve(t, given, app => {
    app.get('/domain', async request => {
      request.session.set('user', 'ann')
      request.session.options({ domain: 'example.org' })
    })
  })
  t.match(await visitor().get('/domain'), { status: 500, json: { code: 'SESSION_OPTION', message: /cookie\.domain/ }, cookies: [] })
})

t.test('session.options count for one response', async t => {
  const { visitor } = await serve(t, options(), app => {
    routes(app)
    app.get('/options', async request => {
      request.session.set('user', 'ann')
      request.session.options({ sameSite: 'strict', httpOnly: false, path: '/' })
    })
  })
  const client = visitor()
  t.strictSame(attributes((await client.get('/options')).cookies), ['path=/', 'samesite=Strict'])
  t.strictSame((await client.get('/change')).cookies, [])
})

t.test('remember me: the cookie persists, and is sent again when the session is touched', async t => {
  for (const rolling of [true, false]) {
    const given = options({}, { rolling })
    const { visitor } = await serve(t, given, routes)
    const client = visitor()
    t.ok(attributes((await client.get('/remember')).cookies).includes('max-age=1000'))
    t.strictSame((await client.get('/look')).cookies, [], 'not on every response')
    given.store.touchDue = true
    const again = (await client.get('/none')).cookies
    if (rolling) t.ok(attributes(again).includes('max-age=1000'), 'with the session\'s own time')
    else t.strictSame(again, [])
    given.store.touchDue = false
    const touched = (await client.get('/touch')).cookies
    if (rolling) t.ok(attributes(touched).includes('max-age=1000'))
    else t.strictSame(touched, [])
  }
})

t.test('cookie.maxAge for all', async t => {
  const given = options({ maxAge: 500 })
  const { visitor } = await serve(t, given, routes)
  const client = visitor()
  t.ok(attributes((await client.get('/login')).cookies).includes('max-age=500'))
  t.ok(attributes((await client.get('/touch')).cookies).includes('max-age=500'))
  t.ok(attributes((await visitor().get('/remember')).cookies).includes('max-age=1000'))
})

t.test('a cookie of the browser session is not sent again when touched', async t => {
  const given = options()
  given.store.touchDue = true
  const { visitor } = await serve(t, given, routes)
  const client = visitor()
  await client.get('/login')
  given.store.calls.length = 0
  t.strictSame((await client.get('/none')).cookies, [])
  t.ok(given.store.calls.includes('touchSession'))
})

t.test('no shared cache keeps a response with the cookie', async t => {
  const expected: Array<[string | string[] | undefined, string]> = [
    [undefined, 'private'],
    ['', 'private'],
    ['public, max-age=60', 'private, max-age=60'],
    ['PUBLIC,max-age=60,s-maxage=99', 'private, max-age=60'],
    ['s-maxage=99', 'private'],
    ['max-age=60, , must-revalidate', 'private, max-age=60, must-revalidate'],
    ['no-cache', 'private, no-cache'],
    ['no-store', 'no-store'],
    ['Private, max-age=5', 'Private, max-age=5'],
    ['private, s-maxage=5', 'private'],
    ['no-cache="set-cookie"', 'private, no-cache="set-cookie"'],
    [['public', 'max-age=60'], 'private, max-age=60'],
    ['public, private', 'private']
  ]
  for (const [given, result] of expected) {
    const { visitor } = await serve(t, options(), app => {
      app.addHook('preHandler', async (_request, reply) => { if (given !== undefined) reply.header('cache-control', given) })
      routes(app)
    })
    const client = visitor()
    t.equal((await client.get('/login')).headers.get('cache-control'), result, `${String(given)} with the cookie`)
    const plain = (await client.get('/look')).headers.get('cache-control')
    t.equal(plain, given === undefined ? null : String(Array.isArray(given) ? given.join(', ') : given), 'without, it is left alone')
    t.match((await client.get('/logout')).headers.get('cache-control'), /private|no-store/i, 'clearing it counts as well')
  }
})

t.test('other cookies stay as they are', async t => {
  const { visitor } = await serve(t, options(), app => {
    app.get('/both', async (request, reply) => {
      request.session.set('user', 'ann')
      reply.setCookie('other', 'x', { path: '/' })
      reply.header('set-cookie', 'raw=1')
    })
  })
  const client = visitor()
  client.jar.set('foreign', 'y')
  const { cookies } = await client.get('/both')
  t.strictSame(cookies.map(({ name }) => name).sort(), ['other', 'raw', 'sid'])
})

t.test('@fastify/cookie may parse later than the session is needed, or never', async t => {
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler', false] as const) {
    for (const needed of ['onRequest', 'preHandler'] as const) {
      const { visitor } = await serveApp(t, async app => {
        await app.register(cookiePlugin, { hook })
        await app.register(fileSessions, { ...options(), hook: needed })
        routes(app)
      })
      const client = visitor()
      t.strictSame((await client.get('/look')).cookies, [])
      await client.get('/login')
      t.strictSame((await client.get('/look')).json, { user: 'ann' }, `${hook} ${needed}`)
      t.match((await client.get('/logout')).cookies, [{ value: '' }])
    }
  }
})

t.test('an appid that every object has a member of', async t => {
  for (const appid of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    const { visitor } = await serveApp(t, async app => {
      await app.register(cookiePlugin, { secret: 'secret' })
      await app.register(fileSessions, { store: new VersionedMapStore(appid), cookie: { signed: true } })
      routes(app)
    })
    const client = visitor()
    t.match(await client.get('/look'), { status: 200, cookies: [] })
    client.jar.set('other', '1')
    t.match(await client.get('/look'), { status: 200, cookies: [] })
    await client.get('/login')
    t.strictSame((await client.get('/look')).json, { user: 'ann' })
  }
})

t.test('an id with characters that cookies don\'t like comes back whole', async t => {
  let n = 0
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t), idGenerator: () => `é; =%25,"${++n}` }, routes)
  const client = visitor()
  await client.get('/login')
  t.strictSame((await client.get('/look')).json, { user: 'ann' })
})

t.test('the errors are the package\'s own', async t => {
  t.ok(await startError(options({ signed: true })) instanceof SessionError)
})
