import t, { type Test } from 'tap'
import { createClient } from 'redis'
import fileSessions, { type FileSessionsOptions } from '../../index'
import { PostgresSessionStore } from '../../postgres'
import { RedisSessionStore } from '../../redis'
import { emptyPGlite } from '../support/pglite'
import { RedisServer, redisIsMissing } from '../support/redis-server'
import { loggingApp } from '../support/serve'
import { undeclared } from '../support/undeclared'

/** How often the store has asked its server. */
interface Asked { times: number }

/** Steps of one visitor after the other, and what each costs. `docs/stores.md` has the same numbers. */
const STEPS = [
  ['/login', 1, 'a login without a session'],
  ['/read', 1, 'a read'],
  ['/save', 2, 'a save by a request: it reads first'],
  ['/regenerate', 3, 'a new id: the new session is made, the old one ends'],
  ['/login', 4, 'a login with a session: what is set after its move is a save more'],
  ['/unused', 1, 'a request whose handler does not look at the session'],
  ['/logout', 2, 'a logout']
] as const

async function checkSteps (t: Test, store: FileSessionsOptions['store'], asked: Asked): Promise<void> {
  const { app } = loggingApp()
  t.teardown(() => app.close())
  await app.register(fileSessions, { store })
  app.get('/read', async request => undeclared(request).get('user') ?? 'none')
  app.get('/unused', async () => 'ok')
  app.get('/save', async request => { undeclared(request).set('cart', Math.random()) })
  app.get('/regenerate', async request => { await undeclared(request).regenerate(['cart', 'user']) })
  app.get('/login', async request => {
    await undeclared(request).authenticated(['cart'])
    undeclared(request).set('user', 'ada')
  })
  app.get('/logout', async request => { await undeclared(request).destroy() })
  await app.ready()
  // The first time the server is told the scripts.
  for (const isCounted of [false, true]) {
    let sid = ''
    for (const [url, times, what] of STEPS) {
      asked.times = 0
      const { statusCode, cookies } = await app.inject({ url, ...(sid === '' ? {} : { cookies: { sid } }) })
      sid = cookies[0]?.value ?? sid
      if (isCounted) t.strictSame([statusCode, asked.times], [200, times], what)
    }
    asked.times = 0
    await app.inject({ url: '/read' })
    t.equal(asked.times, 0, 'a visitor without a session costs nothing')
  }
}

t.test('Redis is asked so often', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  const asked: Asked = { times: 0 }
  const send = client.sendCommand.bind(client)
  client.sendCommand = ((...call: Parameters<typeof send>) => {
    asked.times++
    return send(...call)
  }) as typeof client.sendCommand
  await checkSteps(t, new RedisSessionStore({ client }), asked)
})

t.test('PostgreSQL is asked so often', async t => {
  const database = emptyPGlite()
  t.teardown(() => database.close())
  const asked: Asked = { times: 0 }
  const pool = {
    query: (text: string, values: Array<string | number | null>) => {
      asked.times++
      return database.query<object>(text, values)
    }
  }
  await checkSteps(t, new PostgresSessionStore({ pool }), asked)
})
