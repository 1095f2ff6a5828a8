import { performance } from 'node:perf_hooks'
import t from 'tap'
import { NoAnswer } from '../../../lib/store/deadlines'
import type { PostgresClient } from '../../../lib/store/postgres/options'
import { PreparedQuery, UnfitConnection } from '../../../lib/store/postgres/prepared-query'
import { Sender } from '../../../lib/store/postgres/sender'

const STATEMENT = { name: 'a name', text: 'SELECT $1' }
const ROWS = [{ about: '1000' }]

/** Returns the rows, or why there are none. */
async function send (sender: Sender): Promise<object[]> {
  return await sender.send(STATEMENT, ['value'], performance.now() + 60_000)
}

/** A client that is not a pool of pg. */
function plainClient (): { client: PostgresClient, asked: unknown[][] } {
  const asked: unknown[][] = []
  return { client: { async query (...parameters: unknown[]) { asked.push(parameters); return { rows: ROWS } } }, asked }
}

/** A pool like one of pg, whose connections do with a query what `answer` says. */
function poolOf (answer: (query: object) => Error | null): { pool: PostgresClient, asked: object[] } {
  const asked: object[] = []
  const client = {
    query (query: object, _values: undefined, callback: (error: unknown, result: { rows: object[] }) => void) {
      asked.push(query)
      callback(answer(query), { rows: ROWS })
    },
    once () {},
    removeListener () {}
  }
  const connect = (callback: (error: unknown, connection: typeof client, release: () => void) => void): void => { callback(null, client, () => {}) }
  return { pool: { totalCount: 1, connect, query () { throw new Error('the pool itself is not asked') } } as unknown as PostgresClient, asked }
}

t.test('a client gets text and values, or a statement with a name where it takes that', async t => {
  const { client, asked } = plainClient()
  t.equal(await send(new Sender(client, false)), ROWS)
  const sender = new Sender(client, true)
  t.equal(await send(sender), ROWS)
  sender.isUnprepared = true
  await send(sender)
  t.strictSame(asked, [['SELECT $1', ['value']], [{ ...STATEMENT, values: ['value'] }], ['SELECT $1', ['value']]])
})

t.test('a pool of pg is asked for a connection', async t => {
  const { pool, asked } = poolOf(() => null)
  t.equal(await send(new Sender(pool, false)), ROWS)
  t.equal(await send(new Sender(pool, true)), ROWS)
  t.strictSame(asked, [{ text: 'SELECT $1', values: ['value'] }, { ...STATEMENT, values: ['value'] }], 'this one takes no queries of ours')
})

t.test('connections that take no queries of ours get them as pg knows them, from then on', async t => {
  const { Client } = await import('pg')
  const { pool, asked } = poolOf(query => query instanceof PreparedQuery ? new UnfitConnection() : null)
  const sender = new Sender(Object.assign(pool, { Client, options: {} }), true)
  t.equal(await send(sender), ROWS)
  t.equal(await send(sender), ROWS)
  t.strictSame(asked.map(query => query instanceof PreparedQuery), [true, false, false])
})

t.test('what the client throws is thrown', async t => {
  const failing = { query: async () => { throw new Error('of the client') } }
  for (const prepare of [false, true]) await t.rejects(send(new Sender(failing, prepare)), { message: 'of the client' })
  await t.rejects(send(new Sender(poolOf(() => new Error('of the pool')).pool, true)), { message: 'of the pool' })
  const throwing = { query () { throw new TypeError('at once') } }
  await t.rejects(send(new Sender(throwing, false)), { message: 'at once' })
})

t.test('an answer that has not come in time is none', async t => {
  const silent = { query: async () => await new Promise<never>(() => {}) }
  t.ok(await new Sender(silent, false).send(STATEMENT, [], performance.now() - 1).catch((error: unknown) => error instanceof NoAnswer))
})
