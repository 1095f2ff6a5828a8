import type { Test } from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import type { PostgresClient } from '../../lib/store/postgres/options'

/** Puts the store to the suite; each place is a table of its own. */
export function postgresConformance (t: Test, client: PostgresClient): void {
  const { leftOut } = conformance({
    test: (name, run) => { t.test(name, run) },
    makeStore: ({ place, ...setup }) => new PostgresSessionStore({ pool: client, table: place, ...setup }),
    features: { records: true, iterable: true, readable: true, reapable: true, portable: true, indexable: true },
    maxSize: 1024 * 1024,
    age: async (place, name, milliseconds) => {
      const by = `${milliseconds} * interval '1 millisecond'`
      await client.query(`UPDATE ${place} SET created_at = created_at - ${by}, accessed_at = accessed_at - ${by} WHERE name LIKE $1 || '%'`, [name])
    },
    dump: async place => Buffer.from(JSON.stringify((await client.query(`SELECT s.* FROM ${place} AS s`, [])).rows)),
    fail: async place => { await client.query(`DROP TABLE ${place}`, []) },
    dispose: async place => { await client.query(`DROP TABLE IF EXISTS ${place}`, []) }
  })
  t.match(leftOut, [])
}
