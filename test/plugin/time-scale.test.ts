import t from 'tap'
import { MovingSessionStore, SessionFileStore } from '../../index'
import type { FileSessionsOptions } from '../../lib/plugin/file-sessions-options'
import { pluginOptions } from '../../lib/plugin/options'
import { timesOutOfScale } from '../../lib/plugin/time-scale'
import { PostgresSessionStore } from '../../postgres'
import { RedisSessionStore } from '../../redis'
import { MapStore, MemoryStore } from '../support/map-store'
import { ScriptedNodeRedis } from '../support/scripted-node-redis'
import { serve } from '../support/serve'
import { sessionDirectory } from '../support/session-files'

const DAYS = 24 * 60 * 60

function warnings (options: FileSessionsOptions): string[] {
  return timesOutOfScale(pluginOptions(options))
}

t.test('times that are meant to be milliseconds, as it seems', async t => {
  t.strictSame(warnings({}), [])
  t.strictSame(warnings({ cookie: { maxAge: 400 * DAYS }, absoluteTimeout: 400 * DAYS, reapInterval: DAYS }), [])
  t.strictSame(warnings({ store: new MemoryStore() }), [])
  t.strictSame(warnings({ cookie: { maxAge: 401 * DAYS } }), [
    'fastify-file-sessions: option cookie.maxAge is 401 days: the times of the options are seconds, not milliseconds'
  ], 'and not again for the idleTimeout that follows from it')
  t.strictSame(warnings({ renewAfter: 30 * DAYS }), [])
  t.match(warnings({ renewAfter: 3_600_000 }), [/option renewAfter is 42 days: .* seconds, not milliseconds/], 'an hour')
  t.match(warnings({ idleTimeout: 7_200_000_000, absoluteTimeout: 401 * DAYS, reapInterval: 900_000 }), [
    /idleTimeout is 83333 days/, /absoluteTimeout is 401 days/, /reapInterval is 10 days/
  ])
})

t.test('those of a store that the plugin is given', async t => {
  const sessionDir = sessionDirectory(t)
  const times = { idleTimeout: 401 * DAYS, absoluteTimeout: 7_200_000_000 }
  const pool = { query: async () => ({ rows: [] }) }
  const stores = {
    files: new SessionFileStore({ sessionDir, ...times }),
    Redis: new RedisSessionStore({ client: new ScriptedNodeRedis(), ...times }),
    PostgreSQL: new PostgresSessionStore({ pool, ...times }),
    moving: new MovingSessionStore({ from: new MemoryStore(), to: new SessionFileStore({ sessionDir, ...times }) })
  }
  for (const [name, store] of Object.entries(stores)) {
    t.strictSame(warnings({ store }), [
      'fastify-file-sessions: option idleTimeout of the store is 401 days: the times of the options are seconds, not milliseconds',
      'fastify-file-sessions: option absoluteTimeout of the store is 83333 days: the times of the options are seconds, not milliseconds'
    ], name)
  }
  const { lifetimes } = stores.Redis
  t.strictSame(lifetimes, times, 'and nothing else of its options')
  t.strictSame(warnings({ store: new SessionFileStore({ sessionDir }) }), [])
  t.strictSame(warnings({ store: new MapStore() }), [], 'a store with the five methods has none')
})

t.test('that of a session, once', async t => {
  const { visitor, log } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.get('/remember/:maxAge', async request => {
      request.session.set('user', 'ann')
      request.session.options({ maxAge: Number((request.params as { maxAge: string }).maxAge) })
      return 'remembered'
    })
  })
  const warned = (): string[] => log.filter(({ level }) => level === 40).map(({ msg }) => msg)
  await visitor().get(`/remember/${400 * DAYS}`)
  t.strictSame(warned(), [])
  await visitor().get(`/remember/${30 * DAYS * 1000}`)
  await visitor().get(`/remember/${30 * DAYS * 1000}`)
  t.strictSame(warned(), ['maxAge of session.options is 30000 days: the times of the options are seconds, not milliseconds'])
})

t.test('the log of the start says so', async t => {
  const { log } = await serve(t, { sessionDir: sessionDirectory(t), idleTimeout: 401 * DAYS }, () => {})
  t.match(log.filter(({ level }) => level === 40), [{ msg: /option idleTimeout is 401 days/ }])
})
