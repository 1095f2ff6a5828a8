import { postgresTable, type PostgresTable } from './options'

/** The columns of the table, each with its type. */
export const COLUMNS: Readonly<Record<string, string>> = {
  created_at: 'timestamp with time zone',
  accessed_at: 'timestamp with time zone',
  idle_timeout: 'bigint',
  appid: 'text',
  name: 'text',
  status: 'text',
  version: 'text',
  recent: 'text',
  text: 'text'
}

/**
 * Returns the SQL that makes the table, for a database where the app's own role may not do so. It can
 * run any number of times.
 *
 * @throws {SessionError} SESSION_OPTION, for a name that PostgreSQL would not keep as it is
 */
export function postgresSchema (options: PostgresTable = {}): string {
  const { table, schema } = postgresTable(options)
  return `${createTable(qualified(schema, table))};\n`
}

/**
 * Names and appids have the collation "C", because an index in it stays right when the system's
 * collations change. Each page has room for new versions of its rows, so that a save or a touch
 * changes no index.
 */
export function createTable (table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
  created_at timestamptz NOT NULL,
  accessed_at timestamptz NOT NULL,
  idle_timeout bigint,
  appid text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  status text NOT NULL,
  version text NOT NULL,
  recent text NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (appid, name)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)`
}

/** Returns the table's name as SQL, with its schema, so that the search path makes no difference. */
export function qualified (schema: string, table: string): string {
  return `${identifier(schema)}.${identifier(table)}`
}

function identifier (name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Returns an appid as SQL. It has no backslash, which older settings would take for an escape. */
export function literal (appid: string): string {
  return `'${appid.replaceAll("'", "''")}'`
}
