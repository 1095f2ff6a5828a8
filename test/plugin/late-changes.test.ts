import sse from '@fastify/sse'
import websocket from '@fastify/websocket'
import { once } from 'node:events'
import http from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import fileSessions from '../../index'
import { SessionError } from '../../lib/errors'
import { Gate, Signal } from '../support/barrier'
import { lineIn } from '../support/log-line'
import { MemoryStore } from '../support/map-store'
import { serve, type LogLine, type Served } from '../support/serve'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

const LOST = /^request\.session was changed and the change is not stored/

/** The app and what it has warned of, when all its requests have ended. */
async function ended ({ app, log }: Served): Promise<LogLine[]> {
  await app.close()
  // The last look at a session takes a turn.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  return log.filter(({ level }) => level >= 40)
}

/** A visitor who has a session, and the routes. */
async function start (t: Test, build: (app: FastifyInstance) => unknown): Promise<Served & { get: (path: string, headers?: Record<string, string>) => Promise<number>, store: MemoryStore }> {
  const store = new MemoryStore()
  const served = await serve(t, { store }, async app => {
    await build(app)
    app.get('/make', async request => { request.session.set('cart', { items: 0 }) })
  })
  const client = served.visitor()
  await client.get('/make')
  return { ...served, store, get: async (path, headers) => (await client.get(path, headers)).status }
}

const LOSSES: Record<string, Handler> = {
  'changed, and the reply is hijacked': async (request, reply) => {
    reply.hijack()
    request.session.set('a', 1)
    reply.raw.end()
  },
  'changed, and the raw response is written': async (request, reply) => {
    request.session.set('a', 1)
    reply.raw.end('by hand')
    await once(reply.raw, 'close')
  },
  'changed in depth, and the reply is hijacked': async (request, reply) => {
    const { items } = request.session.get('cart') as { items: number }
    Object.assign(request.session.get('cart') as object, { items: items + 1 })
    reply.hijack()
    reply.raw.end()
  },
  'changed after reply.send': async (request, reply) => {
    request.session.get('cart')
    reply.send('sent')
    await once(reply.raw, 'finish')
    request.session.set('a', 1)
    return reply
  },
  'used for the first time after the end': async (request, reply) => {
    reply.send('sent')
    await once(reply.raw, 'close')
    await nextTurn()
    request.session.set('a', 1)
    return reply
  },
  'changed while a stream is sent': async (request, reply) => {
    request.session.set('begun', true)
    return await reply.send(Readable.from((async function * () {
      yield 'one'
      request.session.set('a', 1)
      yield 'two'
    })()))
  },
  'deleted, and the reply is hijacked': async (request, reply) => {
    request.session.delete()
    reply.hijack()
    reply.raw.end()
  },
  'changed to what cannot be encoded, and the reply is hijacked': async (request, reply) => {
    request.session.set('a', 1n)
    reply.hijack()
    reply.raw.end()
  }
}

for (const [name, handler] of Object.entries(LOSSES)) {
  t.test(`a session that is ${name} is told once for each route`, async t => {
    const served = await start(t, app => {
      app.get('/lost/:id', handler as never)
      app.get('/also-lost', handler as never)
    })
    await served.get('/lost/1')
    t.match(await lineIn(served.log, LOST), {
      level: 40, route: 'GET /lost/:id', msg: /Call await request\.session\.save\(\) after the change, .* This is said once for each route$/
    })
    await served.get('/lost/2')
    await served.get('/also-lost')
    const told = await ended(served) as Array<LogLine & { route: string }>
    t.strictSame(told.map(({ route }) => route).sort(), ['GET /also-lost', 'GET /lost/:id'])
  })
}

t.test('a session that is changed in onResponse is told', async t => {
  const served = await start(t, app => {
    app.addHook('onResponse', async request => { if (request.url === '/') request.session.set('late', 1) })
    app.get('/', async () => 'sent')
  })
  await served.get('/')
  t.match(await lineIn(served.log, LOST), { route: 'GET /' })
})

t.test('a session that is changed for a route that is not there is told', async t => {
  const served = await start(t, app => {
    app.setNotFoundHandler((request, reply) => {
      request.session.set('lost', request.url)
      reply.hijack()
      reply.raw.end()
    })
  })
  await served.get('/nowhere')
  t.match(await lineIn(served.log, LOST), { route: 'GET no route' })
})

t.test('a session that is used for the first time after the end is told with HTTP/2 as well', async t => {
  const log: LogLine[] = []
  const app = Fastify({ http2: true, logger: { stream: { write: (line: string) => { log.push(JSON.parse(line)) } } } })
  await app.register(fileSessions, { store: new MemoryStore() })
  const late = new Signal()
  app.get('/', (request, reply) => {
    reply.raw.on('close', () => setImmediate(() => {
      (request as unknown as FastifyRequest).session.set('a', 1)
      setImmediate(() => late.give())
    }))
    reply.send('sent')
  })
  const client = connectHttp2(await app.listen({ port: 0 }))
  const stream = client.request({ ':path': '/' })
  stream.resume()
  await once(stream, 'close')
  await late.given
  client.close()
  await app.close()
  t.equal(log.filter(({ msg }) => LOST.test(msg)).length, 1)
})

t.test('two requests at once of a route are told once', async t => {
  const gate = new Gate()
  const served = await start(t, app => {
    app.get('/', async (request, reply) => {
      request.session.set('a', Math.random())
      // The last look waits for this step, which fails.
      request.session.save().catch(() => {})
      reply.hijack()
      reply.raw.end()
    })
  })
  const { cookie } = { cookie: `sid=${served.store.ids[0] as string}` }
  served.store.before = {
    replace: async () => {
      await gate.pass()
      throw new SessionError('SESSION_FILE', 'no')
    }
  }
  await Promise.all([served.visitor(), served.visitor()].map(client => client.get('/', { cookie })))
  gate.open()
  await lineIn(served.log, LOST)
  t.equal((await ended(served)).length, 1)
})

t.test('server-sent events and WebSockets are told', async t => {
  const served = await start(t, async app => {
    await app.register(sse)
    await app.register(websocket)
    app.get('/events', { sse: true }, async (request, reply) => {
      request.session.set('seen', 1)
      await reply.sse.send({ data: 'hello' })
    })
    app.get('/live', { websocket: true }, (socket, request) => {
      socket.on('message', () => {
        request.session.set('heard', 1)
        socket.close()
      })
    })
  })
  await served.get('/events', { accept: 'text/event-stream' })
  await lineIn(served.log, LOST)
  served.log.length = 0
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/live`)
  await once(socket, 'open')
  socket.send('change')
  t.match(await lineIn(served.log, LOST), { route: 'GET /live' })
})

const KEPT: Record<string, Handler> = {
  'looked at only': async (request, reply) => {
    request.session.get('cart')
    reply.hijack()
    reply.raw.end()
  },
  'changed and sent with reply.send': async request => {
    request.session.set('a', Math.random())
    return 'sent'
  },
  'changed, saved and hijacked': async (request, reply) => {
    reply.hijack()
    request.session.set('a', 1)
    await request.session.save()
    reply.raw.end()
  },
  'changed, and saved at the close of a hijacked reply': async (request, reply) => {
    reply.hijack()
    request.session.set('a', Math.random())
    reply.raw.on('close', () => { request.session.save().catch(() => {}) })
    reply.raw.end()
  },
  'changed by update() in a hijacked reply': async (request, reply) => {
    reply.hijack()
    await request.session.update(draft => { Object.assign(draft, { a: 1 }) })
    reply.raw.end()
  },
  'changed, with skipSave(), and hijacked': async (request, reply) => {
    request.session.set('a', Math.random())
    request.session.skipSave()
    reply.hijack()
    reply.raw.end()
  },
  'destroyed and hijacked': async (request, reply) => {
    await request.session.destroy()
    reply.hijack()
    reply.raw.end()
  },
  'changed here and elsewhere at once': async request => {
    request.session.set('a', Math.random())
    await elsewhere?.(request)
    return 'sent'
  },
  'ended elsewhere': async request => {
    await request.server.sessionStore.delSession(request.session.sessionId as string)
    request.session.set('a', 1)
    return 'sent'
  },
  'set aside, in a hijacked reply': async (request, reply) => {
    reply.hijack()
    request.session.get('a')
    reply.raw.end()
  }
}

let elsewhere: ((request: FastifyRequest) => Promise<void>) | undefined

for (const [name, handler] of Object.entries(KEPT)) {
  t.test(`a session that is ${name} is not told`, async t => {
    const served = await start(t, app => { app.get('/', handler as never) })
    elsewhere = async request => { served.store.overwrite(request.session.sessionId as string, '{"b":1,"cart":{"items":7}}') }
    if (name.startsWith('set aside')) served.store.overwrite(served.store.ids[0] as string, 'nonsense')
    await served.get('/')
    t.strictSame((await ended(served)).filter(({ msg }) => LOST.test(msg)), [])
  })
}

t.test('a save at the end that failed is the error of the request, and not told again', async t => {
  const served = await start(t, app => { app.get('/', async request => { request.session.set('a', 1) }) })
  served.store.before = { replace: () => { throw new SessionError('SESSION_FILE', 'no') } }
  t.equal(await served.get('/'), 500)
  t.strictSame((await ended(served)).filter(({ msg }) => LOST.test(msg)), [])
})

t.test('a visitor who leaves before the answer loses no change', async t => {
  const gate = new Gate()
  const stored = new Signal()
  const served = await start(t, app => {
    app.get('/', async request => {
      request.session.set('a', 1)
      await gate.pass()
      return 'too late'
    })
    app.addHook('onRequestAbort', async _request => { gate.open() })
  })
  const request = http.get(served.url, { headers: { cookie: `sid=${served.store.ids[0] as string}` } })
  request.on('error', () => {})
  await gate.arrived
  served.store.before = { replace: stored.give }
  request.destroy()
  await stored.given
  t.strictSame((await ended(served)).filter(({ msg }) => LOST.test(msg)), [])
  t.strictSame(served.store.data, { a: 1, cart: { items: 0 } })
})

t.test('a stream that fails after the end of the request', async t => {
  const served = await start(t, app => {
    app.get('/', async (request, reply) => {
      request.session.set('a', 1)
      const stream = new PassThrough()
      stream.write('one')
      reply.raw.on('drain', () => {})
      setImmediate(() => { stream.destroy(new Error('broken')) })
      return await reply.send(stream)
    })
  })
  await served.get('/').catch(() => {})
  t.strictSame((await ended(served)).filter(({ msg }) => LOST.test(msg)), [])
  t.strictSame(served.store.data, { a: 1, cart: { items: 0 } })
})

t.test('pipelined requests on one connection are told apart', async t => {
  const served = await start(t, app => {
    app.get('/lost', async (request, reply) => {
      request.session.set('a', 1)
      reply.hijack()
      reply.raw.end()
    })
    app.get('/kept', async request => { request.session.set('b', 1) })
  })
  const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
  const head = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nCookie: sid=${served.store.ids[0] as string}\r\n${more}\r\n`
  socket.end(head('/kept') + head('/lost') + head('/kept', 'Connection: close\r\n'))
  socket.resume()
  await once(socket, 'close')
  t.strictSame((await ended(served) as Array<LogLine & { route: string }>).map(({ route }) => route), ['GET /lost'])
  t.strictSame(served.store.data, { cart: { items: 0 }, b: 1 })
})

t.test('a request of inject is looked at like any other', async t => {
  const served = await start(t, app => { app.get('/', LOSSES['changed, and the reply is hijacked'] as never) })
  await served.app.inject('/')
  await lineIn(served.log, LOST)
})
