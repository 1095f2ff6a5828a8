import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import t from 'tap'
import fileSessions, { SessionError, SessionFileStore, type Session } from '../../index'
import { MapStore } from '../support/map-store'
import { loggingApp, serveApp } from '../support/serve'
import { sessionDirectory } from '../support/session-files'

declare module 'fastify' {
  interface FastifyRequest {
    readonly admin: Session
    readonly adminLoaded: boolean
  }
  interface FastifyInstance {
    readonly adminStore: SessionFileStore
  }
}

async function startError (build: (app: FastifyInstance) => unknown): Promise<Error & { code?: string }> {
  const { app } = loggingApp()
  try {
    await build(app)
    await app.ready()
  } catch (error) {
    return error as Error
  } finally {
    await app.close()
  }
  throw new Error('it started')
}

t.test('the app and its children have the decorators', async t => {
  const { app, visitor } = await serveApp(t, async app => {
    await app.register(fileSessions, { sessionDir: sessionDirectory(t) })
    app.register(async child => {
      t.equal(child.sessionStore, app.sessionStore)
      child.get('/child', async request => {
        request.session.set('from', 'child')
        return request.sessionLoaded
      })
    }, { prefix: '/deep' })
    app.get('/root', async request => request.session.get('from'))
  })
  t.ok(app.sessionStore instanceof SessionFileStore)
  t.ok(app.hasPlugin('fastify-file-sessions'))
  t.ok(app.hasPlugin('@fastify/cookie'))
  t.ok(app.hasRequestDecorator('session'))
  t.ok(app.hasRequestDecorator('sessionLoaded'))
  const client = visitor()
  t.equal((await client.get('/deep/child')).text, 'true')
  t.equal((await client.get('/root')).text, 'child')
})

t.test('registered in a child, the rest of the app has nothing of it', async t => {
  const { app, visitor } = await serveApp(t, async app => {
    app.register(async child => {
      await child.register(fileSessions, { sessionDir: sessionDirectory(t) })
      child.get('/in', async request => { request.session.set('a', 1) })
    })
    app.get('/out', async request => ({ session: 'session' in request, loaded: 'sessionLoaded' in request, store: 'sessionStore' in request.server }))
  })
  t.notOk(app.hasDecorator('sessionStore'))
  const client = visitor()
  t.match((await client.get('/in')).cookies, [{ name: 'sid' }])
  const stranger = visitor()
  stranger.jar.set('sid', 'unknown')
  const { json, cookies } = await stranger.get('/out')
  t.strictSame(json, { session: false, loaded: false, store: false })
  t.strictSame(cookies, [])
})

t.test('two registrations in one app', async t => {
  const sessionDir = sessionDirectory(t)
  const { app, visitor } = await serveApp(t, async app => {
    await app.register(fileSessions, { sessionDir })
    await app.register(fileSessions, { appid: 'admin', sessionName: 'admin', sessionDir, hook: 'onRequest', cookie: { sameSite: 'strict' } })
    app.get('/user', async request => { request.session.set('user', 'ann') })
    app.get('/admin', async request => { request.admin.set('user', 'root') })
    app.get('/both', async request => ({
      session: request.session.data(), admin: request.admin.data(), loaded: [request.sessionLoaded, request.adminLoaded]
    }))
    app.get('/logout', async request => { await request.admin.destroy() })
    app.get('/fresh', async request => {
      request.session.set('b', 1)
      request.admin.set('b', 1)
    })
    app.get('/free', { config: { session: false } }, async request => [request.sessionLoaded, request.adminLoaded])
    app.get('/early', { preValidation: async request => { request.admin.get('x'); request.session.get('x') } }, () => 'never')
  })
  t.not(app.adminStore, app.sessionStore)
  t.equal(app.adminStore.sesAppid(), 'admin')
  const client = visitor()
  t.match((await client.get('/user')).cookies, [{ name: 'sid' }])
  t.match((await client.get('/admin')).cookies, [{ name: 'admin', attributes: { samesite: 'Strict' } }])
  t.strictSame((await client.get('/both')).json, { session: { user: 'ann' }, admin: { user: 'root' }, loaded: [true, true] })
  t.match((await client.get('/logout')).cookies, [{ name: 'admin', value: '' }])
  t.strictSame((await client.get('/both')).json, { session: { user: 'ann' }, admin: {}, loaded: [true, true] })
  t.strictSame((await visitor().get('/fresh')).cookies.map(({ name }) => name).sort(), ['admin', 'sid'], 'both cookies in one response')
  t.strictSame((await client.get('/free')).json, [false, false])
  t.match((await client.get('/early')).json, { message: /^request\.session is not loaded yet/ })

  const swapped = visitor()
  swapped.jar.set('admin', client.jar.get('sid') as string)
  t.strictSame((await swapped.get('/both')).json, { session: {}, admin: {}, loaded: [true, true] }, 'one\'s id is nothing to the other')
})

t.test('two registrations that cannot be told apart do not start', async t => {
  const sessionDir = sessionDirectory(t)
  const sameName = await startError(async app => {
    await app.register(fileSessions, { sessionDir })
    await app.register(fileSessions, { sessionDir, appid: 'other' })
  })
  t.match(sameName, { name: 'SessionError', code: 'SESSION_OPTION', message: /option sessionName: this app already has request\.session/ })

  const sameCookie = await startError(async app => {
    await app.register(fileSessions, { sessionDir })
    await app.register(fileSessions, { sessionDir, sessionName: 'other' })
  })
  t.match(sameCookie, { name: 'SessionError', code: 'SESSION_OPTION', message: /option appid: this app already has the session cookie sid/ })

  const inChild = await startError(async app => {
    await app.register(fileSessions, { sessionDir })
    app.register(async child => { await child.register(fileSessions, { sessionDir, sessionName: 'other' }) })
  })
  t.match(inChild, { code: 'SESSION_OPTION', message: /option appid/ })

  const notOurs = await startError(async app => {
    app.decorateRequest('session', null as never)
    await app.register(fileSessions, { sessionDir })
  })
  t.match(notOurs, { code: 'SESSION_OPTION', message: /already has request\.session/ }, 'another session plugin')

  const store = await startError(async app => {
    app.decorate('sessionStore', 'x' as never)
    await app.register(fileSessions, { sessionDir })
  })
  t.match(store, { code: 'SESSION_OPTION', message: /sessionName/ })
})

t.test('siblings may use the same name and cookie', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serveApp(t, async app => {
    await app.register(fileSessions, { sessionDir, appid: 'outer', sessionName: 'outer' })
    for (const name of ['a', 'b']) {
      app.register(async child => {
        await child.register(fileSessions, { sessionDir })
        child.get('/', async request => { request.session.set(name, 1); return request.session.data() })
      }, { prefix: `/${name}` })
    }
  })
  const client = visitor()
  t.strictSame((await client.get('/a')).json, { a: 1 })
  t.strictSame((await client.get('/b')).json, { a: 1, b: 1 })
})

t.test('a sessionName that Fastify needs itself does not start', async t => {
  for (const sessionName of ['body', 'headers', 'raw', 'log', 'id', 'server', 'cookies']) {
    const error = await startError(async app => { await app.register(fileSessions, { sessionDir: sessionDirectory(t), sessionName }) })
    t.match(error.message, sessionName)
  }
})

t.test('@fastify/cookie', async t => {
  const sessionDir = sessionDirectory(t)
  const login = (app: FastifyInstance): void => {
    app.get('/', async (request, reply) => {
      request.session.set('a', 1)
      reply.setCookie('plain', 'x')
      return request.cookies
    })
  }

  await t.test('registered before', async t => {
    const { visitor } = await serveApp(t, async app => {
      await app.register(cookiePlugin, { secret: 'secret' })
      await app.register(fileSessions, { sessionDir })
      login(app)
    })
    const client = visitor()
    t.strictSame((await client.get('/')).cookies.map(({ name }) => name).sort(), ['plain', 'sid'])
    t.match((await client.get('/')).json, { plain: 'x' })
  })

  await t.test('registered before, and no plugin waits for another', async t => {
    const { visitor } = await serveApp(t, app => {
      app.register(cookiePlugin, { secret: 'secret' })
      app.register(fileSessions, { sessionDir, cookie: { signed: true } })
      app.register(async child => { login(child) })
    })
    t.match((await visitor().get('/')).cookies, [{ name: 'plain' }, { name: 'sid', value: /\./ }])
  })

  await t.test('missing: it is registered, for all of the app', async t => {
    const { visitor } = await serveApp(t, async app => {
      await app.register(fileSessions, { sessionDir })
      login(app)
    })
    t.strictSame((await visitor().get('/')).cookies.map(({ name }) => name).sort(), ['plain', 'sid'])
  })

  await t.test('registered after: the error is Fastify\'s, and the log says what to do', async t => {
    // Some versions of it throw where no caller can catch the error.
    const late = fastifyPlugin(async (app: FastifyInstance) => {
      await new Promise<void>((resolve, reject) => {
        const loaded: unknown = (cookiePlugin as (...parameters: unknown[]) => unknown)(app, {}, (error?: Error) => { error ? reject(error) : resolve() })
        Promise.resolve(loaded).catch(reject)
      })
    })
    const error = { code: 'FST_ERR_DEC_ALREADY_PRESENT', message: /'serializeCookie' has already been added/ }
    t.match(await startError(async app => {
      await app.register(fileSessions, { sessionDir })
      await app.register(late)
    }), error)
    t.match(await startError(app => {
      app.register(fileSessions, { sessionDir })
      app.register(late)
    }), error, 'no plugin waits for another')
    t.match(await startError(async app => {
      await app.register(fileSessions, { sessionDir })
      app.register(async child => { await child.register(late) })
    }), { code: error.code, message: /'cookies' has already been added/ }, 'in a child')

    const { app, log } = loggingApp()
    await app.register(fileSessions, { sessionDir })
    t.match(log.filter(({ msg }) => /@fastify\/cookie/.test(msg)), [{ level: 30, msg: /must do so before: otherwise Fastify says that a decorator has already been added/ }])
    await app.close()
    const early = loggingApp()
    await early.app.register(cookiePlugin)
    await early.app.register(fileSessions, { sessionDir })
    t.notOk(early.log.some(({ msg }) => /@fastify\/cookie/.test(msg)))
    await early.app.close()
  })

  await t.test('decorate is Fastify\'s own', async t => {
    const { app } = loggingApp()
    const { decorate } = app
    await app.register(fileSessions, { sessionDir })
    t.equal(app.decorate, decorate)
    await app.close()
  })

  await t.test('in two siblings, one ours and one their own', async t => {
    const { visitor } = await serveApp(t, app => {
      app.register(async child => {
        await child.register(fileSessions, { sessionDir })
        login(child)
      })
      app.register(async child => {
        await child.register(cookiePlugin)
        child.get('/own', async (_request, reply) => { reply.setCookie('own', 'x') })
      })
    })
    t.match((await visitor().get('/own')).cookies, [{ name: 'own' }])
    t.equal((await visitor().get('/')).cookies.length, 2)
  })
})

t.test('a store of one\'s own is what the app is decorated with', async t => {
  const store = new MapStore('mine')
  const { app } = await serveApp(t, async app => { await app.register(fileSessions, { store, sessionName: 'visit' }) })
  t.equal((app as unknown as { visitStore: unknown }).visitStore, store)
})

t.test('the store\'s appid counts when cookies are told apart', async t => {
  const error = await startError(async app => {
    await app.register(fileSessions, { store: new MapStore('x') })
    await app.register(fileSessions, { store: new MapStore('x'), sessionName: 'other' })
  })
  t.ok(error instanceof SessionError)
  t.match(error.message, /session cookie x/)
})

t.test('request.session cannot be replaced', async t => {
  const { visitor } = await serveApp(t, async app => {
    await app.register(fileSessions, { sessionDir: sessionDirectory(t) })
    app.get('/', async request => { (request as { session: unknown }).session = {} })
    app.get('/end', async request => { (request as { session: unknown }).session = null })
  })
  for (const path of ['/', '/end']) {
    t.match(await visitor().get(path), {
      status: 500, json: { code: 'SESSION_ARGUMENT', message: /to end the session call await request\.session\.destroy\(\); to change it set its properties/ }
    })
  }
})

t.test('reading a session that is not loaded says why', async t => {
  const { visitor } = await serveApp(t, async app => {
    await app.register(fileSessions, { sessionDir: sessionDirectory(t), cookie: { path: '/app' }, sessionName: 'visit' })
    const read = async (request: FastifyRequest): Promise<unknown> => (request as unknown as { visit: unknown }).visit
    app.get('/app', read)
    app.get('/app/free', { config: { session: false } }, read)
    app.get('/free', { config: { session: false } }, read)
    app.get('/app/early', { preValidation: async request => { await read(request) } }, () => 'never')
    app.get('/other', read)
    app.get('/loaded', async request => String((request as unknown as { visitLoaded: boolean }).visitLoaded))
  })
  const message = async (path: string): Promise<unknown> => ((await visitor().get(path)).json as { message: unknown }).message
  t.equal((await visitor().get('/app')).status, 200)
  for (const path of ['/app/free', '/free']) t.equal(await message(path), 'request.visit is switched off on this route by config: { session: false }')
  t.match(await message('/app/early'), /^request\.visit is not loaded yet: it is loaded in preHandler/)
  t.match(await message('/other'), /^request\.visit is not there, because the request's path is outside cookie\.path \(\/app\).*request\.visitLoaded/)
  t.equal((await visitor().get('/loaded')).text, 'false')
})

t.test('a guard that was added before the plugin is told to be added after it', async t => {
  for (const [hook, cure] of [
    ['onRequest', /it is loaded in onRequest\. Register fastify-file-sessions first: hooks run in the order/],
    ['preHandler', /it is loaded in preHandler\. Choose an earlier one with the option hook/]
  ] as const) {
    const { visitor } = await serveApp(t, async app => {
      app.addHook(hook, async request => { request.session.get('user') })
      await app.register(fileSessions, { sessionDir: sessionDirectory(t), hook })
      app.get('/', () => 'never')
    })
    t.match((await visitor().get('/')).json, { code: 'SESSION_NOT_LOADED', message: cure })
  }
})
