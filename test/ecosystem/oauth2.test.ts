import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { oauth2App } from './apps/oauth2'
import { Client } from '../support/client'
import { listen } from '../support/serve'

/** A provider that lets everybody in as Alice, and the app that relies on it. */
async function start (t: Test): Promise<{ origin: string, allow: (authorizeUrl: string) => Promise<string> }> {
  const provider = Fastify()
  const codes = new Set<string>()
  const tokens = new Map<string, string>()
  await provider.register(formbody)
  provider.get<{ Querystring: { redirect_uri: string, state: string } }>('/authorize', async (request, reply) => {
    const code = randomUUID()
    codes.add(code)
    return reply.redirect(`${request.query.redirect_uri}?${new URLSearchParams({ code, state: request.query.state })}`)
  })
  provider.post<{ Body: { code: string } }>('/token', async (request, reply) => {
    if (!codes.delete(request.body.code)) return reply.code(400).send({ error: 'invalid_grant' })
    const token = randomUUID()
    tokens.set(token, 'alice')
    return { access_token: token, token_type: 'Bearer', expires_in: 3600 }
  })
  const tokenHost = await listen(t, provider)

  const app = Fastify()
  await oauth2App(app, join(t.testdir(), 'sessions'), { tokenHost, userNameOf: token => tokens.get(token) ?? 'nobody' })
  return {
    origin: await listen(t, app),
    allow: async authorizeUrl => {
      const answer = await new Client(tokenHost).get(authorizeUrl.slice(tokenHost.length))
      const { pathname, search } = new URL(answer.headers.get('location') ?? '')
      return pathname + search
    }
  }
}

const locationOf = async (visitor: Client, path: string): Promise<string> => (await visitor.get(path)).headers.get('location') ?? ''

t.test('a login with the provider', async t => {
  const { origin, allow } = await start(t)
  const visitor = new Client(origin)
  const authorizeUrl = await locationOf(visitor, '/login')
  t.match(new URL(authorizeUrl).searchParams.get('state'), /^[\w-]{32}$/)
  const before = visitor.twin()

  const callback = await allow(authorizeUrl)
  t.equal(await locationOf(visitor, callback), '/')
  t.same(JSON.parse((await visitor.get('/')).text), { userName: 'alice' })
  t.not(visitor.jar.get('sid'), before.jar.get('sid'))
  t.same(JSON.parse((await before.get('/')).text), { userName: null })

  t.equal((await visitor.get(callback)).status, 500, 'a state is good once')
})

t.test('a state is good for the visitor who began', async t => {
  const { origin, allow } = await start(t)
  const [visitor, attacker] = [new Client(origin), new Client(origin)]
  const attackersCallback = await allow(await locationOf(attacker, '/login'))

  for (const begun of [false, true]) {
    if (begun) await visitor.get('/login')
    // The plugin's own state cookie, which the attacker may have planted, makes no difference.
    visitor.jar.set('oauth2-redirect-state', attacker.jar.get('oauth2-redirect-state') ?? '')
    const answer = await visitor.get(attackersCallback)
    t.equal(answer.status, 500)
    t.match(answer.text, 'Invalid state')
    t.same(JSON.parse((await visitor.get('/')).text), { userName: null })
  }
})
