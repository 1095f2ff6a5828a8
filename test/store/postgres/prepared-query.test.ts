import pg from 'pg'
import t, { type Test } from 'tap'
import type { PostgresClient } from '../../../lib/store/postgres/options'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { PreparedQuery, takesPreparedQueries } from '../../../lib/store/postgres/prepared-query'
import { NO_POSTGRES, PostgresServer } from '../../support/postgres-server'

t.test('which clients take them', async t => {
  const pools: Array<[PostgresClient, boolean]> = [
    [new pg.Pool(), true], [new pg.Pool({ pipeline: true } as pg.PoolConfig), false], [new pg.Client() as never, false],
    [{ query: async () => ({ rows: [] }) }, false]
  ]
  for (const [pool, takes] of pools) t.equal(takesPreparedQueries(pool), takes)
  class NativeQuery { submit (): void {} }
  t.notOk(takesPreparedQueries(Object.assign(new pg.Pool(), { Client: { prototype: pg.Client.prototype, Query: NativeQuery } })), 'pg-native')
  class OlderClient { static readonly Query = pg.Query }
  t.notOk(takesPreparedQueries(Object.assign(new pg.Pool(), { Client: OlderClient })), 'pg 8.18, which would never call back')
  class NewerQuery extends pg.Query { handleSomethingNew (): void {} }
  for (const method of Object.getOwnPropertyNames(pg.Query.prototype)) {
    if (method !== 'constructor') Object.defineProperty(NewerQuery.prototype, method, { value: () => {} })
  }
  t.notOk(takesPreparedQueries(Object.assign(new pg.Pool(), { Client: { prototype: pg.Client.prototype, Query: NewerQuery } })), 'a pg that tells its queries more')
})

t.test('sessions by a pool of pg', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)

  function poolOf (t: Test, options: object = {}): pg.Pool {
    const pool = new pg.Pool({ ...server.address, ...options })
    t.teardown(() => pool.end())
    return pool
  }

  /** Uses a session from its beginning to its end, on every connection of the pool. */
  async function useSessions (t: Test, pool: pg.Pool): Promise<void> {
    const store = new PostgresSessionStore({ pool })
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 12 }, async () => {
        const sesid = await store.newSession()
        await store.putSession(sesid, 'Grüße 🍪 \0', { idleTimeout: 77 })
        t.match(await store.read(store.nameOf(sesid)), { text: 'Grüße 🍪 \0', idleTimeout: 77, touchDue: false })
        await store.touch(store.nameOf(sesid))
        await store.delSession(sesid)
        t.equal(await store.getSession(sesid), null)
      }))
      await store.newSession()
      for await (const { size } of store.sessions()) t.equal(size, 0)
      t.match(await store.reap(), { seen: 1, failed: 0 })
      t.equal(await store.clear(), 1)
    }
    t.notOk(store.warnings.some(warning => warning.includes('prepare')))
  }

  for (const options of [{}, { max: 1 }, { binary: true }, { query_timeout: 60_000 }, { pipeline: true }, { maxUses: 3 }]) {
    t.test(`with the options ${JSON.stringify(options)}`, t => useSessions(t, poolOf(t, options)))
  }

  t.test('a tracer that sends a copy of the query, of its own members only', async t => {
    const pool = poolOf(t)
    pool.on('connect', client => {
      const query = client.query.bind(client) as (...parameters: unknown[]) => unknown
      Object.assign(client, { query: (first: object, ...rest: unknown[]) => query(first instanceof PreparedQuery ? { ...first } : first, ...rest) })
    })
    await useSessions(t, pool)
  })

  t.test('connections that cannot take such queries, as without cork', async t => {
    const pool = poolOf(t)
    pool.on('connect', client => {
      const { stream } = (client as unknown as { connection: { stream: object } }).connection
      Object.assign(stream, { cork: undefined })
    })
    await useSessions(t, pool)
  })

  t.test('a statement that another copy of this package has prepared on the connection', async t => {
    const pool = poolOf(t, { max: 1 })
    // Sends what the other copy would, by queries of pg itself.
    const copy = { query: (statement: never, values: never) => pool.query(statement, values) }
    for (const [client, prepare] of [[copy, true], [pool, undefined]] as const) {
      const store = new PostgresSessionStore({ pool: client, prepare, table: 'copies' })
      const sesid = await store.newSession()
      await store.putSession(sesid, 'text')
      t.equal(await store.getSession(sesid), 'text')
    }
  })

  t.test('statements that someone has removed from the connection', async t => {
    const pool = poolOf(t, { max: 1 })
    const store = new PostgresSessionStore({ pool, table: 'deallocated' })
    const sesid = await store.newSession()
    for (const removing of ['DEALLOCATE ALL', 'DISCARD ALL']) {
      await pool.query(removing)
      t.equal(await store.getSession(sesid), '', removing)
    }
  })

  t.test('a notice amid an answer, and a server that ends a statement by its own timeout', async t => {
    const pool = poolOf(t, { max: 1, statement_timeout: 100 })
    const store = new PostgresSessionStore({ pool, table: 'noticed' })
    while (!await store.open().then(() => true, () => false));
    const admin = poolOf(t)
    await admin.query(`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'told'; RETURN NEW; END $$;
      CREATE TRIGGER tell BEFORE INSERT ON noticed FOR EACH ROW EXECUTE FUNCTION tell()`)
    const name = store.nameOf(await store.newId())
    let isMade = false
    while (!isMade) isMade = await store.create(name, { text: 'text' }).then(() => true, () => false)
    const client = await admin.connect()
    await client.query('BEGIN')
    await client.query('LOCK TABLE noticed')
    await t.rejects(store.read(name), { cause: { code: '57014' }, message: /raise statement_timeout/ })
    await client.query('ROLLBACK')
    client.release()
    let session
    while (session === undefined) session = await store.read(name).catch(() => undefined)
    t.match(session, { text: 'text' })
  })

  t.test('a connection prepares each statement once, and describes it once', async t => {
    const pool = poolOf(t, { max: 1 })
    const store = new PostgresSessionStore({ pool })
    const name = store.nameOf(await store.newSession())
    for (let round = 0; round < 5; round++) await store.read(name)
    const { rows } = await pool.query<{ name: string, generic_plans?: string, custom_plans?: string }>(
      "SELECT * FROM pg_prepared_statements WHERE name LIKE 'fastify-file-sessions %'")
    const [read, ...others] = rows.filter(({ name }) => name.includes(' read '))
    t.strictSame(others, [])
    // PostgreSQL 13 does not count the calls.
    if (read?.generic_plans !== undefined) t.equal(Number(read.generic_plans) + Number(read.custom_plans), 5)
    t.ok(rows.some(({ name }) => name.includes(' create ')))
  })

  t.test('a column that gets another type while connections have a plan for it', async t => {
    const pool = poolOf(t, { max: 2 })
    const store = new PostgresSessionStore({ pool })
    const sesid = await store.newSession()
    await store.putSession(sesid, 'text')
    await Promise.all([store.getSession(sesid), store.getSession(sesid)])
    await pool.query('ALTER TABLE sessions ALTER COLUMN text TYPE varchar')
    t.same(await Promise.all([store.getSession(sesid), store.getSession(sesid)]), ['text', 'text'], 'it is asked again on a new connection')
  })

  t.test('an error of the server, and a query that ran out of the time of the pool', async t => {
    const store = new PostgresSessionStore({ pool: poolOf(t), table: 'broken' })
    const sesid = await store.newSession()
    const admin = poolOf(t)
    await admin.query('ALTER TABLE broken RENAME COLUMN text TO texts')
    await t.rejects(store.getSession(sesid), { code: 'SESSION_STORE', cause: { code: '42703' }, message: /has lost a column/ })
    await admin.query('ALTER TABLE broken RENAME COLUMN texts TO text')
    t.equal(await store.getSession(sesid), '')
    const patient = new PostgresSessionStore({ pool: poolOf(t, { query_timeout: 300 }), table: 'broken', timeout: 60 })
    while (!await patient.open().then(() => true, () => false));
    const client = await admin.connect()
    await client.query('BEGIN')
    await client.query('LOCK TABLE broken')
    const reading = patient.getSession(sesid)
    const hasty = new PostgresSessionStore({ pool: poolOf(t, { query_timeout: 100 }), table: 'broken', timeout: 0.5 })
    await t.rejects(hasty.getSession(sesid), { code: 'SESSION_STORE' })
    await client.query('COMMIT')
    client.release()
    t.equal(await reading, '', 'it is asked again')
  })

  t.test('a connection that hangs is replaced by a pool with query_timeout', async t => {
    const pool = poolOf(t, { query_timeout: 1000, max: 1 })
    const store = new PostgresSessionStore({ pool, table: 'held', timeout: 0.2 })
    while (!await store.open().then(() => true, () => false));
    const client = await poolOf(t).connect()
    await client.query('BEGIN')
    await client.query('LOCK TABLE held')
    await t.rejects(store.read(store.nameOf('x')), { message: /no answer/ })
    t.match(await pool.query('SELECT 1 AS one'), { rows: [{ one: 1 }] }, 'the pool has room for one, and the first still waits for the lock')
    await client.query('ROLLBACK')
    client.release()
  })
})
