import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { requireFresh, type NotFreshProblem, type RequireFreshOptions } from '../../index'
import { Client } from '../support/client'
import { listen } from '../support/serve'

async function start (t: Test, options: RequireFreshOptions = {}, sessionName = 'session') {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: `${t.testdir()}/sessions`, sessionName })
  app.post('/login', async request => {
    const session = (request as unknown as Record<string, FastifyRequest['session']>)[sessionName] as FastifyRequest['session']
    await session.authenticated()
    session.set('user', 'ada')
    return 'ok'
  })
  app.post('/order', { preHandler: requireFresh(600, options) }, async () => 'ordered')
  return new Client(await listen(t, app))
}

t.test('without a recent proof a request gets a problem that a page can act on', async t => {
  const client = await start(t)
  const { status, headers, json } = await client.post('/order')
  t.equal(status, 401)
  t.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8')
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('www-authenticate'), 'Session error="insufficient_user_authentication", max_age="600"')
  t.strictSame(json, {
    type: 'urn:fastify-file-sessions:not-fresh',
    title: 'Proof of identity needed',
    status: 401,
    detail: 'This needs a recent login: prove again who you are, and repeat the request.',
    maxAge: 600,
    freshAt: null
  })
  await client.post('/login')
  t.equal((await client.post('/order')).text, 'ordered')
})

t.test('an old proof is told with its moment', async t => {
  let seen: unknown
  const request = { session: { freshAt: 1000, isFresh: () => false } } as unknown as FastifyRequest
  const reply = { sent: false } as FastifyReply
  const hook = requireFresh(5, { answer: (_request, _reply, problem) => { seen = problem } })
  t.equal(await hook.call({} as never, request, reply), reply)
  t.match(seen, { maxAge: 5, freshAt: '1970-01-01T00:00:01.000Z' })
})

t.test('an app can answer in its own way', async t => {
  const page = await start(t, { answer: (_request, reply, { maxAge }: NotFreshProblem) => { reply.code(401).type('text/html'); return `<p>${maxAge}</p>` } })
  t.match(await page.post('/order'), { status: 401, text: '<p>600</p>' })
  const redirect = await start(t, { answer: (_request, reply) => reply.redirect('/login', 303) })
  t.match(await redirect.post('/order'), { status: 303 })
  const failing = await start(t, { answer: () => { throw Object.assign(new Error('no'), { statusCode: 418 }) } })
  t.match(await failing.post('/order'), { status: 418 })
})

t.test('of a second registration', async t => {
  const client = await start(t, { sessionName: 'adminSession' as 'session' }, 'adminSession')
  t.match(await client.post('/order'), { status: 401 })
  await client.post('/login')
  t.match(await client.post('/order'), { status: 200 })
})

t.test('an age that makes no sense is an error at once', async t => {
  for (const wrong of [0, -5, NaN, '600', undefined]) {
    t.throws(() => requireFresh(wrong as number), { code: 'SESSION_ARGUMENT', message: /requireFresh takes a number of seconds above 0/ })
  }
})

t.test('without a session of this plugin it says so', async t => {
  const app = Fastify()
  app.post('/order', { preHandler: requireFresh(600) }, async () => 'ordered')
  t.match((await app.inject({ method: 'POST', url: '/order' })).json(), {
    statusCode: 500, code: 'SESSION_NOT_LOADED', message: /requireFresh: request.session is not a session of fastify-file-sessions/
  })
})

t.test('a hook that comes before the session is loaded lets nobody pass', async t => {
  const app = Fastify()
  app.addHook('preHandler', requireFresh(600))
  await app.register(fileSessions, { sessionDir: `${t.testdir()}/sessions` })
  app.post('/order', async () => 'ordered')
  t.match((await app.inject({ method: 'POST', url: '/order' })).json(), { code: 'SESSION_NOT_LOADED', message: /not loaded yet: it is loaded in preHandler/ })
  const early = Fastify()
  await early.register(fileSessions, { sessionDir: `${t.testdir()}/sessions`, hook: 'onRequest' })
  early.addHook('onRequest', requireFresh(600))
  early.post('/order', async () => 'ordered')
  t.equal((await early.inject({ method: 'POST', url: '/order' })).statusCode, 401)
  for (const each of [app, early]) await each.close()
})
