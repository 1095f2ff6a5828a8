import { randomUUID } from 'node:crypto'
import cookiePlugin from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import t from 'tap'
import fileSessions, { SessionError, type FileSessionsOptions, type SessionCookieOptions } from '../../index'
import { SessionCookie } from '../../lib/plugin/session-cookie'
import type { CookieValue } from '../../lib/session/cookie-change'
import type { SetCookie } from '../support/client'
import { MemoryStore } from '../support/map-store'
import { loggingApp, serve, serveApp } from '../support/serve'
import { filesIn, sessionDirectory } from '../support/session-files'

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

function options (cookie?: SessionCookieOptions, more: FileSessionsOptions = {}): FileSessionsOptions & { store: MemoryStore } {
  return { store: new MemoryStore(), ...(cookie && { cookie }), ...more } as FileSessionsOptions & { store: MemoryStore }
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

t.test('an id that names no session is left alone, and never adopted', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, routes)
  for (const id of ['unknown', '', '../../etc/passwd', 'x'.repeat(5000), '%00', '%2e%2e%2f', '%', 'a'.repeat(32)]) {
    const client = visitor()
    client.jar.set('sid', id)
    for (const path of ['/none', '/look', '/touch', '/logout']) {
      const { status, cookies, headers } = await client.get(path)
      t.equal(status, 200)
      t.strictSame(cookies, [])
      t.equal(headers.get('cache-control'), null)
    }
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
  t.match(await thief.get('/look'), { json: {}, cookies: [] }, 'only the request that ended the session clears its cookie')
  t.equal(given.store.entries.size, 0)
})

t.test('an expired session: its cookie is left alone, and the next session has another', async t => {
  const { utimes } = await import('node:fs/promises')
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir, idleTimeout: 60 }, routes)
  const client = visitor()
  await client.get('/login')
  const old = new Date(Date.now() - 3600_000)
  await utimes(filesIn(sessionDir)[0] as string, old, old)
  const expired = client.jar.get('sid')
  t.match(await client.get('/look'), { json: {}, cookies: [] })
  t.match((await client.get('/login')).cookies, [{ name: 'sid' }])
  t.not(client.jar.get('sid'), expired)
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
    t.strictSame(cookies, [], 'a forged value is left alone')
  }
  t.strictSame((await client.get('/look')).json, { user: 'ann' }, 'the true one still works')

  const rotated = await signed(['a new secret', secret])
  const old = rotated.visitor()
  old.jar.set('sid', client.jar.get('sid') as string)
  const { json, cookies } = await old.get('/look')
  t.strictSame(json, { user: 'ann' }, 'a secret that is being replaced still counts')
  t.match(cookies, [{ name: 'sid' }], 'the cookie is signed anew')
  t.match(await old.get('/look'), { json: { user: 'ann' }, cookies: [] }, 'once')
  const next = (await signed('a new secret')).visitor()
  next.jar.set('sid', old.jar.get('sid') as string)
  t.strictSame((await next.get('/look')).json, { user: 'ann' }, 'and needs the old secret no more')

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
  given.store = new MemoryStore('__Host-sid')
  const { visitor } = await serve(t, given, app => {
    app.get('/domain', async request => {
      request.session.set('user', 'ann')
      request.session.options({ domain: 'example.org' })
    })
  })
  t.match(await visitor().get('/domain'), { status: 500, json: { code: 'SESSION_OPTION', message: /domain of session\.options must be left out/ } })
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
  t.ok(given.store.calls.includes('touch'))
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
      await app.register(fileSessions, { store: new MemoryStore(appid), cookie: { signed: true } })
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
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t), idGenerator: () => `é; =%25,"${randomUUID()}` }, routes)
  const client = visitor()
  await client.get('/login')
  t.strictSame((await client.get('/look')).json, { user: 'ann' })
})

t.test('the errors are the package\'s own', async t => {
  t.ok(await startError(options({ signed: true })) instanceof SessionError)
})

t.test('a junk cookie of the same name does not hide the session', async t => {
  const { visitor } = await serve(t, options(), routes)
  const client = visitor()
  await client.get('/login')
  const id = client.jar.get('sid') as string
  for (const cookie of [`sid=junk; sid=${id}`, `sid=; sid=${id}`, `sid=1; sid=2; sid=3; sid=${id}`, `sid=${id}; sid=junk`, `sid=${id}; sid=${id}`]) {
    t.match(await visitor().get('/look', { cookie }), { json: { user: 'ann' }, cookies: [] }, cookie)
  }
  t.match(await visitor().get('/look', { cookie: `sid=1; sid=2; sid=3; sid=4; sid=${id}` }), { json: {}, cookies: [] }, 'four are tried')

  const second = visitor()
  await second.get('/login')
  t.match(await visitor().get('/logout', { cookie: `sid=junk; sid=${id}; sid=${second.jar.get('sid')}` }), { cookies: [{ value: '' }] })
  t.strictSame((await client.get('/look')).json, {}, 'the first that lives is the request\'s session')
  t.strictSame((await second.get('/look')).json, { user: 'ann' })
})

t.test('requests outside cookie.path have no session', async t => {
  const given = options({ path: '/app' })
  const { app, visitor } = await serve(t, given, app => {
    for (const path of ['/app', '/app/deep', '/application', '/outside']) {
      app.get(path, async request => {
        if (!request.sessionLoaded) return 'none'
        request.session.set('path', path)
        return 'stored'
      })
      app.get(`${path}/read`, async request => request.session.data())
    }
  })
  const client = visitor()
  for (const path of ['/outside', '/application']) {
    t.match(await client.get(path), { text: 'none', cookies: [] })
    t.match(await client.get(`${path}/read`), {
      status: 500, json: { code: 'SESSION_NOT_LOADED', message: /^request\.session is not there.*outside cookie\.path \(\/app\)/ }, cookies: []
    })
  }
  t.match(await client.get('/app'), { text: 'stored', cookies: [{ attributes: { path: '/app' } }] })
  t.match(await client.get('/app/deep?x=/outside'), { text: 'stored', cookies: [] })
  t.strictSame((await client.get('/app/read')).json, { path: '/app/deep' })
  t.match(await client.get('/outside'), { text: 'none', cookies: [] }, 'not even with the cookie')
  t.equal(given.store.entries.size, 1, 'and no session is replaced there')
  t.equal((await app.inject({ url: '/app', cookies: { sid: client.jar.get('sid') as string } })).body, 'stored')
})

/** What a cookie says of requests, without a session behind it. */
async function cookieOf (
  options: SessionCookieOptions, { name = 'sid', secret, server = {} }: { name?: string, secret?: string | string[], server?: FastifyServerOptions } = {}
) {
  const app = Fastify(server)
  await app.register(cookiePlugin, secret === undefined ? {} : { secret })
  const cookie = new SessionCookie(name, options)
  app.route({
    method: ['GET', 'OPTIONS'],
    url: '*',
    handler: async (request, reply) => {
      const { change } = request.query as { change?: string }
      if (change !== undefined) cookie.write(request, reply, JSON.parse(change) as Parameters<SessionCookie['write']>[2])
      return { values: cookie.read(request), isCovered: cookie.covers(request) }
    }
  })
  const ask = async (url: string, headers: Record<string, string> = {}, more: InjectOptions = {}) => await app.inject({ url, headers, ...more })
  return {
    app,
    values: async (header: string): Promise<CookieValue[]> => (await ask('/', { cookie: header })).json<{ values: CookieValue[] }>().values,
    covers: async (url: string): Promise<boolean> => (await ask(url)).json<{ isCovered: boolean }>().isCovered,
    written: async (change: object, headers = {}): Promise<string> =>
      String((await ask(`/?change=${encodeURIComponent(JSON.stringify(change))}`, headers)).headers['set-cookie'])
  }
}

t.test('read: the values in the order of the header, each once, at most four', async t => {
  const { app, values } = await cookieOf({})
  const ids = async (header: string): Promise<string[]> => (await values(header)).map(({ sesid }) => sesid)
  t.strictSame((await app.inject('/')).json(), { values: [], isCovered: true }, 'no header')
  t.strictSame(await values('sid=a; x=y; sid=b'), [{ sesid: 'a', renew: false }, { sesid: 'b', renew: false }])
  t.strictSame(await ids('sid=a; sid=b; sid=a; sid=a; sid=b; sid=c'), ['a', 'b', 'c'])
  t.strictSame(await ids('sid=; sid=" "; sid= ; sid=b'), ['" "', 'b'], 'an empty value is no id')
  t.strictSame(await ids('sid2=x; SID=y; sid=%61'), ['a'])
  t.strictSame(await ids(Array.from({ length: 100 }, (_, n) => `sid=${n}`).join('; ')), ['0', '1', '2', '3'])
  t.strictSame(await ids(`${'x'.repeat(16_000)}; sid=a`), ['a'])
  t.strictSame(await ids(`${'sid=a; '.repeat(63)}sid=b; sid=c`), ['a', 'b'], 'after 64 cookies of the name it looks no further')
  t.strictSame(await values(''), [])
})

t.test('read: signed values', async t => {
  const current = await cookieOf({ signed: true }, { secret: ['new', 'old'] })
  const [fresh, retired] = [current.app.signCookie('a'), cookiePlugin.sign('a', 'old')].map(encodeURIComponent) as [string, string]
  const other = encodeURIComponent(current.app.signCookie('b'))
  t.strictSame(await current.values(`sid=${fresh}`), [{ sesid: 'a', renew: false }])
  t.strictSame(await current.values(`sid=${retired}`), [{ sesid: 'a', renew: true }])
  t.strictSame(await current.values(`sid=${retired}; sid=${fresh}`), [{ sesid: 'a', renew: true }], 'the first counts')
  for (const forged of ['a', 'a.', '.', '', `x${fresh}`, `${fresh}x`, encodeURIComponent(cookiePlugin.sign('a', 'stranger'))]) {
    t.strictSame(await current.values(`sid=${forged}`), [], forged)
    t.strictSame(await current.values(`sid=${forged}; sid=${forged}2; sid=${forged}3; sid=${forged}4; sid=${other}`), [{ sesid: 'b', renew: false }], 'a forged value takes no place')
  }
  t.strictSame(await current.values(`sid=${encodeURIComponent(current.app.signCookie(''))}`), [], 'an empty id is none, signed or not')
  t.strictSame(await current.values(`${'sid=a.b; '.repeat(64)}sid=${fresh}`), [], 'signatures of 64 cookies are checked')

  const signer = { sign: (value: string) => value, unsign: (value: string) => ({ valid: true, value }) }
  const own = await cookieOf({ signed: true }, { secret: signer as unknown as string })
  t.strictSame(await own.values('sid=a'), [{ sesid: 'a', renew: false }], 'a signer of the app\'s that does not say renew')
})

t.test('covers: the path-match of RFC 6265', async t => {
  const expected: Record<string, { inside: string[], outside: string[] }> = {
    '/': { inside: ['/', '/x', '/?q', '/a/b'], outside: [] },
    '/app': {
      inside: ['/app', '/app/', '/app/x', '/app?x', '/app/?x=/', '/app//'],
      outside: ['/', '/application', '/ap', '/App', '/x/app', '/?/app', '/%61pp', '/app%2fx', '//app', '/app.x', '/app;x']
    },
    '/app/': { inside: ['/app/', '/app/x', '/app/?x'], outside: ['/app', '/app?x', '/', '/apps/'] },
    '/ä b': { inside: [], outside: ['/%C3%A4%20b'] }
  }
  for (const [path, { inside, outside }] of Object.entries(expected)) {
    const { covers } = await cookieOf({ path })
    for (const url of inside) t.equal(await covers(url), true, `${path} ${url}`)
    for (const url of outside) t.equal(await covers(url), false, `${path} ${url}`)
  }
})

t.test('covers: by the path that the browser asked for', async t => {
  const rewritten = await cookieOf({ path: '/app' }, { server: { rewriteUrl: ({ url = '' }) => url.replace(/^\/app/, '') } })
  t.equal(await rewritten.covers('/app/x'), true)
  t.equal(await rewritten.covers('/x'), false)

  const { app } = await cookieOf({ path: '/app' })
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const asked = async (path: string): Promise<unknown> => {
    const { get } = await import('node:http')
    return await new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, agent: false }, response => {
        let text = ''
        response.on('data', part => { text += String(part) }).on('end', () => { resolve((JSON.parse(text) as { isCovered: unknown }).isCovered) })
      }).on('error', reject)
    })
  }
  for (const [target, isCovered] of [
    ['http://example.org/app/x', true], ['HTTP://example.org:80/app', true], ['http://example.org/other', false], ['http://example.org/?/app', false]
  ] as const) t.equal(await asked(target), isCovered, `a proxy's whole address: ${target}`)
})

t.test('SameSite=None and Partitioned are sent with Secure only', async t => {
  const send = { change: 'send', sesid: 'a' }
  const https = { 'x-forwarded-proto': 'https' }
  const server = { trustProxy: true }
  const cross = await cookieOf({ path: '/', sameSite: 'none', secure: 'auto', partitioned: true }, { server })
  for (const change of [send, { change: 'refresh', sesid: 'a', maxAge: 60 }, { change: 'clear' }]) {
    const [plain, secure] = [await cross.written(change), await cross.written(change, https)]
    t.match(plain, /SameSite=Lax/)
    t.notMatch(plain, /Secure|Partitioned/)
    t.match(secure, /Secure/)
    t.match(secure, /Partitioned/)
    t.match(secure, /SameSite=None/)
  }
  const lax = await cookieOf({ path: '/', sameSite: 'lax', secure: 'auto' }, { server })
  t.match(await lax.written({ ...send, options: { sameSite: 'None' } }), /SameSite=Lax/, 'also when one response asks for it')
  t.match(await lax.written({ ...send, options: { sameSite: 'strict' } }), /SameSite=Strict/)
  const off = await cookieOf({ path: '/', sameSite: false, secure: 'auto' })
  t.notMatch(await off.written(send), /SameSite/)
})
