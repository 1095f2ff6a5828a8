import { EventEmitter } from 'node:events'
import pg from 'pg'
import t, { type Test } from 'tap'
import { OpenTransaction, queryPool } from '../../../lib/store/postgres/pool-query'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { PreparedQuery } from '../../../lib/store/postgres/prepared-query'
import { randomId } from '../../../lib/store/session-id'
import { patiently } from '../../support/patiently'
import { NO_POSTGRES, PostgresServer } from '../../support/postgres-server'

/** How a program gives a connection back that is in a transaction: what it ran before. */
const LEAVING: Record<string, string[]> = {
  'without having written': ['BEGIN'],
  'after a write': ['BEGIN', 'INSERT INTO notes VALUES (1)'],
  'after an error': ['BEGIN', 'SELECT 1 / 0'],
  'that shows what was there then': ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT FROM notes']
}

t.test('a connection that comes from the pool with an open transaction', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const admin = new pg.Pool(server.address)
  t.teardown(() => admin.end())
  await admin.query('CREATE TABLE notes (n integer)')
  /** Another process. */
  const other = new PostgresSessionStore({ pool: admin })

  function poolOf (t: Test, prepare: (client: pg.PoolClient) => void = () => {}, options: object = {}): pg.Pool {
    const pool = new pg.Pool({ ...server.address, max: 1, ...options })
    pool.on('connect', prepare)
    t.teardown(() => pool.end())
    return pool
  }

  async function leave (pool: pg.Pool, statements: string[]): Promise<pg.PoolClient> {
    const client = await pool.connect()
    for (const statement of statements) await client.query(statement).catch(() => {})
    client.release()
    return client
  }

  const traced = (client: pg.PoolClient): void => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown
    Object.assign(client, { query: (first: object, ...rest: unknown[]) => query(first instanceof PreparedQuery ? { ...first } : first, ...rest) })
  }
  const older = (client: pg.PoolClient): void => { Object.assign(client, { getTransactionStatus: undefined }) }

  const pools: Array<[name: string, pool: (t: Test) => pg.Pool, prepare: boolean]> = [
    ['statements of ours', t => poolOf(t), true], ['no names', t => poolOf(t), false], ['a tracer', t => poolOf(t, traced), true],
    ['an older pg', t => poolOf(t, older), false], ['the option pipeline', t => poolOf(t, undefined, { pipeline: true }), true]
  ]
  for (const [name, make, prepare] of pools) {
    for (const [how, statements] of Object.entries(LEAVING)) {
      t.test(`${how}, with ${name}`, async t => {
        const pool = make(t)
        const store = new PostgresSessionStore({ pool, prepare })
        const sesid = await store.newSession()
        await leave(pool, statements)
        await store.putSession(sesid, 'saved')
        t.equal(await other.getSession(sesid), 'saved', 'what was answered is committed')
        await leave(pool, statements)
        await other.delSession(sesid)
        t.equal(await store.getSession(sesid), null, 'a session that has ended is not shown as it was')
        await leave(pool, statements)
        const next = await store.newSession()
        t.equal(await other.getSession(next), '')
        await leave(pool, statements)
        t.equal(await store.remove(store.nameOf(next)), 'removed')
        t.equal(await other.getSession(next), null)
        t.same((await admin.query('SELECT FROM notes')).rows, [], 'the other program\'s transaction is undone')
      })
    }
  }

  for (const [how, options, committed] of [['too late', {}, 'Connection terminated'], ['in time', { pipeline: true }, 'COMMIT']] as const) {
    t.test(`a program that commits after it gave the connection back, ${how}`, async t => {
      const pool = poolOf(t, undefined, options)
      const store = new PostgresSessionStore({ pool })
      const name = store.nameOf(await store.newSession())
      const { version } = await store.read(name) as { version: string }
      const client = await leave(pool, ['BEGIN'])
      let closed = 0
      pool.on('remove', () => { closed++ })
      const query = client.query.bind(client) as (...parameters: unknown[]) => unknown
      const committing: unknown[] = []
      const commit = async (): Promise<string> => (await (query('COMMIT') as Promise<pg.QueryResult>)).command
      Object.assign(client, {
        query: (...parameters: unknown[]) => {
          query(...parameters)
          committing.push(commit().catch((error: Error) => error.message))
        }
      })
      t.match(await store.replace(name, { text: 'saved' }, version), { result: 'replaced' }, 'what was undone is repeated, what was committed is recognised')
      t.strictSame(await Promise.all(committing), [committed])
      t.equal(closed, 1, 'the pool has closed the connection')
      t.equal((await other.read(name))?.text, 'saved')
    })
  }

  t.test('a pool all of whose connections are in a transaction: the error says so', async t => {
    const pool = poolOf(t)
    const store = new PostgresSessionStore({ pool, timeout: 0.5 })
    await patiently(() => store.open())
    const client = Object.assign(new EventEmitter(), {
      connection: {},
      getTransactionStatus: () => 'T',
      query: (_query: object, _values: undefined, answer: (error: null, result: object) => void) => { answer(null, { rows: [] }) }
    })
    const released: unknown[] = []
    Object.assign(pool, { connect: (use: (error: undefined, client: object, release: (error: unknown) => void) => void) => { use(undefined, client, error => { released.push(error) }) } })
    const name = store.nameOf(randomId())
    const message = /came from the pool with an open transaction; .*without COMMIT or ROLLBACK/
    await t.rejects(store.read(name), { code: 'SESSION_STORE', outcome: 'refused', message })
    await t.rejects(store.remove(name), { code: 'SESSION_STORE', outcome: 'unknown', message })
    t.ok(released.length > 2, 'it was repeated')
    t.ok(released.every(error => error instanceof OpenTransaction), 'each connection is closed')
  })

  t.test('a connection that breaks, and a query that the client refuses', async t => {
    const pool = poolOf(t)
    const store = new PostgresSessionStore({ pool })
    const sesid = await store.newSession()
    const { rows: [row] } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const client = await admin.connect()
    await client.query('BEGIN')
    await client.query('LOCK TABLE sessions')
    const reading = store.getSession(sesid)
    while ((await admin.query('SELECT FROM pg_locks WHERE NOT granted AND pid = $1', [row?.pid])).rows.length === 0);
    await admin.query('SELECT pg_terminate_backend($1)', [row?.pid])
    await client.query('ROLLBACK')
    client.release()
    t.equal(await reading, '', 'it is asked again')
    const broken = poolOf(t, client => { Object.assign(client, { query: () => { throw new TypeError('no') } }) })
    await t.rejects(new PostgresSessionStore({ pool: broken }).getSession(sesid), { code: 'SESSION_STORE', cause: { message: 'the client failed' } })
    t.equal(broken.totalCount, 0, 'the connection does not go back')
  })
})

t.test('what a connection tells twice counts once, and one of pg-native tells nothing of transactions', async t => {
  class Connection extends EventEmitter {
    query (_query: object, _values: undefined, callback: (error: unknown, result: { rows: object[] }) => void): void {
      if (this.listenerCount('breaks') > 0) this.emit('error', new Error('broken'))
      callback(null, { rows: [{ one: 1 }] })
    }
  }
  const broken = new Connection().on('breaks', () => {})
  for (const [client, expected] of [[new Connection(), [undefined, 1]], [broken, ['broken', 0]]] as const) {
    const released: unknown[] = []
    const told: unknown[] = []
    queryPool({ connect (callback) { callback(undefined, client, error => { released.push((error as Error | null)?.message) }) } }, {}, (error, rows) => {
      told.push([(error as Error | null)?.message, rows.length])
    })
    t.strictSame(told, [expected])
    t.strictSame(released, [expected[0]])
    t.equal(client.listenerCount('error'), 0)
  }
  queryPool({ connect (callback) { callback(new Error('full'), undefined as never, () => {}) } }, {}, (error, rows) => {
    t.match(error, { message: 'full' })
    t.strictSame(rows, [])
  })
})
