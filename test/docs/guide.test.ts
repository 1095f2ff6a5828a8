import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { unopenedSessions } from '../../lib/unopened'
import { Document } from './document'

/** Its snippets are run by guide.long.ts. */
const page = new Document('docs/guide.md')

t.test('a faked Date makes no session expire, as the guide says', async t => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => { mock.timers.reset() })
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 60 })
  await store.open()
  const sesid = await store.newSession()
  mock.timers.tick(3600_000)
  t.equal(await store.getSession(sesid), '')
})

t.test('the tables of encryption are complete', async t => {
  const [options = [], counts = []] = [['encryption'], ['Count']].map(([heading = '']) => {
    const [, rows = ''] = new RegExp(`^\\| (?:\`${heading}\`|${heading}) \\|.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, 'm').exec(page.text) ?? []
    return rows.trim().split('\n').map(row => /^\| `(\w+)/.exec(row)?.[1] ?? '')
  })
  t.same([...options].sort(), [...Object.keys(encryptionOptions(true)), 'true'].sort())
  t.same([...counts].sort(), Object.keys(unopenedSessions()).sort())
})
