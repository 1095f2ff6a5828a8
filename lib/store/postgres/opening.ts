import { hasCode } from '../../errors'
import type { SettledPostgresOptions } from './options'
import { COLUMNS, createTable, qualified } from './schema'
import type { Answer } from './answer'
import type { Server } from './server'
import { NOW, statement } from './statements'
import { storeError } from './trouble'

/** The oldest version whose SQL is known to do: 13. */
const OLDEST = 130000
/** Several processes that make a table at once meet in the catalogues: all but one are told one of these. */
const MADE_MEANWHILE = ['23505', '42P07', '42710']

interface ServerRow extends Answer {
  version_number: number | string
  version: string
  is_standby: string
  read_only: string
  encoding: string
  fsync: string
  full_page_writes: string
  synchronous_commit: string
  missing_grant: string | null
}

/** What was found when the table was opened. */
export interface Opened {
  /** What does not keep the app from starting, a sentence each. */
  readonly warnings: string[]
  /** Whether the role of the pool may call `pg_logical_emit_message`. */
  readonly mayConfirm: boolean
}

interface ColumnRow extends Answer {
  kind: string
  persistence: string
  column: string
  type: string
  needs_value: number
  has_key: number
  missing_rights: string
  slow_index: string | null
}

/** The statement that gives the role the right to call the function, if it has not; PostgreSQL 17 has a parameter more. */
const MISSING_GRANT = `(SELECT 'GRANT EXECUTE ON FUNCTION ' || oid::regprocedure::text || ' TO ' || quote_ident(current_user) FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype AND NOT has_function_privilege(oid, 'EXECUTE'))`

const LOOK = statement('look', `SELECT current_setting('server_version_num') AS version_number, current_setting('server_version') AS version,
  pg_is_in_recovery()::text AS is_standby, current_setting('transaction_read_only') AS read_only, current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit, ${MISSING_GRANT} AS missing_grant, (${NOW})::text AS about`)

const COLUMNS_OF = statement('columns', `SELECT (${NOW})::text AS about,
  c.relkind::text AS kind, c.relpersistence::text AS persistence, a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type,
  CASE WHEN a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' THEN 1 ELSE 0 END AS needs_value,
  CASE WHEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 2
    AND (SELECT array_agg(k.attname::text ORDER BY k.attname) FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attnum = ANY (i.indkey)) = ARRAY['appid', 'name']
  ) THEN 1 ELSE 0 END AS has_key,
  concat_ws(', ',
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'USAGE on the schema' END,
    (SELECT string_agg(wanted, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted WHERE NOT has_table_privilege(c.oid, wanted))
  ) AS missing_rights,
  (SELECT min(x.relname::text) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
    WHERE i.indrelid = c.oid AND k.attname IN ('accessed_at', 'version', 'recent', 'text', 'idle_timeout')) AS slow_index
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE n.nspname = $1 AND c.relname = $2`)

/**
 * Makes sure that the server can keep the sessions, and that the table is there as it must be.
 *
 * @throws {SessionStoreError}
 */
export async function openTable (server: Server, { schema, table }: Pick<SettledPostgresOptions, 'schema' | 'table'>): Promise<Opened> {
  const row = await look(server)
  const warnings = checkServer(row)
  const mayConfirm = row.missing_grant === null
  if (row.missing_grant !== null) {
    warnings.push('the role of the pool may not execute pg_logical_emit_message: a call that is repeated while PostgreSQL waits for a synchronous ' +
      `standby may be told that it is done before the standby has it, and a failover loses it; as a superuser run ${row.missing_grant}`)
  }
  const name = qualified(schema, table)
  let columns = await columnsOf(server, schema, table)
  if (columns.length === 0) {
    await make(server, name)
    columns = await columnsOf(server, schema, table)
  }
  warnings.push(...checkTable(columns, name))
  if (server.isUnprepared) {
    warnings.push('between the app and PostgreSQL there is a pooler that does not keep prepared statements, such as PgBouncer before 1.21 ' +
      'in transaction mode: statements are sent without names; set the option prepare to false')
  }
  return { warnings, mayConfirm }
}

async function look (server: Server): Promise<ServerRow> {
  return await server.ask<ServerRow, ServerRow>({ doing: 'look at the server', statement: LOOK, values: () => [], judge: ([row]) => row, isReading: true })
}

async function columnsOf (server: Server, schema: string, table: string): Promise<readonly ColumnRow[]> {
  return await server.ask<ColumnRow, readonly ColumnRow[]>({
    doing: 'look at the table', statement: COLUMNS_OF, values: () => [schema, table], judge: rows => rows, isReading: true
  })
}

async function make (server: Server, name: string): Promise<void> {
  try {
    await server.ask({ doing: `make the table ${name}`, statement: statement('make', createTable(name)), values: () => [], judge: () => true })
  } catch (error) {
    if (!hasCode((error as Error).cause, ...MADE_MEANWHILE)) throw error
  }
}

function checkServer (row: ServerRow): string[] {
  const doing = 'keep sessions'
  if (Number(row.version_number) < OLDEST) throw storeError(doing, `version ${row.version} is too old: 13 or newer is needed`)
  if (row.is_standby === 'true') throw storeError(doing, 'the server is a standby, which takes no writes: connect to the primary')
  if (row.read_only === 'on') {
    throw storeError(doing, 'the connection takes no writes: set default_transaction_read_only to off for this role and database')
  }
  if (row.encoding !== 'UTF8') {
    throw storeError(doing, `the database is encoded in ${row.encoding}, which cannot hold every text: make one that is encoded in UTF8`)
  }
  const warnings = []
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'] as const) {
    if (row[setting] === 'off') warnings.push(`PostgreSQL runs with ${setting} = off: sessions that were saved may be lost when the server or its machine fails; set it to on`)
  }
  return warnings
}

function checkTable (rows: readonly ColumnRow[], name: string): string[] {
  const doing = `keep sessions in the table ${name}`
  const first = rows[0]
  if (first === undefined) throw storeError(doing, 'it is not there: another process has removed it')
  if (!['r', 'p'].includes(first.kind)) throw storeError(doing, 'it is not a table: set the option table to another name')
  if (first.missing_rights !== '') throw storeError(doing, `the role of the pool may not use it: grant it ${first.missing_rights}`)
  for (const [column, type] of Object.entries(COLUMNS)) {
    const found = rows.find(row => row.column === column)
    if (found === undefined) throw storeError(doing, `it is not a table of this package: it has no column ${column}; set the option table to another name`)
    if (found.type !== type) throw storeError(doing, `its column ${column} is of the type ${found.type}, and must be of the type ${type}`)
  }
  const extra = rows.find(({ column, needs_value: needsValue }) => !(column in COLUMNS) && Number(needsValue) === 1)
  if (extra !== undefined) throw storeError(doing, `its column ${extra.column} must have a value, and the store knows none: give it a default`)
  if (Number(first.has_key) !== 1) throw storeError(doing, 'it has no primary key: add PRIMARY KEY (appid, name)')
  const warnings = []
  if (first.persistence === 'u') warnings.push(`the table ${name} is UNLOGGED: a crash of PostgreSQL empties it; ALTER TABLE … SET LOGGED`)
  if (first.slow_index !== null) {
    warnings.push(`the index ${first.slow_index} of the table ${name} has a column that every request changes, which makes saving slow: drop the index`)
  }
  return warnings
}
