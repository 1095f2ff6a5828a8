import diagnosticsChannel from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import t from 'tap'
import { MovingSessionStore } from '../../../lib/store/moving-store'
import type { PostgresClient } from '../../../lib/store/postgres/options'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { decodeList } from '../../../lib/store/index-entry'
import { headFor } from '../../../lib/store/session-header'
import { indexOf } from '../../../lib/store/session-index'
import { emptyPGlite } from '../../support/pglite'
import { connectionLost, ScriptedClient, serverError } from '../../support/scripted-client'

const server = emptyPGlite()
t.teardown(() => server.close())
t.before(() => server.waitReady)
let tables = 0

/** A store on a table of its own. */
async function emptyStore (): Promise<{ store: PostgresSessionStore, client: ScriptedClient, table: string }> {
  const client = new ScriptedClient(server)
  const table = `t${++tables}`
  const store = new PostgresSessionStore({ pool: client, table, idleTimeout: 1000 })
  await store.open()
  client.sent.length = 0
  return { store, client, table }
}

/** Fills the table with so many sessions. */
async function fill (table: string, count: number, { text = "'text'", status = 'live', seconds = 0, appid = 'sid' } = {}): Promise<void> {
  await server.query(`INSERT INTO ${table} (created_at, accessed_at, appid, name, status, version, recent, text)
    SELECT now(), now() - ${seconds} * interval '1 second', $1, encode(sha256(($2 || n)::bytea), 'hex'), $2, '0123456789abcdef', '', ${text} FROM generate_series(1, ${count}) AS n`,
  [appid, status])
}

async function count (iterable: AsyncIterable<unknown>): Promise<number> {
  let found = 0
  for await (const item of iterable) if (item !== undefined) found++
  return found
}

t.test('what tells of an end is kept for longer than a remover may ask again', async t => {
  const { table } = await emptyStore()
  await fill(table, 1, { status: 'ended', seconds: 200 })
  await new PostgresSessionStore({ pool: server, table, timeout: 300 }).reap()
  t.match(await server.query(`SELECT status FROM ${table}`), { rows: [{ status: 'ended' }] })
  await new PostgresSessionStore({ pool: server, table }).reap()
  t.match(await server.query(`SELECT status FROM ${table}`), { rows: [] })
})

t.test('listing goes by the page', async t => {
  const { store, client, table } = await emptyStore()
  await fill(table, 1200)
  await fill(table, 700, { appid: 'other' })
  t.equal(await count(store.sessions()), 1200)
  t.equal(client.sent.length, 4)
  t.equal(await count(store.texts()), 1200)
  t.equal(client.sent.length, 8)
})

t.test('a page of long texts is shorter', async t => {
  const { store, client, table } = await emptyStore()
  await fill(table, 7, { text: "repeat('x', 400000)" })
  const exported = []
  for await (const { name, text } of store.exportSessions()) exported.push([name, text.length])
  t.equal(new Set(exported.map(([name]) => name)).size, 7)
  t.ok(exported.every(([, length]) => length === 400_000))
  t.equal(client.sent.length, 4, 'three, three, one, none')
})

t.test('sessions that come and go while they are listed do no harm', async t => {
  const { store, table } = await emptyStore()
  await fill(table, 600)
  const sessions = store.sessions()
  await sessions.next()
  t.equal(await store.clear(), 600)
  t.equal(await count(sessions), 499, 'the rest of the page')
})

t.test('the reaper removes what has had its time, by the page', async t => {
  const { store, client, table } = await emptyStore()
  await fill(table, 600, { seconds: 1070 })
  await fill(table, 5, { status: 'ended', seconds: 100 })
  await fill(table, 5, { status: 'aside', seconds: 8 * 24 * 3600 })
  const { rows } = await server.query<{ name: string }>(`SELECT name FROM ${table} WHERE status = 'live' ORDER BY name LIMIT 3`)
  const [alive, grace, own] = rows.map(({ name }) => name)
  await server.query(`UPDATE ${table} SET accessed_at = now() WHERE name = $1`, [alive])
  await server.query(`UPDATE ${table} SET accessed_at = now() - interval '1030 seconds' WHERE name = $1`, [grace])
  await server.query(`UPDATE ${table} SET idle_timeout = 5000 WHERE name = $1`, [own])
  await server.query(`UPDATE ${table} SET accessed_at = now() WHERE name IN (SELECT max(name) FROM ${table} WHERE status <> 'live' GROUP BY status)`)
  t.same(await store.reap(), { seen: 600, expired: 597, orphans: 0, setAside: 4, failed: 0 })
  t.equal(client.sent.length, 3)
  const left = await server.query(`SELECT status, count(*)::int FROM ${table} GROUP BY status ORDER BY status`)
  t.same(left.rows, [{ status: 'aside', count: 1 }, { status: 'ended', count: 1 }, { status: 'live', count: 3 }])
})

t.test('the reaper stops when it is told to', async t => {
  const { store, client, table } = await emptyStore()
  await fill(table, 600, { seconds: 1070 })
  const abort = new AbortController()
  client.after.push(() => { abort.abort() })
  t.match(await store.reap(abort.signal), { seen: 500, expired: 500 })
  t.match(await store.reap(abort.signal), { seen: 0 })
})

t.test('the reaper tells of trouble and of what it did before', async t => {
  const { store, client, table } = await emptyStore()
  await fill(table, 600, { seconds: 1070 })
  client.before.push(() => {}, () => { throw serverError('42501') })
  t.match(await store.reap(), { seen: 500, expired: 500, failed: 1, error: { code: 'SESSION_STORE' } })
  client.after.push(() => { throw connectionLost() })
  t.match(await store.reap(), { seen: 0, failed: 0 }, 'what was lost was the answer')
})

t.test('clear removes the sessions of its appid, expired ones too, and nothing that is kept for a reason', async t => {
  const { store, table } = await emptyStore()
  await fill(table, 600)
  await fill(table, 3, { appid: 'other' })
  await fill(table, 3, { status: 'ended' })
  await fill(table, 3, { status: 'aside' })
  await server.query(`UPDATE ${table} SET accessed_at = now() - interval '1 year' WHERE name < '2' AND status = 'live'`)
  t.equal(await store.clear(), 600)
  const left = await server.query(`SELECT appid, status, count(*)::int FROM ${table} GROUP BY appid, status ORDER BY appid, status`)
  t.same(left.rows, [{ appid: 'other', status: 'live', count: 3 }, { appid: 'sid', status: 'aside', count: 3 }, { appid: 'sid', status: 'ended', count: 3 }])
})

t.test('the lists of indexes are rows of the same table, which sessions know nothing of', async t => {
  const { store, table } = await emptyStore()
  const records = store.companion().records as PostgresSessionStore
  const lists = "appid = 'index of sid'"
  await fill(table, 600)
  await fill(table, 600, { appid: 'index of sid' })
  t.equal(await count(store.sessions()), 600)
  t.equal(await count(store.exportSessions()), 600)
  t.equal(await count(store.texts()), 600)
  t.equal(await count(records.exportSessions()), 600)

  const ended: Array<{ session: string, reason: string }> = []
  const listener = (event: unknown): void => { ended.push(event as typeof ended[number]) }
  diagnosticsChannel.subscribe('fastify-file-sessions:ended', listener)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:ended', listener) })
  await server.query(`UPDATE ${table} SET accessed_at = now() - interval '1 year' WHERE ${lists}`)
  t.match(await store.reap(), { seen: 600, expired: 0 }, 'the reaper of sessions leaves lists alone')
  t.match(await records.reap(), { seen: 600, expired: 600 })
  t.strictSame(ended, [], 'a list that expires is not a session that has ended')
  await server.query(`UPDATE ${table} SET accessed_at = now() - interval '1 year'`)
  t.match(await store.reap(), { seen: 600, expired: 600 })
  t.equal(ended.length, 600)
  t.ok(ended.every(event => /^[\w-]{43}$/.test(event.session) && event.reason === 'expired'))
})

t.test('texts tells of sessions that are encrypted', async t => {
  const store = new PostgresSessionStore({ pool: server, table: 'sealed', encryption: true })
  await store.putSession(await store.newSession(), 'text')
  await t.rejects(count(store.texts()), { code: 'SESSION_UNOPENED' })
})

t.test('clear empties the lists of indexes, in whatever schema', async t => {
  await server.query('CREATE SCHEMA IF NOT EXISTS "o\'ther"')
  const store = new PostgresSessionStore({ pool: server, schema: "o'ther", table: 'lists' })
  const index = indexOf(store)
  const name = store.nameOf(await store.newId())
  const places = [{ label: 'label', login: 'login' }]
  t.ok(await index?.entering.enter(name, places, undefined, undefined))
  await store.create(name, { text: headFor({ indexed: { label: 'login' } }) + 'text' })
  t.match((await server.query('SELECT appid, status FROM "o\'ther".lists ORDER BY appid')).rows,
    [{ appid: 'index of sid', status: 'live' }, { appid: 'sid', status: 'live' }])
  for await (const text of store.texts()) t.equal(text, 'text', 'without its header')
  t.equal(await store.clear(), 1)
  // An entry stays for a session that is about to be stored: marked, so that this one ends at once.
  for await (const { text } of store.companion().records.exportSessions()) t.match(decodeList(text).entries, [{ login: 'login', isEnded: true }])
  t.same((await server.query('SELECT appid FROM "o\'ther".lists')).rows, [{ appid: 'index of sid' }])
})

t.test('a session that was touched just now is not written again', async t => {
  const { store, table } = await emptyStore()
  const sesid = await store.newSession()
  const writes = async (): Promise<unknown> => (await server.query<{ xmin: unknown }>(`SELECT xmin::text FROM ${table}`)).rows[0]?.xmin
  const before = await writes()
  await store.touch(store.nameOf(sesid))
  t.equal(await writes(), before)
  await server.query(`UPDATE ${table} SET accessed_at = now() - interval '2 seconds'`)
  const aged = await writes()
  await store.touch(store.nameOf(sesid))
  t.not(await writes(), aged)
})

t.test('moments out of range are brought into it', async t => {
  const { store } = await emptyStore()
  const createdAt = async (given: number): Promise<number | undefined> => {
    const name = store.nameOf(await store.newId())
    await store.create(name, { text: '', createdAt: given })
    return (await store.read(name))?.createdAt
  }
  t.equal(await createdAt(-5), 0)
  t.equal(await createdAt(1.7), 1)
  t.ok(await createdAt(1e300) as number <= Date.now() + 1, 'a creation ahead of the clock counts as now')
  const name = store.nameOf(await store.newId())
  await store.create(name, { text: '', createdAt: NaN, idleTimeout: 1e300 })
  t.match(await store.read(name), { idleTimeout: 2 ** 32 - 1, createdAt: Number })
  const session = { name: store.nameOf('next'), text: '', idleTimeout: undefined, createdAt: Date.now(), lastAccess: Date.now() + 1e9 }
  await store.importSession(session)
  t.ok((await store.read(session.name))!.idleLeft! <= 1_000_000, 'a last access ahead of the clock counts as now')
})

t.test('idle and absolute timeouts may have any size', async t => {
  for (const idleTimeout of [0.001, 1e300]) {
    for (const absoluteTimeout of [0.001, 1e300, undefined]) {
      const store = new PostgresSessionStore({ pool: server, table: `t${++tables}`, idleTimeout, absoluteTimeout })
      await store.getSession(await store.newSession())
      t.match(await store.reap(), { seen: 1, failed: 0 })
    }
  }
})

t.test('a store that is closed leaves no listener on the pool, that of its lists included', async t => {
  const pool = Object.assign(new EventEmitter(), { query: server.query.bind(server) }) as EventEmitter & PostgresClient
  const store = new PostgresSessionStore({ pool, table: `t${++tables}` })
  const both = new MovingSessionStore({ from: new PostgresSessionStore({ pool, table: `t${++tables}` }), to: store })
  for (let round = 0; round < 2; round++) {
    for (const each of [store, both]) {
      await each.open()
      t.equal(await count(each.sessionsOf('user', 42)), 0)
      t.ok(pool.listenerCount('error') > 0)
      await each.close()
      t.equal(pool.listenerCount('error'), 0)
    }
  }
})
