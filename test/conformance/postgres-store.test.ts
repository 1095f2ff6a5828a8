import pg from 'pg'
import t from 'tap'
import { postgresConformance } from '../support/postgres-conformance'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'

/** The same with PGlite: pglite-store.long.ts. */
t.test('PostgreSQL keeps what the store declares', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const pool = new pg.Pool({ ...server.address, max: 4 })
  t.teardown(() => pool.end())
  postgresConformance(t, pool)
})
