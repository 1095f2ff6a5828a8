import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { SessionError } from '../../lib/errors'
import { Availability } from '../../lib/plugin/availability'
import { addSessionHooks, visitOf as visitAt, type HookCookie } from '../../lib/plugin/hooks'
import { LateChanges } from '../../lib/plugin/late-changes'
import { Turn } from '../../lib/plugin/turn'
import { JSON_CODEC } from '../../lib/session/codec'
import { SessionManager, type CookieChange, type CookieValue, type Visit } from '../../lib/session/session-manager'
import type { Session } from '../../lib/session/session'
import type { SessionStore } from '../../lib/store/session-store'
import { Barrier, Gate } from '../support/barrier'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'
import { serve, serveApp, type Served } from '../support/serve'
import { filesIn, sessionDirectory } from '../support/session-files'
import { undeclared } from '../support/undeclared'

const hooks = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

/** Counts a visit in the session. */
function count (request: FastifyRequest): { n: number } {
  const n = (request.session.get('n') as number | undefined ?? 0) + 1
  request.session.set('n', n)
  return { n }
}

for (const [index, hook] of hooks.entries()) {
  t.test(`hook ${hook}: the session is there from then on, and not before`, async t => {
    const { visitor } = await serve(t, { sessionDir: sessionDirectory(t), hook }, app => {
      const seen = new WeakMap<FastifyRequest, unknown[]>()
      const look = (request: FastifyRequest): void => {
        const list = seen.get(request) ?? []
        seen.set(request, list)
        try {
          list.push([request.sessionLoaded, typeof request.session.get])
        } catch (error) {
          list.push([request.sessionLoaded, (error as SessionError).code, error instanceof SessionError, (error as Error).message])
        }
      }
      app.addHook('onRequest', (request, _reply, done) => { look(request); done() })
      app.addHook('preParsing', (request, _reply, _payload, done) => { look(request); done() })
      app.addHook('preValidation', (request, _reply, done) => { look(request); done() })
      app.addHook('preHandler', (request, _reply, done) => { look(request); done() })
      app.post('/', async request => ({ ...count(request), seen: seen.get(request) }))
    })
    const client = visitor()
    for (const n of [1, 2]) {
      const answer = await client.post('/')
      const { seen, ...rest } = answer.json as { n: number, seen: unknown[][] }
      t.strictSame(rest, { n })
      t.equal(seen.length, 4)
      for (const entry of seen.slice(index)) t.strictSame(entry, [true, 'function'])
      for (const entry of seen.slice(0, index)) {
        t.strictSame(entry.slice(0, 3), [false, 'SESSION_NOT_LOADED', true])
        t.match(entry[3], new RegExp(`request\\.session .*${hook}.*option hook.*sessionLoaded`))
      }
    }
  })
}

t.test('read too early and not caught: a 500 that names the option', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.addHook('onRequest', async request => { request.session.get('user') })
    app.get('/', () => 'never')
  })
  const { status, json } = await visitor().get('/')
  t.equal(status, 500)
  t.match(json, { code: 'SESSION_NOT_LOADED', message: /hook/ })
})

t.test('config: { session: false } leaves a route alone', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store }, app => {
    app.get('/count', async request => count(request))
    app.get('/free', { config: { session: false } }, async request => {
      let code = ''
      let message = ''
      try {
        request.session.get('n')
      } catch (error) {
        ({ code, message } = error as SessionError)
      }
      return { loaded: request.sessionLoaded, code, message }
    })
    app.get('/on', { config: { session: true } }, async request => count(request))
  })
  const client = visitor()
  await client.get('/count')
  store.calls.length = 0
  const { json, cookies } = await client.get('/free')
  t.match(json, { loaded: false, code: 'SESSION_NOT_LOADED', message: /switched off.*session: false/ })
  t.strictSame(cookies, [])
  t.strictSame(store.calls, [])
  const stranger = visitor()
  stranger.jar.set('sid', 'unknown')
  t.strictSame((await stranger.get('/free')).cookies, [], 'not even an unknown cookie is looked at')
  t.strictSame((await client.get('/on')).json, { n: 2 })
})

t.test('a 404 has a session too', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/count', async request => count(request))
    app.setNotFoundHandler(async (request, reply) => {
      reply.code(404)
      return count(request)
    })
  })
  const client = visitor()
  t.match(await client.get('/nothing'), { status: 404, json: { n: 1 }, cookies: [{ name: 'sid' }] })
  t.match(await client.get('/count'), { status: 200, json: { n: 2 }, cookies: [] })
})

t.test('a 404 that nobody handles', async t => {
  const sessionDir = sessionDirectory(t)
  const { visitor } = await serve(t, { sessionDir }, app => { app.get('/', () => '') })
  t.match(await visitor().get('/nothing'), { status: 404, cookies: [] })
  const stale = visitor()
  stale.jar.set('sid', 'stale')
  t.match(await stale.get('/nothing'), { status: 404, cookies: [] }, 'an unknown cookie is left alone there as well')
  t.strictSame(filesIn(sessionDir), [])
})

t.test('a failed validation: the error handler can ask whether the session is loaded', async t => {
  for (const [hook, loaded] of [['preHandler', false], ['preValidation', true]] as const) {
    const { visitor } = await serve(t, { sessionDir: sessionDirectory(t), hook }, app => {
      app.get('/', { schema: { querystring: { type: 'object', required: ['q'] } } }, async () => 'never')
      app.get('/count', async request => count(request))
      app.setErrorHandler(async (error, request, reply) => {
        if (request.sessionLoaded) request.session.set('flash', (error as Error).message)
        await reply.code(422).send({ loaded: request.sessionLoaded })
      })
    })
    const client = visitor()
    await client.get('/count')
    t.match(await client.get('/'), { status: 422, json: { loaded }, cookies: [] })
    t.strictSame((await client.get('/count')).json, { n: 2 }, 'the session is as before')
  }
})

t.test('an error that a handler throws: what it set is stored, as with any answer', async t => {
  for (const custom of [false, true]) {
    const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
      if (custom) app.setErrorHandler((error, request, reply) => { reply.code(418).send({ n: request.session.get('n'), message: (error as Error).message }) })
      app.get('/throw', async request => {
        count(request)
        throw Object.assign(new Error('mine'), { statusCode: 418 })
      })
      app.get('/skip', async request => {
        count(request)
        request.session.skipSave()
        throw Object.assign(new Error('mine'), { statusCode: 418 })
      })
      app.get('/count', async request => count(request))
    })
    const client = visitor()
    t.match(await client.get('/throw'), { status: 418, json: { message: 'mine' }, cookies: [{ name: 'sid' }] })
    t.match(await client.get('/skip'), { status: 418, json: { message: 'mine' }, cookies: [] })
    t.strictSame((await client.get('/count')).json, { n: 2 })
  }
})

t.test('streams', async t => {
  const file = join(t.testdir({ big: 'x'.repeat(300_000) }), 'big')
  const { visitor } = await serve(t, { store: new MemoryStore() }, app => {
    app.get('/stream', (request, reply) => {
      count(request)
      return reply.send(Readable.from(['a', 'b', 'c']))
    })
    app.get('/late', (request, reply) => {
      async function * parts (): AsyncGenerator<string> {
        yield 'a'
        // The headers, and with them the cookie, are long gone.
        request.session.set('late', true)
        await request.session.save()
        yield 'b'
      }
      count(request)
      return reply.send(Readable.from(parts()))
    })
    app.get('/web', (request, reply) => {
      count(request)
      return reply.send(new Response('web', { headers: { 'x-web': '1' } }))
    })
    app.get('/file', async (request, reply) => {
      count(request)
      return await reply.send(createReadStream(file))
    })
    app.get('/data', async request => request.session.data())
  })
  const client = visitor()
  t.match(await client.get('/stream'), { status: 200, text: 'abc', cookies: [{ name: 'sid' }] })
  t.match(await client.get('/late'), { status: 200, text: 'ab', cookies: [] })
  t.match(await client.get('/web'), { status: 200, text: 'web' })
  t.equal((await client.get('/file')).text.length, 300_000)
  t.strictSame((await client.get('/data')).json, { n: 4, late: true })
})

t.test('redirects and HEAD carry the cookie', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/login', (request, reply) => {
      request.session.set('user', 'ann')
      reply.redirect('/me')
    })
    app.get('/me', async request => ({ user: request.session.get('user') ?? null }))
    app.get('/count', async request => count(request))
  })
  const client = visitor()
  const login = await client.get('/login')
  t.match(login, { status: 302, cookies: [{ name: 'sid' }] })
  t.equal(login.headers.get('location'), '/me')
  t.strictSame((await client.get('/me')).json, { user: 'ann' })

  const head = visitor()
  t.match(await head.request('HEAD', '/count'), { status: 200, text: '', cookies: [{ name: 'sid' }] })
  t.strictSame((await head.get('/count')).json, { n: 2 })
})

t.test('empty and cached answers', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/204', (request, reply) => { count(request); reply.code(204).send() })
    app.get('/304', (request, reply) => { count(request); reply.code(304).send() })
    app.get('/null', async request => { count(request); return null })
    app.get('/count', async request => count(request))
  })
  const client = visitor()
  t.match(await client.get('/204'), { status: 204, cookies: [{ name: 'sid' }] })
  t.equal((await client.get('/304')).status, 304)
  t.equal((await client.get('/null')).text, 'null')
  t.strictSame((await client.get('/count')).json, { n: 4 })
})

t.test('reply.hijack: nothing is saved but by save()', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/hijack', async (request, reply) => {
      reply.hijack()
      request.session.set('saved', true)
      await request.session.save()
      request.session.set('unsaved', true)
      reply.raw.end('mine')
    })
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/data', async request => request.session.data())
  })
  const client = visitor()
  await client.get('/login')
  t.match(await client.get('/hijack'), { status: 200, text: 'mine' })
  t.strictSame((await client.get('/data')).json, { user: 'ann', saved: true })
})

t.test('an answer from an earlier hook, before the session is loaded', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store }, app => {
    app.addHook('onRequest', (_request, reply) => { reply.code(401).send('no') })
    app.get('/', () => 'never')
  })
  const client = visitor()
  client.jar.set('sid', 'x')
  t.match(await client.get('/'), { status: 401, text: 'no', cookies: [] })
  t.strictSame(store.calls, [])
})

t.test('routes and hooks that were there before the plugin', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/child', async request => count(request))
    app.register(async child => {
      child.addHook('onSend', async request => { request.session.set('late', true) })
      child.get('/late', async request => request.session.data())
    })
  })
  const client = visitor()
  t.strictSame((await client.get('/child')).json, { n: 1 })
  await client.get('/late')
  t.strictSame((await client.get('/late')).json, { n: 1 }, 'an onSend hook that runs later has nothing saved')
})

t.test('a save that fails is a 500 without a cookie, whatever was to be answered', async t => {
  const store = new MemoryStore()
  const answers: Record<string, (reply: FastifyReply) => unknown> = {
    ok: () => 'ok',
    created: reply => reply.code(201).send({ made: true }),
    redirect: reply => reply.redirect('/me'),
    empty: reply => reply.code(204).send(),
    stream: reply => reply.send(Readable.from(['a'])),
    bad: () => { throw Object.assign(new Error('bad'), { statusCode: 400 }) },
    cached: reply => reply.header('cache-control', 'public, max-age=60').send('x')
  }
  const build = (custom: boolean) => (app: FastifyInstance): void => {
    if (custom) app.setErrorHandler((error, _request, reply) => { reply.send({ code: (error as SessionError).code }) })
    for (const [name, answer] of Object.entries(answers)) {
      app.get(`/${name}`, async (request, reply) => {
        request.session.set('user', name)
        return await answer(reply)
      })
    }
    app.get('/data', async request => request.session.data())
  }
  for (const custom of [false, true]) {
    const { visitor } = await serve(t, { store }, build(custom))
    for (const name of Object.keys(answers)) {
      await t.test(`${name}, ${custom ? 'own' : 'default'} error handler`, async t => {
        store.before = { create: () => { throw new SessionError('SESSION_FILE', 'the disk says no') } }
        const client = visitor()
        const failed = await client.get(`/${name}`)
        t.equal(failed.status, 500)
        t.match(failed.json, { code: 'SESSION_FILE' })
        t.strictSame(failed.cookies, [])
        store.before = {}
        await client.get(`/${name}`)
        t.strictSame((await client.get('/data')).json, { user: name }, 'the next request works')
      })
    }
  }
})

t.test('a save that fails after a login is a 500 with the cookie of the new session', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store }, app => {
    app.get('/', async request => { request.session.set('a', 1) })
    app.get('/login', async request => {
      await undeclared(request).regenerate(['a'])
      request.session.set('user', 'ada')
    })
    app.get('/data', async request => request.session.data())
  })
  const client = visitor()
  await client.get('/')
  store.before = { replace: () => { throw new SessionError('SESSION_FILE', 'the disk says no') } }
  t.match(await client.get('/login'), { status: 500, cookies: [{ name: 'sid' }] })
  t.strictSame((await client.get('/data')).json, { a: 1 })
})

t.test('a save that fails closes the stream that was to be sent', async t => {
  const store = new MemoryStore()
  store.before = { create: () => { throw new SessionError('SESSION_FILE', 'the disk says no') } }
  const { visitor } = await serve(t, { store }, app => {
    app.get('/', async (request, reply) => {
      request.session.set('a', 1)
      const stream = createReadStream(__filename)
      closed = once(stream, 'close')
      return await reply.send(stream)
    })
  })
  let closed: Promise<unknown> | undefined
  t.match(await visitor().get('/'), { status: 500, json: { code: 'SESSION_FILE' } })
  await closed
})

for (const [kind, store] of Object.entries({ slow: new MemoryStore(), prompt: new PromptStore() })) {
  t.test(`what cannot be sent is a 500 and no more, though Fastify finds out after the save in a ${kind} store`, async t => {
    const { visitor } = await serve(t, { store }, app => {
      app.get('/header', async (request, reply) => {
        count(request)
        reply.header('content-disposition', 'attachment; filename="\u{1F4BE}"')
        return 'x'
      })
      app.get('/payload', (request, reply) => {
        count(request)
        reply.type('text/plain').send({ no: 'text' })
      })
      app.get('/', async request => count(request))
    })
    const client = visitor()
    await client.get('/')
    t.match(await client.get('/header'), { status: 500, json: { code: 'ERR_INVALID_CHAR' } })
    t.match(await client.get('/payload'), { status: 500, json: { code: 'FST_ERR_REP_INVALID_PAYLOAD_TYPE' } })
    t.strictSame((await client.get('/')).json, { n: 4 }, 'the session is stored all the same')
  })
}

/** An app with the hooks alone: the request's cookie is its header `sid`, and its visit is `visitOf(request)`. */
async function bare (
  t: Test, store: SessionStore, cookie: Partial<HookCookie>, build: (app: FastifyInstance) => unknown, turn?: Turn
): Promise<Served> {
  const read = ({ headers: { sid } }: FastifyRequest): CookieValue[] => typeof sid === 'string' ? [{ sesid: sid, renew: false }] : []
  const write = (_request: FastifyRequest, reply: FastifyReply, change: CookieChange): null => {
    if (change.change === 'send') reply.header('sid', change.sesid)
    return null
  }
  return await serveApp(t, async app => {
    app.decorateRequest(key, null)
    addSessionHooks(app, {
      hook: 'onRequest',
      key,
      manager: new SessionManager(store, { codec: JSON_CODEC, rolling: true }),
      cookie: { read, write, covers: () => true, keepOut () {}, clearSiteData: null, ...cookie },
      availability: new Availability('fail', 'request.session', 'sid'),
      lateChanges: new LateChanges('request.session'),
      ...(turn === undefined ? {} : { turn })
    })
    await build(app)
  })
}

const key = Symbol('visit')

function visitOf (request: FastifyRequest): Visit | null {
  return visitAt(request, key)
}

t.test('what is stored in one turn is answered at its end, each in its own context', async t => {
  const events: string[] = []
  const store = new PromptStore(() => { events.push('stored') })
  const context = new AsyncLocalStorage<string>()
  const barrier = new Barrier(3)
  // A turn that no slow machine makes end early.
  const turn = new Turn(() => 0)
  const count = (request: FastifyRequest): { n: number } => {
    const session = visitOf(request)?.session as Session
    const n = (session.get('n') as number | undefined ?? 0) + 1
    session.set('n', n)
    return { n }
  }
  const { visitor } = await bare(t, store, {}, app => {
    app.addHook('onRequest', (request, _reply, done) => { context.run(request.id, done) })
    app.addHook('onSend', async request => {
      if (request.url !== '/count') return
      events.push('answered')
      t.equal(context.getStore(), request.id, 'the context of the request')
    })
    app.get('/', async request => count(request))
    app.get('/count', async request => {
      await barrier.arrive()
      return count(request)
    })
  }, turn)
  const sesids = await Promise.all([1, 2, 3].map(async () => (await visitor().get('/')).headers.get('sid') as string))
  const answers = await Promise.all(sesids.map(async sid => await visitor().get('/count', { sid })))
  t.strictSame(answers.map(({ json }) => json), [{ n: 2 }, { n: 2 }, { n: 2 }])
  t.strictSame(events, ['stored', 'stored', 'stored', 'answered', 'answered', 'answered'])
})

t.test('a request outside the cookie\'s path has no session', async t => {
  const store = new MemoryStore()
  const covers = ({ url }: FastifyRequest): boolean => url.startsWith('/in')
  const { visitor } = await bare(t, store, { covers }, app => {
    for (const path of ['/in', '/out']) app.post(path, async request => visitOf(request) !== null)
  })
  t.strictSame((await visitor().post('/in', undefined, { sid: 'x' })).json, true)
  store.calls.length = 0
  t.strictSame((await visitor().post('/out', undefined, { sid: 'x' })).json, false)
  t.strictSame(store.calls, [], 'not even the cookie is looked at')
})

for (const [kind, store] of Object.entries({ slow: new MemoryStore(), prompt: new PromptStore() })) {
  t.test(`a stream that fails while its session is stored is a 500, in a ${kind} store`, async t => {
    const ways: Record<string, () => unknown> = {
      missing: () => createReadStream('/nonexistent'),
      broken: () => {
        const stream = new PassThrough()
        stream.destroy(new Error('broken'))
        return stream
      },
      later: () => {
        const stream = new PassThrough()
        setImmediate(() => stream.destroy(new Error('broken')))
        return stream
      }
    }
    const { visitor } = await serve(t, { store }, app => {
      for (const [name, make] of Object.entries(ways)) {
        app.get(`/${name}`, async (request, reply) => {
          count(request)
          await nextTurn()
          return await reply.send(make())
        })
      }
      app.get('/', async request => count(request))
    })
    const client = visitor()
    await client.get('/')
    for (const name of Object.keys(ways)) t.equal((await client.get(`/${name}`)).status, 500, name)
    t.strictSame((await client.get('/')).json, { n: 5 })
  })
}

t.test('a session that cannot be read is a 500, and an exempt route does not care', async t => {
  const store = new MapStore()
  const { visitor } = await serve(t, { store }, app => {
    app.get('/', async request => request.session.data())
    app.get('/free', { config: { session: false } }, () => 'free')
    app.get('/login', async request => { request.session.set('user', 'ann') })
  })
  const client = visitor()
  await client.get('/login')
  store.before = { getSession: () => { throw new SessionError('SESSION_FILE', 'the disk says no') } }
  t.match(await client.get('/'), { status: 500, json: { code: 'SESSION_FILE' }, cookies: [] })
  t.match(await client.get('/free'), { status: 200 })
  store.before = {}
  t.strictSame((await client.get('/')).json, { user: 'ann' })
})

t.test('what is thrown without waiting is a 500 as well', async t => {
  let refuse = false
  class Refusing extends PromptStore {
    override readNow (name: string) {
      if (refuse) throw new SessionError('SESSION_FILE', 'the disk says no')
      return super.readNow(name)
    }
  }
  const store = new Refusing()
  const { visitor } = await serve(t, { store }, app => {
    app.get('/', async request => request.session.data())
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/circle', async (request, reply) => {
      const circle: Record<string, unknown> = {}
      circle['self'] = circle
      request.session.set('user', 'bob')
      request.session.set('circle', circle)
      return await reply.redirect('/')
    })
  })
  const client = visitor()
  await client.get('/login')
  const stranger = visitor()
  t.match(await stranger.get('/circle'), { status: 500, cookies: [] }, 'a codec that cannot encode what was set')
  t.match(await client.get('/circle'), { status: 500, cookies: [] })
  t.strictSame(store.data, { user: 'ann' }, 'nothing of it is stored')
  refuse = true
  t.match(await client.get('/'), { status: 500, json: { code: 'SESSION_FILE' }, cookies: [] })
  refuse = false
  t.strictSame((await client.get('/')).json, { user: 'ann' })
})

t.test('a route that never looks at its session neither decodes nor writes it', async t => {
  const store = new MemoryStore()
  let decoded = 0
  const codec = {
    encode: (data: object) => JSON.stringify(data),
    decode: (text: string) => { decoded++; return JSON.parse(text) as Record<string, unknown> }
  }
  const { visitor } = await serve(t, { store, codec }, app => {
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/idle', () => 'x')
  })
  const client = visitor()
  await client.get('/login')
  decoded = 0
  store.calls.length = 0
  await client.get('/idle')
  t.equal(decoded, 0)
  t.strictSame(store.calls, ['read'])
})

t.test('a visitor who goes away before the session is loaded harms nobody', async t => {
  const store = new MemoryStore()
  const { visitor, url } = await serve(t, { store }, app => {
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/', async request => request.session.data())
  })
  const client = visitor()
  await client.get('/login')
  const abort = new AbortController()
  store.before = { read: () => { abort.abort() } }
  await t.rejects(fetch(url, { signal: abort.signal, headers: { cookie: `sid=${client.jar.get('sid')}` } }))
  store.before = {}
  t.strictSame((await client.get('/')).json, { user: 'ann' })
})

t.test('no line of the log holds an id or data', async t => {
  const { visitor, log } = await serve(t, { sessionDir: sessionDirectory(t), maxSize: 200 }, app => {
    app.get('/login', async request => { request.session.set('user', 'top secret') })
    app.get('/big', async request => { request.session.set('big', 'x'.repeat(300)) })
    app.get('/logout', async request => { await request.session.destroy() })
  })
  const client = visitor()
  await client.get('/login')
  const id = client.jar.get('sid') as string
  t.equal((await client.get('/big')).status, 500)
  const twin = client.twin()
  await client.get('/logout')
  await twin.get('/logout')
  const text = JSON.stringify(log)
  t.match(text, 'the cookie names no live session')
  t.match(text, 'SESSION_TOO_BIG')
  t.notMatch(text, id)
  t.notMatch(text, 'top secret')
})

t.test('the body of an upload is still there when the session is loaded first', async t => {
  const { url } = await serve(t, { sessionDir: sessionDirectory(t), hook: 'onRequest' }, app => {
    app.post('/', async request => ({ body: request.body, ...count(request) }))
  })
  const body = JSON.stringify({ text: 'x'.repeat(100_000) })
  const first = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] as string
  const second = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', cookie } })
  t.match(await second.json(), { n: 2, body: { text: 'x'.repeat(100_000) } })
})

t.test('a reply that is sent twice at once is sent once, with the cookie', async t => {
  const { visitor, log } = await serve(t, { store: new MemoryStore() }, app => {
    app.get('/', (request, reply) => {
      count(request)
      reply.send('first')
      reply.send('second')
    })
  })
  t.match(await visitor().get('/'), { status: 200, text: 'first', cookies: [{ name: 'sid' }] })
  t.ok(log.some(({ level, msg }) => level === 40 && /sent already/.test(msg)))
})

/** Sends a body slowly: the headers at once, the rest when `send` is called. */
function slowPost (url: string, path: string, headers: Record<string, string>): { send: () => Promise<{ body: string, cookies: string[] }> } {
  const request = http.request(url + path, { method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } })
  request.write('{"a":')
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>
  return {
    async send () {
      request.end('1}')
      const [response] = await answered
      let body = ''
      for await (const part of response) body += String(part)
      return { body, cookies: response.headers['set-cookie'] ?? [] }
    }
  }
}

for (const hook of ['onRequest', 'preParsing'] as const) {
  for (const [kind, makeStore] of [['slow', () => new MemoryStore()], ['prompt', () => new PromptStore()]] as const) {
    for (const framing of [{ 'content-length': '7' }, { 'transfer-encoding': 'chunked' }]) {
      const title = `hook ${hook}, ${kind} store: a body of ${Object.keys(framing).join()} that arrives after a logout is not served as the visitor`
      t.test(title, async t => {
        const gate = new Gate()
        const seen: unknown[] = []
        const { visitor, url } = await serve(t, { store: makeStore(), hook }, app => {
          app.addHook(hook === 'onRequest' ? 'onRequest' : 'preParsing', async (request: FastifyRequest) => {
            if (request.url === '/slow') gate.pass()
          })
          app.addHook('preValidation', async request => { seen.push(request.session.get('user')) })
          app.get('/login', async request => { request.session.set('user', 'ann') })
          app.get('/logout', async request => { await request.session.destroy() })
          app.post('/slow', async request => {
            request.session.set('late', 1)
            return { user: request.session.get('user') ?? null, deleted: request.session.deleted }
          })
          app.get('/data', async request => request.session.data())
        })
        const client = visitor()
        await client.get('/login')
        const cookie = `sid=${client.jar.get('sid')}`
        const post = slowPost(url, '/slow', { cookie, ...framing })
        await gate.arrived
        await client.get('/logout')
        seen.length = 0
        const { body, cookies } = await post.send()
        t.strictSame(JSON.parse(body), { user: null, deleted: true })
        t.strictSame(cookies, [], 'neither set nor cleared')
        t.strictSame(seen, [undefined], 'plugins that read the session in preValidation know it, too')
        t.strictSame((await client.get('/data', { cookie })).json, {})
      })
    }
  }
}

t.test('the store is looked at once more for a body, and only then', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store, hook: 'onRequest' }, app => {
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.route({ method: ['GET', 'POST'], url: '/', handler: async request => request.session.get('user') })
    app.post('/free', { config: { session: false } }, async () => 'free')
  })
  const client = visitor()
  await client.get('/login')
  const body = JSON.stringify({ a: 1 })
  const cookie = `sid=${client.jar.get('sid')}`
  const post = async (path: string, body?: string): Promise<string> => await (await fetch(client.url + path, {
    method: 'POST', headers: { cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body })
  })).text()
  store.calls.length = 0
  t.equal((await client.get('/')).text, 'ann')
  t.equal(await post('/'), 'ann')
  t.strictSame(store.calls, ['read', 'read'])
  t.equal(await post('/', body), 'ann')
  t.strictSame(store.calls, ['read', 'read', 'read', 'read'])
  t.equal(await post('/free', body), 'free')
  t.equal(store.calls.length, 4)
})

t.test('a store that fails when it is looked at again is a 500', async t => {
  for (const isPrompt of [false, true]) {
    let looks = 0
    const fail = (): void => { if (++looks === 2) throw new SessionError('SESSION_FILE', 'the disk says no') }
    class Failing extends PromptStore {
      override readNow (name: string) {
        if (!isPrompt) return undefined
        fail()
        return super.readNow(name)
      }
    }
    const store = new Failing()
    if (!isPrompt) store.before = { read: fail }
    const { visitor } = await serve(t, { store, hook: 'onRequest' }, app => {
      app.get('/login', async request => { request.session.set('user', 'ann') })
      app.post('/', async request => request.session.get('user'))
    })
    const client = visitor()
    await client.get('/login')
    const answer = await fetch(client.url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', cookie: `sid=${client.jar.get('sid')}` } })
    t.equal(answer.status, 500)
    t.match(await answer.json(), { code: 'SESSION_FILE' })
    t.equal(looks, 2)
  }
})

t.test('HTTP/2: a body needs no header that says how long it is', async t => {
  const store = new MemoryStore()
  const gate = new Gate()
  const { url } = await serve(t, { store, hook: 'onRequest' }, app => {
    app.addHook('onRequest', async request => { if (request.method === 'POST') gate.pass() })
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.post('/', async request => ({ user: request.session.get('user') ?? null }))
  }, { http2: true } as object)
  const client = http2.connect(url)
  t.teardown(() => { client.close() })
  const login = client.request({ ':path': '/login' })
  const [headers] = await once(login, 'response') as [http2.IncomingHttpHeaders]
  login.resume()
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] as string
  const post = client.request({ ':path': '/', ':method': 'POST', 'content-type': 'application/json', cookie })
  post.write('{"a":')
  await gate.arrived
  store.entries.clear()
  post.end('1}')
  let body = ''
  for await (const part of post) body += String(part)
  t.strictSame(JSON.parse(body), { user: null })
})

for (const hook of hooks) {
  t.test(`reply.callNotFound() goes on with the request's session, with hook ${hook}`, async t => {
    const store = new MemoryStore()
    const { visitor } = await serve(t, { store, hook }, app => {
      app.setNotFoundHandler(async request => {
        request.session.set('missed', request.url)
        return { user: request.session.get('user') }
      })
      app.get('/login', async request => { request.session.set('user', 'ada') })
      app.get('/data', async request => request.session.data())
      const missing = (path: string, use: (session: Session) => unknown): void => {
        app.get(path, async (request, reply) => {
          await use(request.session as unknown as Session)
          reply.callNotFound()
          return reply
        })
      }
      missing('/changed', session => { session.set('tries', 1) })
      missing('/saved', async session => {
        session.set('user', 'eve')
        await session.save()
      })
      missing('/regenerated', async session => { await session.regenerate(['user']) })
      missing('/logout', session => { session.delete() })
      app.get('/guarded', {
        preHandler: async (request, reply) => {
          request.session.set('guarded', true)
          reply.callNotFound()
          return await reply
        }
      }, async () => t.fail('the handler runs'))
    })
    const client = visitor()
    await client.get('/login')
    t.strictSame((await client.get('/changed')).json, { user: 'ada' })
    t.strictSame((await client.get('/data')).json, { user: 'ada', tries: 1, missed: '/changed' })
    await client.get('/guarded')
    t.match((await client.get('/data')).json, { guarded: true, missed: '/guarded' })
    t.strictSame((await client.get('/regenerated')).json, { user: 'ada' })
    t.strictSame((await client.get('/data')).json, { user: 'ada', missed: '/regenerated' })
    await client.get('/logout')
    t.strictSame((await client.get('/data')).json, { missed: '/logout' })

    const { size } = store.entries
    const other = visitor()
    t.equal((await other.get('/saved')).cookies.length, 1)
    t.strictSame((await other.get('/data')).json, { user: 'eve', missed: '/saved' })
    t.equal(store.entries.size, size + 1, 'one session for one visitor')
  })
}
