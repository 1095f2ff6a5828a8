import t from 'tap'
import { memoryOf, statement, statementsFor, type Verb } from '../../../lib/store/postgres/statements'

const OPTIONS = { schema: 'my app', table: 'sessions', appid: "o'ther", timeout: 5, idleTimeout: 1000, absoluteTimeout: undefined, mayConfirm: true }
const STATEMENTS = statementsFor(OPTIONS)

t.test('two statements with one name have one text, and another text has another name', async t => {
  t.match(statement('read', 'SELECT 1'), { text: 'SELECT 1', name: /^fastify-file-sessions read [0-9a-f]{16}$/ })
  t.not(statement('read', 'SELECT 1').name, statement('read', 'SELECT 2').name)
  t.strictSame(statementsFor(OPTIONS), statementsFor({ ...OPTIONS }))
  const other = statementsFor({ ...OPTIONS, appid: 'shop' })
  for (const [verb, { name, text }] of Object.entries(statementsFor(OPTIONS))) {
    t.match(name, /^fastify-file-sessions [a-z]+ /)
    t.ok(name.length < 64, 'PostgreSQL cuts longer ones')
    t.not(text, other[verb as keyof typeof other].text)
  }
})

t.test('a message is written to the log only by a role that may do so', async t => {
  const texts = (mayConfirm: boolean): string => Object.values(statementsFor({ ...OPTIONS, mayConfirm })).map(({ text }) => text).join()
  t.match(texts(true), /pg_logical_emit_message/)
  t.notMatch(texts(false), /pg_logical_emit_message/)
})

t.test('what tells of an end is kept for longer than a caller asks again', async t => {
  for (const timeout of [0.1, 5, 3600]) t.ok(memoryOf(timeout) > 2 * timeout)
})

t.test('every verb goes to the table and the appid that it is made for', async t => {
  for (const { text } of Object.values(STATEMENTS)) {
    t.match(text, /"my app"\."sessions" AS s/)
    t.ok(text.includes("'o''ther'"))
  }
})

t.test('what changes a row does nothing after the deadline, its last parameter, and waits no longer for a lock', async t => {
  const changing: Verb[] = ['create', 'replace', 'replaceUnused', 'remove', 'touch', 'setAside', 'clear']
  for (const verb of changing) {
    const { text } = STATEMENTS[verb]
    const last = Math.max(...Array.from(text.matchAll(/\$(\d+)/g), ([, number]) => Number(number)))
    t.ok(text.includes(`$${last}::float8 > `) && text.includes(`set_config('lock_timeout', greatest(1, ceil($${last}::float8`), verb)
  }
  for (const verb of ['read', 'list', 'texts'] as const) t.notMatch(STATEMENTS[verb].text, /UPDATE|DELETE|INSERT|lock_timeout/)
})

t.test('a session ends by the timeouts of the store, if it has both', async t => {
  const both = statementsFor({ ...OPTIONS, absoluteTimeout: 5000 })
  t.notMatch(STATEMENTS.replace.text, /s\.created_at\)+ >= /)
  t.match(both.replace.text, /s\.created_at\)+ >= '5000'::float8/)
  for (const { replace } of [STATEMENTS, both]) t.match(replace.text, /s\.accessed_at\)+ >= coalesce\(s\.idle_timeout::float8, '1000'::float8\) \+ 60/)
  t.match(statementsFor({ ...OPTIONS, isLeast: true }).replace.text, /greatest\(s\.idle_timeout::float8, '1000'::float8\)/, 'lists live as long as the store says at least')
})
