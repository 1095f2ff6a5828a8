import pg from 'pg'
import t, { type Test } from 'tap'
import type { PostgresClient } from '../../../lib/store/postgres/options'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { NO_STANDBY, PostgresServer } from '../../support/postgres-server'
import { connectionLost, ScriptedClient } from '../../support/scripted-client'

interface Pair {
  primary: PostgresServer
  standby: PostgresServer
  /** Of the primary and of the standby. */
  pools: readonly [pg.Pool, pg.Pool]
  sql: (text: string) => Promise<object[]>
  /** A store that reaches whatever of the two is the primary. */
  store: PostgresSessionStore
  name: string
  /** Kills the primary and promotes the standby. */
  failOver: () => Promise<void>
}

/** A primary and a standby that has received a session. */
async function startPair (t: Test): Promise<Pair> {
  const primary = await PostgresServer.start(t, { settings: { wal_level: 'replica' } })
  const standby = await primary.replica(t)
  const pools = [new pg.Pool(primary.address), new pg.Pool(standby.address)] as const
  for (const pool of pools) pool.on('error', () => {})
  t.teardown(async () => { await Promise.all(pools.map(pool => pool.end())) })
  let [current] = pools
  const store = new PostgresSessionStore({ pool: { query: (text, values) => current.query(text, values) }, timeout: 60 })
  const name = store.nameOf(await store.newId())
  await store.create(name, { text: 'text' })
  const sql = async (text: string): Promise<object[]> => (await pools[0].query<object>(text)).rows
  const isBehind = async (): Promise<boolean> => (await sql('SELECT FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()')).length === 0
  while (await isBehind());
  return {
    primary,
    standby,
    pools,
    sql,
    store,
    name,
    async failOver () {
      await primary.kill()
      await standby.promote()
      current = pools[1]
    }
  }
}

t.test('what a standby says of a change that the primary did not make is not believed', { skip: NO_STANDBY }, async t => {
  const { pools: [primary, standby], name } = await startPair(t)
  let isStandbyNext = false
  const asked: string[] = []
  // As behind a proxy: after the first statement the next connection leads to the standby, once.
  const client: PostgresClient = {
    async query (text, values) {
      const pool = isStandbyNext ? standby : primary
      asked.push(`${/^SELECT concat_ws/.test(text) ? 'ask' : 'change'} ${isStandbyNext ? 'standby' : 'primary'}`)
      isStandbyNext = false
      const { rows } = await pool.query<object>(text, values)
      isStandbyNext = rows.length === 0 && asked.length === 1
      return { rows }
    }
  }
  const scripted = new ScriptedClient(client)
  const store = new PostgresSessionStore({ pool: scripted, timeout: 60 })
  await store.open()
  const { version } = await store.read(name) as { version: string }
  asked.length = 0
  // Its answer is lost, and it is asked again.
  scripted.after.push(() => {
    asked.length = 0
    throw connectionLost()
  })
  t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
  t.strictSame(asked, ['change primary', 'ask standby', 'change primary', 'ask primary'])
  t.equal(await store.remove(name), 'removed')
  asked.length = 0
  t.equal(await store.remove(name), 'gone')
  t.strictSame(asked, ['change primary', 'ask standby', 'change primary', 'ask primary'])
})

t.test('with an asynchronous standby a failover brings a session back that has ended', { skip: NO_STANDBY }, async t => {
  const { primary, standby, store, name, failOver } = await startPair(t)
  // What is on the way when the primary dies may still arrive: so the standby is down for a moment.
  await standby.stop()
  t.equal(await store.remove(name), 'removed')
  t.equal(await store.read(name), null)
  await primary.kill()
  await standby.start()
  await failOver()
  t.match(await store.read(name), { text: 'text' }, 'as the table in docs/stores.md says')
})

/** Waits until the standby is the one that saves wait for. */
async function makeSynchronous (sql: Pair['sql']): Promise<void> {
  await sql("ALTER SYSTEM SET synchronous_standby_names TO '*'")
  await sql('SELECT pg_reload_conf()')
  while ((await sql("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'")).length === 0);
}

t.test('with a synchronous standby a failover loses nothing that was answered', { skip: NO_STANDBY }, async t => {
  const { standby, sql, store, name, failOver } = await startPair(t)
  await makeSynchronous(sql)
  const { version } = await store.read(name) as { version: string }
  const other = store.nameOf(await store.newId())
  await store.create(other, { text: 'other' })

  await standby.pause()
  const answered: unknown[] = []
  const ending = store.remove(name, version).finally(() => { answered.push(name) })
  while (answered.length === 0 && (await sql("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length === 0);
  t.strictSame(answered, [], 'it is not answered before the standby has it', { log: standby.log })
  standby.resume()
  t.equal(await ending, 'removed')

  await failOver()
  t.equal(await store.read(name), null)
  t.match(await store.read(other), { text: 'other' })
  t.equal(await store.remove(other), 'removed')
})

t.test('what waited for a synchronous standby when the primary was restarted is answered when the standby has it', { skip: NO_STANDBY }, async t => {
  const { primary, standby, sql, store, name } = await startPair(t)
  const others = await Promise.all(['saved', 'ended', 'made'].map(async () => store.nameOf(await store.newId())))
  const [saved, ended, made] = others as [string, string, string]
  await store.create(ended, { text: 'text' })
  const { version } = await store.create(saved, { text: 'text' }) as { version: string }
  await makeSynchronous(sql)
  const answered: unknown[] = []
  const waiting = async (count: number): Promise<void> => {
    const query = "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"
    while (answered.length === 0 && (await sql(query).catch(() => [])).length < count);
  }
  await standby.stop()
  const calls = [
    store.replace(saved, { text: 'other' }, version), store.remove(ended), store.create(made, { text: 'new' }), store.remove(name)
  ].map(call => call.then(answer => { answered.push(answer); return answer }))
  await waiting(calls.length)
  await primary.kill()
  await primary.start()
  const again = store.remove(name).then(answer => { answered.push(answer); return answer })
  await waiting(calls.length + 1)
  t.strictSame(answered, [], 'what is stored on the primary alone is not answered')
  await standby.start()
  t.match(await Promise.all(calls), [{ result: 'replaced' }, 'removed', { result: 'created' }, 'removed'])
  t.equal(await again, 'gone', 'nor is that it has ended')
})
