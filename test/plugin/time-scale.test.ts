import t from 'tap'
import { pluginOptions, type FileSessionsOptions } from '../../lib/plugin/options'
import { timesOutOfScale } from '../../lib/plugin/time-scale'
import { MemoryStore } from '../support/map-store'
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
  t.match(warnings({ idleTimeout: 7_200_000_000, absoluteTimeout: 401 * DAYS, reapInterval: 900_000 }), [
    /idleTimeout is 83333 days/, /absoluteTimeout is 401 days/, /reapInterval is 10 days/
  ])
})

t.test('the log of the start says so', async t => {
  const { log } = await serve(t, { sessionDir: sessionDirectory(t), idleTimeout: 401 * DAYS }, () => {})
  t.match(log.filter(({ level }) => level === 40), [{ msg: /option idleTimeout is 401 days/ }])
})
