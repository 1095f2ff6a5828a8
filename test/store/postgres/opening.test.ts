import t from 'tap'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { postgresSchema } from '../../../lib/store/postgres/schema'
import { emptyPGlite } from '../../support/pglite'
import { ScriptedClient, serverError } from '../../support/scripted-client'

const server = emptyPGlite()
t.teardown(() => server.close())
t.before(() => server.waitReady)
let schemas = 0

/** Makes an empty schema and returns its name. */
async function newSchema (): Promise<string> {
  const schema = `s${++schemas}`
  await server.exec(`CREATE SCHEMA ${schema}`)
  return schema
}

/** A client whose server says something else of itself. PGlite does not wait for the disk, which would be warned of. */
function saying (settings: Record<string, string> = {}): ScriptedClient {
  return new ScriptedClient({
    query: async (text, values) => {
      const { rows } = await server.query(text, values)
      return { rows: text.includes('server_version_num') ? rows.map(row => ({ ...row as object, fsync: 'on', ...settings })) : rows as object[] }
    }
  })
}

t.test('open makes the table, once, and any number of stores can open it', async t => {
  const schema = await newSchema()
  const client = saying()
  const stores = Array.from({ length: 3 }, () => new PostgresSessionStore({ pool: client, schema }))
  await Promise.all(stores.map(store => store.open()))
  t.same(stores[0]?.warnings, [])
  const { length } = client.sent
  await stores[0]?.open()
  t.notMatch(client.sent.slice(length).join(), /CREATE TABLE/)
})

t.test('open finds the table that the printed schema made', async t => {
  const schema = await newSchema()
  await server.exec(postgresSchema({ schema, table: 'mine' }))
  await server.exec(postgresSchema({ schema, table: 'mine' }))
  const client = new ScriptedClient(server)
  await new PostgresSessionStore({ pool: client, schema, table: 'mine' }).open()
  t.notMatch(client.sent.join(), /CREATE TABLE/)
})

t.test('processes that make the table at once do not trouble each other', async t => {
  for (const code of ['23505', '42P07', '42710']) {
    const schema = await newSchema()
    const client = new ScriptedClient(server)
    client.before.push(() => {}, () => {}, async () => {
      await server.exec(postgresSchema({ schema }))
      throw serverError(code)
    })
    await t.resolves(new PostgresSessionStore({ pool: client, schema }).open())
  }
})

t.test('a table that cannot be made, or goes, is an error', async t => {
  const schema = await newSchema()
  const client = new ScriptedClient(server)
  client.before.push(() => {}, () => {}, () => { throw serverError('42501', 'permission denied for schema x') })
  await t.rejects(new PostgresSessionStore({ pool: client, schema }).open(),
    { code: 'SESSION_STORE', message: `cannot make the table "${schema}"."sessions" in PostgreSQL: permission denied for schema x (42501); give the role of the pool USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on the table` })
  client.after.push(() => {}, () => {}, async () => { await server.exec(`DROP TABLE ${schema}.sessions`) })
  await t.rejects(new PostgresSessionStore({ pool: client, schema }).open(), { message: /it is not there: another process has removed it/ })
  await t.rejects(new PostgresSessionStore({ pool: server, schema: 'missing' }).open(), { message: /"missing" does not exist \(3F000\); make the schema/ })
})

t.test('a table of another shape is an error that says which column', async t => {
  const shapes: Array<[string, RegExp]> = [
    ['DROP COLUMN recent', /it is not a table of this package: it has no column recent/],
    ['ALTER COLUMN version TYPE varchar(20)', /its column version is of the type character varying\(20\), and must be of the type text/],
    ['ALTER COLUMN text TYPE jsonb USING to_jsonb(text)', /its column text is of the type jsonb/],
    ['ADD COLUMN tenant text NOT NULL', /its column tenant must have a value, and the store knows none: give it a default/],
    ['DROP CONSTRAINT sessions_pkey', /it has no primary key: add PRIMARY KEY \(appid, name\)/]
  ]
  for (const [change, message] of shapes) {
    const schema = await newSchema()
    await server.exec(postgresSchema({ schema }))
    await server.exec(`ALTER TABLE ${schema}.sessions ${change}`)
    await t.rejects(new PostgresSessionStore({ pool: server, schema }).open(), { code: 'SESSION_STORE', message })
  }
  const schema = await newSchema()
  await server.exec(`CREATE VIEW ${schema}.sessions AS SELECT 1 AS one`)
  await t.rejects(new PostgresSessionStore({ pool: server, schema }).open(), { message: /it is not a table/ })
})

t.test('a table with more than it needs will do', async t => {
  const schema = await newSchema()
  await server.exec(postgresSchema({ schema }))
  await server.exec(`ALTER TABLE ${schema}.sessions ADD COLUMN note text, ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN at timestamptz NOT NULL DEFAULT now()`)
  await server.exec(`ALTER TABLE ${schema}.sessions DROP CONSTRAINT sessions_pkey, ADD UNIQUE (name, appid)`)
  const store = new PostgresSessionStore({ pool: saying(), schema })
  t.equal(await store.getSession(await store.newSession()), '')
  t.same(store.warnings, [])
})

t.test('a table that is slow, or not safe, is warned of', async t => {
  const schema = await newSchema()
  await server.exec(postgresSchema({ schema }))
  await server.exec(`ALTER TABLE ${schema}.sessions SET UNLOGGED; CREATE INDEX by_age ON ${schema}.sessions (accessed_at)`)
  const store = new PostgresSessionStore({ pool: saying(), schema })
  await store.open()
  t.match(store.warnings, [/UNLOGGED: a crash of PostgreSQL empties it/, /the index by_age .* drop the index/])
})

t.test('a role without rights is told which', async t => {
  const schema = await newSchema()
  await server.exec(postgresSchema({ schema }))
  await server.exec(`CREATE ROLE app; GRANT SELECT, UPDATE ON ${schema}.sessions TO app; SET ROLE app`)
  try {
    await t.rejects(new PostgresSessionStore({ pool: server, schema }).open(),
      { message: /the role of the pool may not use it: grant it USAGE on the schema, INSERT, DELETE$/ })
    await server.exec(`RESET ROLE; GRANT USAGE ON SCHEMA ${schema} TO app; GRANT INSERT, DELETE ON ${schema}.sessions TO app; SET ROLE app`)
    const store = new PostgresSessionStore({ pool: server, schema })
    t.equal(await store.getSession(await store.newSession()), '', 'it need not be allowed to make tables')
  } finally {
    await server.exec('RESET ROLE')
  }
})

t.test('a role that may not write messages keeps sessions all the same, and is told what that risks', async t => {
  const schema = await newSchema()
  await server.exec(postgresSchema({ schema }))
  await server.exec(`CREATE ROLE "the app"; GRANT USAGE ON SCHEMA ${schema} TO "the app"; GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.sessions TO "the app"`)
  const { rows } = await server.query<{ name: string }>("SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname = 'pg_logical_emit_message'")
  for (const { name } of rows) await server.exec(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`)
  await server.exec('SET ROLE "the app"')
  try {
    const store = new PostgresSessionStore({ pool: saying(), schema })
    const name = store.nameOf(await store.newId())
    const { version } = await store.create(name, { text: 'first' }) as { version: string }
    t.match(store.warnings, [/^the role of the pool may not execute pg_logical_emit_message: .* run GRANT EXECUTE ON FUNCTION pg_logical_emit_message\(boolean,text,text.*\) TO "the app"$/])
    t.match(await store.create(name, { text: 'other' }), { result: 'taken' })
    t.equal(await store.remove(name, 'another.'), 'conflict')
    t.equal(await store.remove(name, version), 'removed')
    t.equal(await store.remove(name, version), 'gone')
    const grant = store.warnings[0]?.slice(store.warnings[0].indexOf('GRANT')) as string
    await server.exec(`RESET ROLE; ${grant}; SET ROLE "the app"`)
    await store.open()
    t.same(store.warnings, [])
  } finally {
    await server.exec('RESET ROLE')
    for (const { name } of rows) await server.exec(`GRANT EXECUTE ON FUNCTION ${name} TO PUBLIC`)
  }
})

t.test('a removal that changes nothing because of another save writes nothing', async t => {
  const schema = await newSchema()
  const store = new PostgresSessionStore({ pool: saying(), schema })
  const name = store.nameOf(await store.newId())
  const { version } = await store.create(name, { text: 'first' }) as { version: string }
  const written = async (): Promise<unknown> => (await server.query('SELECT pg_current_wal_insert_lsn()::text AS at')).rows
  const before = await written()
  t.equal(await store.remove(name, 'another.'), 'conflict')
  t.same(await written(), before)
  t.equal(await store.remove(name, version), 'removed')
  const after = await written()
  t.equal(await store.remove(name, version), 'gone')
  t.not(JSON.stringify(await written()), JSON.stringify(after), 'but a caller relies on an end')
})

t.test('a server that cannot keep sessions is an error', async t => {
  const schema = await newSchema()
  const cases: Array<[Record<string, string>, RegExp]> = [
    [{ version_number: '120022', version: '12.22' }, /version 12.22 is too old: 13 or newer is needed/],
    [{ is_standby: 'true', read_only: 'on' }, /the server is a standby/],
    [{ read_only: 'on' }, /takes no writes: set default_transaction_read_only to off/],
    [{ encoding: 'LATIN1' }, /encoded in LATIN1/]
  ]
  for (const [settings, message] of cases) {
    await t.rejects(new PostgresSessionStore({ pool: saying(settings), schema }).open(), { code: 'SESSION_STORE', message })
  }
})

t.test('a server that may lose what it was given is warned of', async t => {
  const schema = await newSchema()
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    const store = new PostgresSessionStore({ pool: saying({ [setting]: 'off' }), schema })
    await store.open()
    t.match(store.warnings, [new RegExp(`^PostgreSQL runs with ${setting} = off: `)])
  }
})

t.test('a store that was not opened opens itself at the first call, and tries again when that failed', async t => {
  const schema = await newSchema()
  const client = new ScriptedClient(server)
  const store = new PostgresSessionStore({ pool: client, schema })
  client.before.push(() => { throw serverError('3D000', 'database "x" does not exist') })
  await t.rejects(store.newSession(), { code: 'SESSION_STORE', message: /cannot look at the server in PostgreSQL: database "x" does not exist \(3D000\); the database/ })
  t.equal(await store.getSession(await store.newSession()), '')
})

t.test('hostile names of tables, schemas and appids are names like any other', async t => {
  await server.exec('CREATE SCHEMA "Robert\'); DROP SCHEMA public; --"')
  for (const appid of ["'; DROP TABLE x; --".replaceAll(/[ ;]/g, '|'), '$1', "it's", '%s']) {
    const store = new PostgresSessionStore({ pool: server, schema: "Robert'); DROP SCHEMA public; --", table: 'a"b c $1 \\', appid })
    const sesid = await store.newSession()
    await store.putSession(sesid, 'text')
    t.equal(await store.getSession(sesid), 'text')
    t.equal(await store.clear(), 1)
  }
})

t.test('the search path makes no difference', async t => {
  const schema = await newSchema()
  const store = new PostgresSessionStore({ pool: server, schema })
  const sesid = await store.newSession()
  await server.exec(`CREATE SCHEMA evil; CREATE TABLE evil.sessions AS SELECT * FROM ${schema}.sessions;
    CREATE TEMPORARY TABLE sessions AS SELECT * FROM ${schema}.sessions; SET search_path TO evil`)
  try {
    await store.putSession(sesid, 'text')
    t.equal(await new PostgresSessionStore({ pool: server, schema }).getSession(sesid), 'text')
    t.same((await server.query('SELECT text FROM evil.sessions UNION ALL SELECT text FROM pg_temp.sessions')).rows, [{ text: '' }, { text: '' }])
  } finally {
    await server.exec('RESET search_path; DROP TABLE pg_temp.sessions')
  }
})
