import t from 'tap'
import { emptyPGlite } from '../support/pglite'
import { postgresConformance } from '../support/postgres-conformance'

t.test('PGlite keeps what the store declares', async t => {
  const client = emptyPGlite()
  t.teardown(() => client.close())
  await client.waitReady
  postgresConformance(t, client)
})
