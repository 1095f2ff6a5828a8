import pg from 'pg'
import t from 'tap'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { NO_POSTGRES, PostgresServer } from '../../support/postgres-server'
import { rounds } from '../../support/tier'

const SESSIONS = 50
const ROUNDS = rounds(5, 20)

t.test('saves and touches change no index', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t, { settings: { autovacuum: 'off' } })
  const pool = new pg.Pool({ ...server.address, max: 4 })
  t.teardown(() => pool.end())

  /** Returns the share (of 1) of the updates that were made in place. */
  async function share (table: string): Promise<number> {
    // With an idle timeout this short every touch is due, and a minute later it still finds its session.
    const store = new PostgresSessionStore({ pool, table, idleTimeout: 0.01 })
    await store.open()
    if (table === 'indexed') await pool.query('CREATE INDEX ON indexed (accessed_at)')
    const sessions: Array<{ name: string, version: string }> = []
    while (sessions.length < SESSIONS) {
      const name = store.nameOf(await store.newId())
      sessions.push({ name, ...await store.create(name, { text: '' }) as { version: string } })
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const session of sessions) {
        await store.touch(session.name)
        Object.assign(session, await store.replace(session.name, { text: `round ${round}` }, session.version))
      }
    }
    const expected = 2 * SESSIONS * ROUNDS
    // The server counts a little later.
    for (;;) {
      const { rows: [counts] } = await pool.query<{ n_tup_upd: string, n_tup_hot_upd: string }>(
        'SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1', [table])
      if (Number(counts?.n_tup_upd) >= expected) return Number(counts?.n_tup_hot_upd) / Number(counts?.n_tup_upd)
    }
  }

  const inPlace = await share('sessions')
  t.comment(`${(inPlace * 100).toFixed(1)} % of the updates are in place`)
  t.ok(inPlace > 0.95)
  t.equal(await share('indexed'), 0, 'with an index on the last access none is')
})
