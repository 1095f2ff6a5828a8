import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import type { Test } from 'tap'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'
import { checkSnippets, Document, printed } from './document'

/** Runs a whole program; returns a visitor of it. */
async function visit (t: Test, text: string, cwd: string, env?: NodeJS.ProcessEnv): Promise<Client> {
  await writeFile(join(cwd, 'app.mjs'), text)
  const app = await startApp(['app.mjs'], cwd, env)
  t.teardown(() => app.end('SIGKILL'))
  return new Client(app.address.replace('[::1]', 'localhost'))
}

/** Sends JSON, as a script in a page does. */
async function send (visitor: Client, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(visitor.url + path, {
    method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', cookie: visitor.cookie, ...headers }
  })
  for (const header of response.headers.getSetCookie()) visitor.cookie = header.split(';')[0] ?? ''
  return response
}

/** Waits for an event of a client of Socket.IO; returns what comes with it. */
function told (socket: Socket, event: string): Promise<unknown[]> {
  return new Promise(resolve => { socket.once(event, (...values: unknown[]) => { resolve(values) }) })
}

checkSnippets(new Document('docs/recipes.md'), {
  async 'socket-io' (t, { text }, cwd) {
    const visitor = await visit(t, text, cwd)
    const connect = (): Socket => {
      const socket = io(visitor.url, { extraHeaders: { cookie: visitor.cookie }, reconnection: false, forceNew: true })
      t.teardown(() => socket.disconnect())
      return socket
    }
    const [refused] = await told(connect(), 'connect_error') as [Error]
    t.equal(refused.message, 'log in first')

    await send(visitor, '/login', { name: 'ada' })
    const [one, two] = [connect(), connect()]
    const answers = await Promise.all([one, two].flatMap(socket => Array.from({ length: 10 }, async () =>
      await socket.emitWithAck('say', 'hello') as { user: string, count: number })))
    t.same(answers.map(({ count }) => count).sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 1))
    t.equal(answers[0]?.user, 'ada')

    await visitor.post('/logout')
    const ended = told(one, 'disconnect')
    one.emit('say', 'am I still there?')
    t.same((await ended)[0], 'io server disconnect')
    const [again] = await told(connect(), 'connect_error') as [Error]
    t.equal(again.message, 'log in first')
  },

  async job (t, { text }, cwd) {
    const visitor = await visit(t, text, cwd)
    t.equal((await visitor.post('/import')).status, 202)
    const done = async (visitor: Client): Promise<void> => {
      let progress
      do ({ progress } = (await visitor.get('/progress')).json as { progress: number })
      while (progress !== 100)
    }
    await done(visitor)

    await visitor.post('/import')
    const thief = visitor.twin()
    await visitor.post('/logout')
    const other = new Client(visitor.url)
    await other.post('/import')
    // A job that began later is done.
    await done(other)
    t.same((await thief.get('/progress')).json, { progress: null }, 'the job brings no session back')
  },

  async 'other-origin' (t, { text }, cwd) {
    const visitor = await visit(t, text, cwd)
    const https = { 'x-forwarded-proto': 'https' }
    const preflight = await visitor.request('OPTIONS', '/login', {
      origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type'
    })
    t.equal(preflight.status, 204)
    t.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example')
    t.equal(preflight.headers.get('access-control-allow-credentials'), 'true')

    for (const origin of ['https://evil.example', undefined]) {
      const refused = await send(visitor, '/login', { name: 'eve' }, { ...https, ...(origin === undefined ? {} : { origin }) })
      t.equal(refused.status, 403, String(origin))
      t.equal(visitor.cookie, '')
    }
    const login = await send(visitor, '/login', { name: 'ada' }, { ...https, origin: 'https://app.example' })
    t.same(await login.json(), { hello: 'ada' })
    t.match(login.headers.get('set-cookie'), /^__Host-sid=[\w-]+; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/)
    const user = await visitor.get('/user', { ...https, origin: 'https://app.example' })
    t.same(user.json, { user: 'ada' })
    t.equal((await visitor.get('/user', { origin: 'https://evil.example' })).headers.get('access-control-allow-origin'),
      'https://app.example', 'a page of another origin may not read it')
  },

  async 'other-origin-page' (t, { text }) {
    // A real browser runs it in test/browser/other-origin.long.ts.
    t.match(text, "credentials: 'include'")
  },

  async 'back-channel-logout' (t, { text }, cwd) {
    const { exportJWK, generateKeyPair, SignJWT } = await import('jose')
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const provider = createServer((_request, response) => {
      exportJWK(publicKey).then(key => { response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ ...key, kid: 'k', alg: 'RS256' }] })) }, t.fail)
    }).listen(0, '127.0.0.1')
    await once(provider, 'listening')
    t.teardown(() => { provider.close(); provider.closeAllConnections() })
    const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
    const visitor = await visit(t, text, cwd, { ISSUER: issuer })
    const tokenOf = async (claims: object, audience = 'shop', key = privateKey): Promise<string> =>
      await new SignJWT({ jti: randomUUID(), events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'logout+jwt' }).setIssuer(issuer).setAudience(audience).setIssuedAt().setExpirationTime('2m').sign(key)
    const provide = async (token: string): Promise<number> => (await visitor.twin().post('/backchannel-logout', { logout_token: token })).status
    const login = async (sub: string, sid: string): Promise<Client> => {
      const client = new Client(visitor.url)
      await client.post('/login', { sub, sid })
      return client
    }
    const user = async (client: Client): Promise<unknown> => (await client.get('/')).json
    const [one, two, three, other] = await Promise.all([login('ada', '1'), login('ada', '2'), login('ada', '3'), login('grace', '4')])

    const { privateKey: strange } = await generateKeyPair('RS256')
    const wrong = [
      await tokenOf({ sid: '1' }, 'another app'), await tokenOf({ sid: '1', events: {} }), await tokenOf({ sid: '1', nonce: 'n' }), await tokenOf({}),
      await tokenOf({ sid: '1' }, 'shop', strange), await tokenOf({ sid: '1', jti: undefined }), 'no token'
    ]
    for (const [index, token] of wrong.entries()) t.equal(await provide(token), 400, `wrong token ${index}`)
    t.equal((await visitor.post('/backchannel-logout')).status, 400)
    t.same(await user(one), { user: 'ada' })

    const token = await tokenOf({ sid: '1', sub: 'ada' })
    t.equal(await provide(token), 200)
    t.same(await user(one), { user: null })
    t.same(await user(two), { user: 'ada' })
    t.equal(await provide(token), 400, 'a token counts once')
    t.equal(await provide(await tokenOf({ sub: 'ada' })), 200)
    for (const client of [two, three]) t.same(await user(client), { user: null })
    t.same(await user(other), { user: 'grace' })
  },

  async schema (t, { text }, cwd) {
    const visitor = await visit(t, text.replace('console.log(await',
      "app.get('/set', async ({ session, query }) => { session.set(query.key, query.value) })\nconsole.log(await"), cwd)
    await send(visitor, '/login', { user: { id: 7, name: 'ada' } })
    const ada = { user: { id: 7, name: 'ada' }, year: new Date().getFullYear() }
    t.same((await visitor.get('/')).json, ada)
    t.equal((await visitor.get('/')).headers.get('set-cookie'), null)
    await visitor.get('/set?key=theme&value=green')
    t.same((await visitor.get('/')).json, ada, 'one that does not fit is dropped')
    await visitor.get('/set?key=theme&value=dark')
    t.same((await visitor.get('/')).json, { ...ada, theme: 'dark' })
    const failed = await visitor.get('/set?key=user&value=nonsense')
    t.equal(failed.status, 500)
    t.match(failed.json, { code: 'SESSION_CODEC' })
    t.same((await visitor.get('/')).json, { ...ada, theme: 'dark' }, 'nothing was stored')
  },

  async telemetry (t, { text }, cwd) {
    await writeFile(join(cwd, 'telemetry.mjs'), text)
    const [spans, counts] = (await printed(TELEMETRY_APP, cwd)).trim().split('\n').map(line => JSON.parse(line) as unknown)
    t.same(spans, [
      ['session commit', 'create', 'the request'], ['session load', undefined, 'the request'], ['session commit', 'replace', 'the request']
    ])
    t.same(counts, { 'session.operation.duration': 3, 'session.errors': 1 })
  }
})

/** An app with an SDK, as small as they come: the context manager that most SDKs bring is that of Node's AsyncLocalStorage. */
const TELEMETRY_APP = `
import { context, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import Fastify from 'fastify'
import fileSessions from 'fastify-file-sessions'
import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage()
context.setGlobalContextManager({
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, work, self, ...parameters) => storage.run(active, () => work.apply(self, parameters)),
  bind: (active, target) => target, enable () { return this }, disable () { return this }
})
const spans = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 1_000_000 })
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
await import('./telemetry.mjs')

const app = Fastify()
app.register(fileSessions)
app.get('/', async ({ session }) => { session.visits = (session.visits ?? 0) + 1 })
app.get('/fails', async ({ session }) => { session.number = 1n })

const inRequest = work => trace.getTracer('test').startActiveSpan('the request', async span => {
  const answer = await work()
  span.end()
  return answer
})
const { cookies: [{ name, value }] } = await inRequest(() => app.inject('/'))
await inRequest(() => app.inject({ url: '/', cookies: { [name]: value } }))
await inRequest(() => app.inject('/fails'))
await reader.forceFlush()

const finished = spans.getFinishedSpans()
const nameOf = id => finished.find(span => span.spanContext().spanId === id)?.name
console.log(JSON.stringify(finished.filter(({ name }) => name.startsWith('session ')).map(({ name, attributes, parentSpanContext, duration }) => {
  if (duration[0] < 0) throw new Error('a span ends before it begins')
  return [name, attributes.kind, nameOf(parentSpanContext?.spanId)]
})))
const [{ scopeMetrics }] = measured.getMetrics()
console.log(JSON.stringify(Object.fromEntries(scopeMetrics.flatMap(({ metrics }) => metrics).map(({ descriptor, dataPoints }) =>
  [descriptor.name, dataPoints.reduce((sum, { value }) => sum + (value.count ?? value), 0)]))))
await app.close()
await reader.shutdown()
`
