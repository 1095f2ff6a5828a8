import t from 'tap'
import { postgresStoreOptions, type PostgresClient } from '../../../lib/store/postgres/options'

const pool: PostgresClient = { query: async () => ({ rows: [] }) }

t.test('options have defaults', async t => {
  const { pool: given, idGenerator, ...settled } = postgresStoreOptions({ pool })
  t.equal(given, pool)
  t.equal(typeof idGenerator, 'function')
  t.same(settled, {
    appid: 'sid',
    idleTimeout: 7200,
    absoluteTimeout: undefined,
    maxSize: 1048576,
    table: 'sessions',
    schema: 'public',
    timeout: 5,
    prepare: false,
    encryption: false
  })
  t.equal(postgresStoreOptions({ pool: Object.assign({ totalCount: 0, connect () {} }, pool) }).prepare, true, 'a pool of pg can prepare by name')
})

t.test('an option that makes no sense is refused', async t => {
  const cases: Array<[object, string]> = [
    [{}, 'pool'], [{ pool: {} }, 'pool'], [{ pool: null }, 'pool'], [{ pool, table: '' }, 'table'], [{ pool, table: 'a\0b' }, 'table'],
    [{ pool, table: 'x'.repeat(64) }, 'table'], [{ pool, table: 'ü'.repeat(32) }, 'table'], [{ pool, table: 1 }, 'table'],
    [{ pool, schema: '' }, 'schema'], [{ pool, timeout: 0 }, 'timeout'], [{ pool, timeout: 3601 }, 'timeout'],
    [{ pool, prepare: 'yes' }, 'prepare'], [{ pool, appid: 'a b' }, 'appid'], [{ pool, tabel: 'x' }, 'tabel']
  ]
  for (const [options, name] of cases) {
    t.throws(() => postgresStoreOptions(options as { pool: PostgresClient }), { code: 'SESSION_OPTION', message: new RegExp(`option ${name} `) })
  }
})

t.test('a table whose name holds a dot is refused', async t => {
  const dotted = { code: 'SESSION_OPTION', message: /option table must not hold a dot: give the schema by the option schema/ }
  t.throws(() => postgresStoreOptions({ pool, table: 'app.sessions' }), dotted, 'it would be a table of that name in public')
})
