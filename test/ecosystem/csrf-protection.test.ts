import csrfProtection from '@fastify/csrf-protection'
import Fastify from 'fastify'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import fileSessions from '../../index'
import { csrfApp, csrfPerUserApp } from './apps/csrf-protection'
import { Client } from '../support/client'
import { listen } from '../support/serve'

async function start (t: Test, build: typeof csrfApp): Promise<string> {
  const app = Fastify()
  await build(app, join(t.testdir(), 'sessions'))
  return await listen(t, app)
}

const inForm = (html: string): string => /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''

t.test('sessionPlugin: \'@fastify/session\'', async t => {
  const origin = await start(t, csrfApp)
  const visitor = new Client(origin)
  const stranger = new Client(origin)
  const token = inForm((await visitor.get('/form')).text)
  t.not(token, '')
  t.same([...visitor.jar.keys()], ['sid'], 'the secret is in the session, not in a cookie')

  t.same(JSON.parse((await visitor.post('/transfer', { _csrf: token })).text), { transferred: true })
  t.equal((await visitor.post('/transfer')).status, 403)
  t.equal((await visitor.post('/transfer', { _csrf: token.replace(/.$/, last => last === 'A' ? 'B' : 'A') })).status, 403)

  const missing = await stranger.post('/transfer', { _csrf: token })
  t.equal(missing.status, 403)
  t.match(missing.text, 'FST_CSRF_MISSING_SECRET')
  const strangersToken = inForm((await stranger.get('/form')).text)
  t.equal((await visitor.post('/transfer', { _csrf: strangersToken })).status, 403, 'a token is good for its own session only')

  const second = inForm((await visitor.get('/form')).text)
  t.not(second, token)
  for (const one of [token, second]) t.equal((await visitor.post('/transfer', { _csrf: one })).status, 200)
})

t.test('sessionPlugin: \'@fastify/secure-session\', in onRequest, for one user', async t => {
  const visitor = new Client(await start(t, csrfPerUserApp))
  const tokenOf = async (): Promise<string> => JSON.parse((await visitor.get('/token')).text).token
  const transfer = async (token: string): Promise<number> =>
    (await visitor.post('/transfer', undefined, { 'csrf-token': token })).status

  const anonymous = await tokenOf()
  t.same([...visitor.jar.keys()], ['sid'])
  await visitor.post('/login/alice')
  t.equal(await transfer(anonymous), 403, 'a token from before the login is worth nothing after it')

  const token = await tokenOf()
  t.equal(await transfer(token), 200)
  t.equal(await transfer('x'), 403)
})

t.test('a token is refused after another user has logged in within the same session', async t => {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions'), hook: 'onRequest' })
  await app.register(csrfProtection, {
    sessionPlugin: '@fastify/secure-session',
    getUserInfo: request => request.session.userName ?? ''
  })
  app.get('/as/:name', async (request, reply) => {
    request.session.userName = (request.params as { name: string }).name
    return { token: reply.generateCsrf({ userInfo: request.session.userName, maxAge: 3600 }) }
  })
  app.get('/guarded', { onRequest: app.csrfProtection }, async () => 'in')
  const visitor = new Client(await listen(t, app))

  const first = await visitor.get('/as/alice')
  t.match(first.headers.getSetCookie(), [/^sid=[\w-]{32}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/],
    'options of generateCsrf reach the session cookie, and only those that are a cookie\'s')
  const { token } = JSON.parse(first.text)
  t.equal((await visitor.get('/guarded', { 'csrf-token': token })).text, 'in')
  await visitor.get('/as/bob')
  t.equal((await visitor.get('/guarded', { 'csrf-token': token })).status, 403)
})
