import cookiePlugin from '@fastify/cookie'
import sse from '@fastify/sse'
import websocket from '@fastify/websocket'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import fileSessions from '../../index'
import { Gate, Signal } from '../support/barrier'
import { Client } from '../support/client'
import { MemoryStore } from '../support/map-store'
import { listen, loggingApp, serve, serveApp, type Served } from '../support/serve'
import { undeclared } from '../support/undeclared'

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** An app with this route, and `/data`, which shows what the session holds. */
async function start (t: Test, handler: Handler, store = new MemoryStore()): Promise<Served & { store: MemoryStore }> {
  const served = await serve(t, { store }, app => {
    app.get('/', handler)
    app.get('/data', async request => request.session.data())
  })
  return { ...served, store }
}

t.test('a new session that is saved before the first byte of a hijacked reply sets its cookie there', async t => {
  const { visitor } = await start(t, async (request, reply) => {
    reply.hijack()
    request.session.set('a', 1)
    reply.raw.setHeader('set-cookie', 'other=1')
    await request.session.save()
    reply.raw.writeHead(200, { 'content-type': 'text/plain' }).end('by hand')
  })
  const client = visitor()
  const { cookies, text, headers } = await client.get('/')
  t.equal(text, 'by hand')
  t.strictSame(cookies.map(({ name }) => name), ['other', 'sid'], 'the cookies of others stay')
  t.match(cookies[1], { attributes: { path: '/', httponly: '', samesite: 'Lax' } })
  t.equal(headers.get('cache-control'), 'private')
  t.strictSame((await client.get('/data')).json, { a: 1 })
})

t.test('also when it is saved before the reply is hijacked, by update(), and by regenerate()', async t => {
  const { visitor } = await start(t, async (request, reply) => {
    request.session.set('n', Number(request.session.get('n') ?? 0) + 1)
    await request.session.update(draft => { Object.assign(draft, { updated: true }) })
    await request.session.save()
    if (!request.session.isNew) await undeclared(request).regenerate(['n', 'updated'])
    reply.hijack()
    reply.raw.end('by hand')
  })
  const client = visitor()
  const first = await client.get('/')
  t.equal(first.cookies.length, 1, 'one cookie, that of the last id')
  t.strictSame((await client.get('/data')).json, { n: 1, updated: true })
  const { sesid } = client
  await client.get('/')
  t.not(client.sesid, sesid)
  t.strictSame((await client.get('/data')).json, { n: 2, updated: true })
})

t.test('a session that is destroyed before the first byte of a hijacked reply clears its cookie there', async t => {
  const { visitor, store } = await start(t, async (request, reply) => {
    reply.hijack()
    if (request.session.isNew) {
      request.session.set('a', 1)
      await request.session.save()
    } else {
      await request.session.destroy()
    }
    reply.raw.end()
  })
  const client = visitor()
  await client.get('/')
  t.equal(store.ids.length, 1)
  t.match((await client.get('/')).cookies, [{ name: 'sid', value: '' }])
  t.equal(store.ids.length, 0)
})

t.test('a regenerate() that keeps nothing clears the cookie of a hijacked reply', async t => {
  const { visitor, store } = await start(t, async (request, reply) => {
    reply.hijack()
    if (request.session.isNew) request.session.set('a', 1)
    else await request.session.regenerate()
    await request.session.save()
    reply.raw.end()
  })
  const client = visitor()
  await client.get('/')
  t.match((await client.get('/')).cookies, [{ name: 'sid', value: '' }])
  t.equal(store.ids.length, 0)
})

t.test('a reply of Fastify has one cookie, whatever was saved before its end', async t => {
  const { visitor, store } = await start(t, async (request, reply) => {
    request.session.set('a', 1)
    await request.session.save()
    reply.header('set-cookie', 'other=1')
    reply.raw.setHeader('set-cookie', [...[reply.raw.getHeader('set-cookie') as string[]].flat(), 'raw=1'])
    request.session.options({ maxAge: 100 })
    return 'sent'
  })
  const { cookies } = await visitor().get('/')
  t.strictSame(cookies.map(({ name }) => name), ['other', 'sid'], 'Fastify overrides what else is on the raw response')
  t.match(cookies[1], { attributes: { 'max-age': '100' } }, 'with the options of the end')
  t.equal(store.ids.length, 1)
})

t.test('a session that was saved and destroyed in one request leaves no cookie', async t => {
  const { visitor, store } = await start(t, async request => {
    request.session.set('a', 1)
    await request.session.save()
    await request.session.destroy()
    return 'sent'
  })
  t.match(await visitor().get('/'), { status: 200, cookies: [] })
  t.equal(store.ids.length, 0)
})

t.test('a cookie that cannot be made is told, and fails the end of the request', async t => {
  const fault = (): never => { throw new Error('the key server is away') }
  const { visitor, log } = await serveApp(t, async app => {
    await app.register(cookiePlugin, { secret: { sign: fault, unsign: fault } })
    await app.register(fileSessions, { store: new MemoryStore(), cookie: { signed: true } })
    app.get('/', async request => {
      request.session.set('a', 1)
      await request.session.save()
      return 'sent'
    })
  })
  t.match(await visitor().get('/'), { status: 500, cookies: [] })
  t.match(log.filter(({ level }) => level === 40), [{ msg: 'the session cookie cannot be put on the response' }])
})

t.test('after the headers a new session is an error that says what to do, and nothing is stored', async t => {
  const errors: unknown[] = []
  const done = new Signal()
  const { visitor, store } = await start(t, async (request, reply) => {
    reply.hijack()
    reply.raw.write('first byte')
    request.session.set('a', 1)
    for (const attempt of [
      () => request.session.save(),
      () => request.session.update(draft => { Object.assign(draft, { b: 1 }) })
    ]) await attempt().catch((error: unknown) => { errors.push(error) })
    request.session.skipSave()
    reply.raw.end()
    done.give()
  })
  t.match(await visitor().get('/'), { status: 200, cookies: [] })
  await done.given
  const unreachable = { name: 'SessionError', code: 'SESSION_UNREACHABLE', message: /cannot reach the visitor: the headers .* Nothing is stored$/ }
  t.match(errors, [unreachable, unreachable])
  t.strictSame(store.ids, [])
})

t.test('after the headers a session that is there can be saved, updated and destroyed, but not regenerated', async t => {
  const failures: unknown[] = []
  const { visitor, store } = await start(t, async (request, reply) => {
    if (request.session.isNew) {
      request.session.set('a', 1)
      return await reply.send('made')
    }
    reply.hijack()
    reply.raw.write('first byte')
    request.session.set('a', 2)
    await request.session.regenerate().catch((error: unknown) => { failures.push(error) })
    await request.session.save()
    await request.session.update(draft => { Object.assign(draft, { b: 1 }) })
    return reply.raw.end()
  })
  const client = visitor()
  await client.get('/')
  await client.get('/')
  t.match(failures, [{ code: 'SESSION_UNREACHABLE' }])
  t.strictSame((await client.get('/data')).json, { a: 2, b: 1 }, 'the session is as it was, and goes on')
  t.equal(store.ids.length, 1)
})

t.test('a first save that is not waited for, and overtaken by the response, leaves no session', async t => {
  const gate = new Gate()
  const saved = new Signal()
  const store = new MemoryStore()
  store.before = { create: () => gate.pass() }
  let error: unknown
  const { visitor, log } = await start(t, async (request, reply) => {
    request.session.set('a', 1)
    request.session.save().then(saved.give, (given: unknown) => {
      error = given
      saved.give()
    })
    await gate.arrived
    reply.hijack()
    reply.raw.end('gone ahead')
    request.session.skipSave()
  }, store)
  t.match(await visitor().get('/'), { status: 200, cookies: [] })
  gate.open()
  await saved.given
  t.match(error, { code: 'SESSION_UNREACHABLE' })
  t.strictSame(store.ids, [])
  t.strictSame(store.calls, ['create', 'remove'])
  t.strictSame(log.filter(({ level }) => level >= 40), [])
})

t.test('the same where the store cannot remove it again', async t => {
  const gate = new Gate()
  const saved = new Signal()
  const store = new MemoryStore()
  store.before = { create: () => gate.pass(), remove: () => { throw new Error('no') } }
  const { visitor } = await start(t, async (request, reply) => {
    request.session.set('a', 1)
    request.session.save().catch(saved.give)
    await gate.arrived
    reply.hijack()
    reply.raw.end()
  }, store)
  await visitor().get('/')
  gate.open()
  await saved.given
})

t.test('an update that is not waited for, and comes after the response, leaves no session', async t => {
  const gate = new Gate()
  const failed = new Signal()
  const { visitor, store } = await start(t, async request => {
    request.session.update(async draft => {
      await gate.pass()
      Object.assign(draft, { a: 1 })
    }).catch(failed.give)
    return 'sent'
  })
  t.match(await visitor().get('/'), { status: 200, cookies: [] })
  gate.open()
  await failed.given
  t.strictSame(store.ids, [])
})

t.test('an update that is not waited for, and comes between the end and the headers, sets the cookie', async t => {
  const gate = new Gate()
  const { app, log } = loggingApp()
  await app.register(fileSessions, { store: new MemoryStore() })
  let update: Promise<unknown> | undefined
  app.addHook('onSend', async () => {
    gate.open()
    await update
  })
  app.get('/', async request => {
    update = request.session.update(async draft => {
      await gate.pass()
      Object.assign(draft, { a: 1 })
    })
    return 'sent'
  })
  const client = new Client(await listen(t, app))
  t.match((await client.get('/')).cookies, [{ name: 'sid' }])
  t.strictSame(log.filter(({ level }) => level >= 40), [])
})

t.test('headers that the app wrote before it called reply.send', async t => {
  const { visitor, store, log } = await start(t, async (request, reply) => {
    request.session.set('a', 1)
    reply.raw.writeHead(200)
    reply.raw.end('by hand')
    return 'too late'
  })
  t.match(await visitor().get('/'), { status: 200, text: 'by hand', cookies: [] })
  t.strictSame(store.ids, [])
  t.ok(log.length > 0)
})

t.test('server-sent events, with @fastify/sse', async t => {
  const store = new MemoryStore()
  const { visitor } = await serve(t, { store }, async app => {
    await app.register(sse)
    app.get('/events', { sse: true }, async (request, reply) => {
      request.session.set('seen', 1)
      await request.session.save()
      reply.header('set-cookie', 'other=1')
      await reply.sse.send({ data: 'hello' })
      await request.session.update(draft => { Object.assign(draft, { sent: 1 }) })
    })
    app.get('/data', async request => request.session.data())
  })
  const client = visitor()
  const { text, cookies } = await client.get('/events', { accept: 'text/event-stream' })
  t.match(text, /data: "hello"/)
  t.strictSame(cookies.map(({ name }) => name).sort(), ['other', 'sid'])
  t.strictSame((await client.get('/data')).json, { seen: 1, sent: 1 })
})

t.test('a WebSocket stores in a session that is there, and makes none', async t => {
  const store = new MemoryStore()
  const answers: string[] = []
  const { url, visitor } = await serve(t, { store }, async app => {
    await app.register(websocket)
    app.get('/live', { websocket: true }, (socket, request) => {
      socket.on('message', () => {
        request.session.set('a', 1)
        request.session.save().then(() => { socket.send('saved') }, ({ code, message }: Error & { code: string }) => {
          request.session.skipSave()
          answers.push(message)
          socket.send(code)
        })
      })
    })
    app.get('/early', {
      websocket: true,
      preHandler: async request => {
        request.session.set('a', 1)
        await request.session.save()
      }
    }, socket => { socket.close() })
    app.get('/turned-away', {
      websocket: true,
      preHandler: async (request, reply) => {
        request.session.set('message', 'log in first')
        return reply.code(401).send()
      }
    }, socket => { socket.close() })
    app.get('/login', async request => { request.session.set('user', 'ada') })
  })
  const ask = async (client: Client): Promise<string> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, { headers: { cookie: client.cookie } })
    await once(socket, 'open')
    socket.send('go')
    const [message] = await once(socket, 'message') as [Buffer]
    socket.terminate()
    return String(message)
  }
  t.equal(await ask(visitor()), 'SESSION_UNREACHABLE')
  t.match(answers, [/a WebSocket answers without the session cookie/])
  t.strictSame(store.ids, [])
  const client = visitor()
  await client.get('/login')
  t.equal(await ask(client), 'saved')
  t.strictSame(store.data, { user: 'ada', a: 1 })

  for (const [path, status] of [['/early', /500/], ['/turned-away', /401/]] as const) {
    const socket = new WebSocket(url.replace('http', 'ws') + path)
    const [error] = await once(socket, 'error') as [Error]
    t.match(error.message, status, 'the upgrade is answered with a reply')
  }
  t.equal(store.ids.length, 3, 'these replies brought the cookies of new sessions')
})

t.test('HTTP/2', async t => {
  const { app } = loggingApp({ http2: true } as object)
  const store = new MemoryStore()
  await app.register(fileSessions, { store })
  app.get('/', async (request, reply) => {
    reply.hijack()
    request.session.set('a', 1)
    await request.session.save()
    reply.raw.writeHead(200)
    await request.session.update(draft => { Object.assign(draft, { b: 2 }) })
    reply.raw.end()
  })
  const client = http2.connect(await listen(t, app as FastifyInstance))
  const stream = client.request({ ':path': '/' })
  const [headers] = await once(stream, 'response') as [http2.IncomingHttpHeaders]
  stream.resume()
  await once(stream, 'close')
  client.close()
  t.match(headers['set-cookie'], [/^sid=/])
  t.strictSame(store.data, { a: 1, b: 2 })
})

t.test('two registrations set their cookies side by side, in a hijacked reply and in one of Fastify', async t => {
  const { app } = loggingApp()
  await app.register(fileSessions, { store: new MemoryStore() })
  await app.register(fileSessions, { store: new MemoryStore('admin'), sessionName: 'adminSession' })
  const save = async (request: FastifyRequest): Promise<void> => {
    request.session.set('a', 1)
    request.adminSession.set('a', 1)
    await request.session.save()
    await request.adminSession.save()
  }
  app.get('/hijacked', async (request, reply) => {
    await save(request)
    reply.hijack()
    reply.raw.end()
  })
  app.get('/sent', save)
  const url = await listen(t, app)
  for (const path of ['/hijacked', '/sent']) {
    const { cookies } = await new Client(url).get(path)
    t.strictSame(cookies.map(({ name }) => name).sort(), ['admin', 'sid'], path)
  }
})

t.test('cookies that middleware of Connect put on the raw response stay beside that of the session', async t => {
  const { visitor } = await serve(t, { store: new MemoryStore() }, app => {
    app.addHook('onRequest', async (_request, reply) => { reply.raw.setHeader('set-cookie', ['lang=de', 'theme=dark']) })
    app.get('/read', async request => request.session.data())
    app.get('/change', async request => { request.session.set('a', 1) })
    app.get('/save', async request => {
      request.session.set('a', 1)
      await request.session.save()
    })
    app.get('/both', async (request, reply) => {
      request.session.set('a', 1)
      reply.setCookie('other', '1')
    })
  })
  const names = async (path: string): Promise<string[]> => (await visitor().get(path)).cookies.map(({ name }) => name).sort()
  t.strictSame(await names('/read'), ['lang', 'theme'])
  for (const path of ['/change', '/save']) t.strictSame(await names(path), ['lang', 'sid', 'theme'], path)
  t.strictSame(await names('/both'), ['lang', 'other', 'sid', 'theme'])
})
