import t from 'tap'
import { fileSessions } from '../support/command'

t.test('the schema', async t => {
  t.match(await fileSessions(['schema']), { exitCode: 0, out: /^CREATE TABLE IF NOT EXISTS / })
  const { sql } = JSON.parse((await fileSessions(['schema', '--json', '--schema', 'shop'])).out) as { sql: string }
  t.match(sql, /shop/)
  t.match(await fileSessions(['schema', '--table', '']), { exitCode: 2, err: /option table must be the name of a table/ })
  t.match(await fileSessions(['schema', 'more']), { exitCode: 2, err: /too many arguments: schema takes none/ })
})
