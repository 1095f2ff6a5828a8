import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { postgresSchema } from '../../lib/store/postgres/schema'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import type { Check } from './document'

/** What the snippets about PostgreSQL do, with a server if there is one. */
export const POSTGRES_SNIPPETS: Record<string, Check> = {
  async postgres (t, { text }, cwd) {
    if (NO_POSTGRES !== false) return t.comment(NO_POSTGRES)
    const server = await PostgresServer.start(t)
    await writeFile(join(cwd, 'app.mjs'), text)
    const [first, second] = await Promise.all([1, 2].map(() => startApp(['app.mjs'], cwd, { DATABASE_URL: server.url })))
    t.teardown(async () => { await Promise.all([first?.end('SIGKILL'), second?.end('SIGKILL')]) })
    const client = new Client(first?.address as string)
    t.equal((await client.get('/')).text, 'visit 1\n')
    client.url = second?.address as string
    t.equal((await client.get('/')).text, 'visit 2\n', 'two processes share the sessions')
  },

  async 'postgres-schema' (t, { text }) {
    t.equal(text, postgresSchema())
  },

  async 'postgres-grants' (t, { text }) {
    if (NO_POSTGRES !== false) return t.comment(NO_POSTGRES)
    const server = await PostgresServer.start(t)
    const client = new pg.Client(server.address)
    await client.connect()
    t.teardown(() => client.end())
    await client.query(`${postgresSchema()} CREATE ROLE app LOGIN; ${text}`)
    const { rows } = await client.query("SELECT count(*)::int FROM information_schema.role_table_grants WHERE grantee = 'app'")
    t.same(rows, [{ count: 4 }])
  }
}
