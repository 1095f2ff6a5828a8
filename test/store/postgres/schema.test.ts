import t from 'tap'
import { COLUMNS, createTable, literal, postgresSchema, qualified } from '../../../lib/store/postgres/schema'

t.test('the schema names the table', async t => {
  t.match(postgresSchema(), /^CREATE TABLE IF NOT EXISTS "public"\."sessions" \(/)
  t.match(postgresSchema({ schema: 'my app', table: 'a"b' }), /^CREATE TABLE IF NOT EXISTS "my app"\."a""b" \(/)
  t.throws(() => postgresSchema({ table: '' }), { code: 'SESSION_OPTION' })
  const dotted = { code: 'SESSION_OPTION', message: /option table must not hold a dot: give the schema by the option schema/ }
  t.throws(() => postgresSchema({ table: 'app.sessions' }), dotted)
})

t.test('the table has the columns that are looked for when it is opened, with the types that the server names so', async t => {
  const sql = createTable('t').replaceAll('timestamptz', 'timestamp with time zone')
  for (const [column, type] of Object.entries(COLUMNS)) t.match(sql, new RegExp(`^  ${column} ${type}`, 'm'))
  t.equal(sql.match(/^ {2}[a-z_]+ /gm)?.length, Object.keys(COLUMNS).length)
  t.match(sql, /PRIMARY KEY \(appid, name\)/)
})

t.test('names and appids are quoted, whatever they hold', async t => {
  t.equal(qualified('my app', 'a"b'), '"my app"."a""b"')
  t.equal(literal("o'ther"), "'o''ther'")
  t.ok(postgresSchema().endsWith(';\n'))
})
