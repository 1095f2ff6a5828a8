import pg from 'pg'
import t, { type Test } from 'tap'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import type { PostgresClient, PostgresSessionStoreOptions } from '../../../lib/store/postgres/options'
import { NO_POSTGRES, NO_STANDBY, PostgresServer } from '../../support/postgres-server'
import { patiently } from '../../support/patiently'
import { TcpProxy } from '../../support/tcp-proxy'

/** Trouble as a real server and a real pool make it. */
t.test('PostgreSQL in trouble', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t, { settings: { wal_level: 'replica' } })

  function poolOf (t: Test, options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ ...server.address, ...options })
    t.teardown(() => pool.end())
    return pool
  }

  function storeOf (t: Test, options: Partial<PostgresSessionStoreOptions> = {}, poolOptions: pg.PoolConfig = {}): PostgresSessionStore {
    return new PostgresSessionStore({ pool: poolOf(t, poolOptions), ...options })
  }

  /** A store that soon gives up. Opening may take it longer than that on a machine that is busy. */
  async function hasty (pool: PostgresClient, timeout = 0.2): Promise<PostgresSessionStore> {
    const store = new PostgresSessionStore({ pool, timeout })
    while (!await store.open().then(() => true, () => false));
    return store
  }

  async function session (store: PostgresSessionStore): Promise<{ name: string, version: string }> {
    const name = store.nameOf(await store.newId())
    const { version } = await store.create(name, { text: 'first' }) as { version: string }
    return { name, version }
  }

  t.test('the connection is cut after the save, before its answer', async t => {
    const proxy = await TcpProxy.start(server.address.port)
    t.teardown(() => proxy.stop())
    const store = storeOf(t, {}, { port: proxy.port })
    const { name, version } = await session(store)
    const cutAtSave = proxy.cutAt('second', 'after')
    const replacement = await store.replace(name, { text: 'second' }, version)
    t.match(replacement, { result: 'replaced' })
    await cutAtSave
    t.match(await store.read(name), { text: 'second', version: (replacement as { version: string }).version })
    const cutAtEnd = proxy.cutAt(name, 'after')
    t.equal(await store.remove(name), 'removed')
    await cutAtEnd
  })

  t.test('the connection is cut before the save gets to the server', async t => {
    const proxy = await TcpProxy.start(server.address.port)
    t.teardown(() => proxy.stop())
    const store = storeOf(t, {}, { port: proxy.port })
    const { name, version } = await session(store)
    const cut = proxy.cutAt('second', 'before')
    t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
    await cut
    t.match(await store.read(name), { text: 'second' })
  })

  t.test('the network hangs: the call ends in time, and what arrives later does nothing', async t => {
    const proxy = await TcpProxy.start(server.address.port)
    t.teardown(() => proxy.stop())
    const pool = poolOf(t, { port: proxy.port, max: 1 })
    const [store, impatient] = [new PostgresSessionStore({ pool }), await hasty(pool)]
    const { name, version } = await session(store)
    proxy.hold()
    await t.rejects(impatient.replace(name, { text: 'late' }, version), { code: 'SESSION_STORE', message: /no answer for 0.2 seconds.*not known/ })
    proxy.release()
    t.match(await storeOf(t, {}, { port: proxy.port, max: 1 }).read(name), { text: 'first' })
    // The one connection answers in order: when it reads, what was held has been answered.
    t.match(await store.read(name), { text: 'first', version })
  })

  t.test('the pool has no connection to spare', async t => {
    const pool = poolOf(t, { max: 1 })
    const [store, impatient] = [new PostgresSessionStore({ pool }), await hasty(pool)]
    const { name, version } = await session(store)
    const client = await pool.connect()
    await t.rejects(impatient.replace(name, { text: 'late' }, version), { code: 'SESSION_STORE', message: /a connection to spare/ })
    await t.rejects(impatient.create(store.nameOf('late'), { text: 'late' }), { code: 'SESSION_STORE' })
    client.release()
    t.match(await store.read(name), { text: 'first', version }, 'what waited in the pool came too late')
    t.equal(await store.read(store.nameOf('late')), null)
  })

  t.test('another transaction holds the row', async t => {
    const pool = poolOf(t)
    const [store, impatient] = [new PostgresSessionStore({ pool }), await hasty(pool, 1)]
    const { name, version } = await session(store)
    const client = await poolOf(t).connect()
    await client.query('BEGIN')
    await client.query('SELECT FROM sessions WHERE name = $1 FOR UPDATE', [name])
    const calls = [
      () => impatient.replace(name, { text: 'late' }, version), () => impatient.remove(name), () => impatient.setAside(name), () => impatient.clear()
    ]
    for (const call of calls) {
      // The server tells it shortly before the store gives up by itself, and a busy machine may take longer than that.
      await t.rejects(patiently(async () => { await call() }), { code: 'SESSION_STORE', cause: { code: '55P03' }, message: /another transaction holds the row/ })
    }
    t.match(await store.read(name), { text: 'first' }, 'reading does not wait')
    await client.query("UPDATE sessions SET accessed_at = accessed_at - interval '1 day' WHERE name = $1", [name])
    t.match(await store.reap(), { expired: 0, failed: 0 }, 'nor does the reaper')
    await client.query('ROLLBACK')
    client.release()
    t.match(await store.read(name), { text: 'first', version })
    t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
  })

  t.test('the row changes while a statement waits for it', async t => {
    const store = storeOf(t)
    const other = await poolOf(t).connect()
    const watch = poolOf(t)
    /** Does this in a transaction that is committed once `call` waits for it. */
    async function meanwhile<T> (sql: string, name: string, call: () => Promise<T>): Promise<T> {
      await other.query('BEGIN')
      await other.query(sql, [name])
      const answer = call()
      for (let waiting = 0; waiting === 0;) {
        const { rows } = await watch.query<{ count: number }>("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        waiting = rows[0]?.count as number
      }
      await other.query('COMMIT')
      return await answer
    }
    const update = "UPDATE sessions SET version = 'another-version0', text = 'other' WHERE name = $1"
    const end = "UPDATE sessions SET version = 'another-version0', text = '', status = 'ended' WHERE name = $1"
    const insert = "INSERT INTO sessions SELECT now(), now(), NULL, 'sid', $1, 'live', 'another-version0', '', 'other'"
    const [one, two, three, four, five, six] = await Promise.all(Array.from({ length: 6 }, () => session(store)))
    const [first, second, third, fourth, fifth, sixth] = [one!, two!, three!, four!, five!, six!]
    t.same(await meanwhile(update, first.name, () => store.replace(first.name, { text: '' }, first.version)), { result: 'conflict' })
    t.same(await meanwhile(end, second.name, () => store.replace(second.name, { text: '' }, second.version)), { result: 'gone' })
    t.equal(await meanwhile(update, third.name, () => store.remove(third.name, third.version)), 'conflict')
    t.equal(await meanwhile('DELETE FROM sessions WHERE name = $1', fourth.name, () => store.remove(fourth.name, fourth.version)), 'gone')
    t.equal(await meanwhile(update, fifth.name, () => store.remove(fifth.name)), 'removed')
    const name = store.nameOf(await store.newId())
    t.same(await meanwhile(insert, name, () => store.create(name, { text: '' })), { result: 'taken' })
    await watch.query("UPDATE sessions SET accessed_at = now() - interval '2 minutes' WHERE name = $1", [sixth.name])
    await meanwhile(update, sixth.name, () => store.touch(sixth.name))
    t.match(await store.read(sixth.name), { text: 'other', touchDue: false })
    other.release()
  })

  for (const isolation of ['repeatable read', 'serializable']) {
    t.test(`transactions are ${isolation} unless told otherwise`, async t => {
      const options = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`
      const stores = Array.from({ length: 3 }, () => storeOf(t, { timeout: 60 }, { options, max: 2 }))
      const name = stores[0]!.nameOf(await stores[0]!.newId())
      const creations = await Promise.all(stores.map(store => store.create(name, { text: '0' })))
      t.same(creations.map(({ result }) => result).sort(), ['created', 'taken', 'taken'])
      const EACH = 10
      await Promise.all(stores.map(async store => {
        for (let count = 0; count < EACH;) {
          const { text, version } = await store.read(name) as { text: string, version: string }
          const { result } = await store.replace(name, { text: String(Number(text) + 1) }, version)
          if (result === 'replaced') count++
        }
      }))
      t.match(await stores[0]!.read(name), { text: String(EACH * stores.length) })
      const removals = await Promise.all(stores.map(store => store.remove(name)))
      t.same(removals.sort(), ['gone', 'gone', 'removed'])
      t.match(await stores[0]!.reap(), { failed: 0 })
    })
  }

  t.test('stores of several pools make the table at once', async t => {
    for (let round = 0; round < 5; round++) {
      const stores = Array.from({ length: 8 }, () => storeOf(t, { table: `made_${round}` }, { max: 1 }))
      await Promise.all(stores.map(store => store.open()))
    }
  })

  t.test('a session ends by the clock of the server, whatever the clock of the app shows', async t => {
    const store = storeOf(t, { idleTimeout: 100 })
    const { name, version } = await session(store)
    const { now } = Date
    t.teardown(() => { Date.now = now })
    for (const hours of [-1, 1]) {
      Date.now = () => now() + hours * 3_600_000
      const { idleLeft, createdAt } = await store.read(name) as { idleLeft: number, createdAt: number }
      t.ok(idleLeft > 50_000 && idleLeft <= 100_000)
      t.ok(Math.abs(createdAt - now()) < 60_000)
      t.match((await store.read((await session(store)).name)), { touchDue: false })
    }
    t.match(await store.replace(name, { text: '' }, version), { result: 'replaced' })
  })

  t.test('a server that is stopped in its tracks is not waited for', async t => {
    const impatient = await hasty(poolOf(t, { max: 1 }))
    const { name, version } = await session(storeOf(t))
    await server.pause()
    await t.rejects(impatient.replace(name, { text: 'late' }, version), { code: 'SESSION_STORE' })
    server.resume()
    t.match(await storeOf(t).read(name), { text: 'first', version })
    t.match(await storeOf(t).replace(name, { text: 'second' }, version), { result: 'replaced' })
  })

  t.test('a server that is killed costs nothing that was answered, and one that is back is used again', async t => {
    const pool = poolOf(t)
    const store = new PostgresSessionStore({ pool, timeout: 60 })
    await store.open()
    const { name, version } = await session(store)
    const { version: second } = await store.replace(name, { text: 'second' }, version) as { version: string }
    const removed = await session(store)
    t.equal(await store.remove(removed.name), 'removed')
    await server.kill()
    const replacement = store.replace(name, { text: 'third' }, second)
    await server.start()
    t.match(await replacement, { result: 'replaced' })
    t.match(await store.read(name), { text: 'third' })
    t.equal(await store.read(removed.name), null)
    t.equal(await store.remove(removed.name), 'gone')
    t.equal(pool.listenerCount('error'), 1, 'the lost connections did not end the process, for the store listens')
    await store.close()
    t.equal(pool.listenerCount('error'), 0)
    t.match(await pool.query('SELECT 1 AS one'), { rows: [{ one: 1 }] }, 'the pool stays open')
  })

  t.test('a store that is closed takes no listener from another one of the same pool', async t => {
    const pool = poolOf(t)
    const [first, second] = [new PostgresSessionStore({ pool }), new PostgresSessionStore({ pool })]
    await first.open()
    await second.open()
    await second.open()
    await first.close()
    t.equal(pool.listenerCount('error'), 1)
    await second.close()
    t.equal(pool.listenerCount('error'), 0)
    const listener = (): void => {}
    pool.on('error', listener)
    await first.open()
    t.strictSame(pool.listeners('error'), [listener], 'the app listens itself')
    await first.close()
    t.strictSame(pool.listeners('error'), [listener])
  })

  t.test('a moment that is ahead of the server counts as now', async t => {
    const store = storeOf(t)
    const name = store.nameOf(await store.newId())
    const ahead = Date.now() + 3_600_000
    t.match(await store.importSession({ name, text: 'text', idleTimeout: undefined, createdAt: ahead, lastAccess: ahead }), { result: 'created' })
    const { createdAt = 0 } = await store.read(name) ?? {}
    t.ok(createdAt > 0 && createdAt < ahead)
  })

  t.test('a server that is not there is an error in time', async t => {
    const impatient = await hasty(poolOf(t))
    await server.stop()
    await t.rejects(patiently(() => impatient.newSession()), { code: 'SESSION_STORE', cause: { code: 'ECONNREFUSED' }, message: /look at the server/ })
    await server.start()
    await t.resolves(storeOf(t).newSession())
  })

  t.test('a server without TLS, and a client that asks for it: the error says so', async t => {
    const store = new PostgresSessionStore({ pool: poolOf(t, { ssl: true }), timeout: 0.2 })
    await t.rejects(patiently(() => store.open()), { code: 'SESSION_STORE', outcome: 'refused', message: /The server does not support SSL connections; look at/ })
  })

  t.test('a standby takes no sessions and shows none', { skip: NO_STANDBY }, async t => {
    const pool = poolOf(t)
    const { name, version } = await session(new PostgresSessionStore({ pool }))
    const replica = await server.replica(t)
    const standby = new pg.Pool(replica.address)
    t.teardown(() => standby.end())
    await t.rejects(new PostgresSessionStore({ pool: standby }).open(), { message: /the server is a standby, which takes no writes: connect to the primary/ })
    const moved = { query: (text: string, values: unknown[]) => (isMoved ? standby : pool).query(text, values) }
    let isMoved = false
    const mover = await hasty(moved)
    isMoved = true
    const unavailable = { code: 'SESSION_STORE', cause: { code: '25006' }, message: /connect to the primary/ }
    await t.rejects(patiently(() => mover.read(name)), unavailable)
    await t.rejects(patiently(() => mover.read(mover.nameOf('unknown'))), unavailable)
    await t.rejects(patiently(() => mover.replace(name, { text: 'second' }, version)), unavailable)
    await t.rejects(patiently(() => mover.sessions().next()), unavailable)
    await replica.promote()
    t.match(await new PostgresSessionStore({ pool: moved }).replace(name, { text: 'second' }, version), { result: 'replaced' })
  })
})
