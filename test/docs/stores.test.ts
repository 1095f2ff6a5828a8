import t from 'tap'
import { postgresStoreOptions } from '../../lib/store/postgres/options'
import { RECORD_STORE_OPTIONS } from '../../lib/store/record-options'
import { redisStoreOptions } from '../../lib/store/redis/options'
import { ScriptedNodeRedis } from '../support/scripted-node-redis'
import { Document } from './document'

/** Its snippets are run by stores.long.ts. */
const page = new Document('docs/stores.md')

t.test('the table of the suite\'s options is complete', async t => {
  const options = ['test', 'makeStore', 'features', 'maxSize', 'age', 'dump', 'fail', 'dispose', 'except']
  t.same(page.names('A store of your own'), options)
})

t.test('the tables of the options of stores are complete and right', async t => {
  const settled = postgresStoreOptions({ pool: { query: async () => ({ rows: [] }) } })
  t.same(page.names('Options of every store'), RECORD_STORE_OPTIONS)
  t.same([...page.names('Options of every store'), ...page.names('PostgreSQL')].sort(), Object.keys(settled).sort())
  t.same(page.table('Redis and Valkey').map(([name]) => name), ['`client`', '`prefix`', '`timeout`', '`replicas`', '`cache`'])
  for (const [name = '', shown = ''] of [...page.table('Options of every store'), ...page.table('PostgreSQL')]) {
    const [, literal] = /^`([^`]*)`$/.exec(shown) ?? []
    if (literal === undefined) continue
    t.same(JSON.parse(literal.replaceAll("'", '"')), settled[name.replaceAll('`', '') as keyof typeof settled], name)
  }
})

t.test('the table of the options for Redis is complete and right', async t => {
  const client = new ScriptedNodeRedis()
  const { connection, ...settled } = redisStoreOptions({ client, replicas: { count: 1 }, cache: {} })
  const own = Object.keys(settled).filter(name => !RECORD_STORE_OPTIONS.includes(name))
  const rows = new Map(page.table('Redis and Valkey').map(([name = '', ...cells]) => [name.replaceAll('`', ''), cells]))
  t.same([...rows.keys()].sort(), ['client', ...own].sort())
  t.equal(rows.get('prefix')?.[0], `\`'${settled.prefix}'\``)
  t.equal(rows.get('timeout')?.[0], `\`${settled.timeout}\``)
  t.match(rows.get('replicas')?.[1], `\`timeout\` (${settled.replicas?.timeout}) seconds`)
  t.match(rows.get('cache')?.[1], `Bytes (${(settled.cache?.maxSize ?? 0) / 1024 / 1024} MiB), and seconds (${settled.cache?.maxStaleness})`)
  t.equal(redisStoreOptions({ client }).replicas ?? redisStoreOptions({ client }).cache, undefined, 'both are left out by default')
  t.throws(() => redisStoreOptions({ client, timeout: 31 }), { message: /at most 30/ })
  t.match(rows.get('timeout')?.[1], /At most 30\./)
  const [, shared = ''] = /Beside (.*?), which all stores have:/.exec(page.text) ?? []
  t.match([...shared.matchAll(/`(\w+)`/g)].filter(([, name = '']) => !RECORD_STORE_OPTIONS.includes(name)), [])
})
