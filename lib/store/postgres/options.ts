import { check, checkKnown, isTime } from '../../option-checks'
import { RECORD_STORE_OPTIONS, recordStoreOptions, type RecordStoreOptions, type SettledRecordStoreOptions } from '../record-options'
import { isPool } from './pool-query'

/**
 * What the store needs of a client: a pool of pg, PGlite, or an object of yours. `query` sends one
 * statement and takes a connection of its own for it. The store leaves the client open.
 */
export interface PostgresClient {
  query (text: string, values: PostgresValue[]): PromiseLike<{ readonly rows: object[] }>
}

export type PostgresValue = string | number | null

/** Where the sessions are kept. */
export interface PostgresTable {
  /** The name of the table, without that of the schema. @default 'sessions' */
  table?: string | undefined
  /** The schema that has the table. @default 'public' */
  schema?: string | undefined
}

/** What `new PostgresSessionStore()` takes. All times are in seconds. */
export interface PostgresSessionStoreOptions extends RecordStoreOptions, PostgresTable {
  /** A `Pool` of pg, a PGlite, or whatever has `query(text, values)`. */
  pool: PostgresClient
  /** How long a call of the store may take, with all its repetitions: at most 3600. @default 5 */
  timeout?: number | undefined
  /**
   * Whether statements are prepared by name, once for each connection, as pg can. Behind a pooler that
   * cannot pass them on the store notices and goes on without. @default true for a pool of pg
   */
  prepare?: boolean | undefined
}

export interface SettledPostgresOptions extends SettledRecordStoreOptions {
  pool: PostgresClient
  table: string
  schema: string
  timeout: number
  prepare: boolean
}

const POSTGRES_STORE_OPTIONS = [...RECORD_STORE_OPTIONS, 'pool', 'table', 'schema', 'timeout', 'prepare']
/** Seconds. */
const LONGEST_TIMEOUT = 3600
/** Bytes. PostgreSQL cuts longer names off, so that two of them would be one table. */
const LONGEST_NAME = 63

/** Checks the options of the store and fills in the defaults. @throws {SessionError} SESSION_OPTION */
export function postgresStoreOptions (options: PostgresSessionStoreOptions): SettledPostgresOptions {
  checkKnown(options, POSTGRES_STORE_OPTIONS)
  const { pool, timeout = 5, prepare = typeof pool?.query === 'function' && isPool(pool) } = options
  check(typeof pool?.query === 'function', 'pool', 'must have a method query(text, values), as a Pool of pg and a PGlite have')
  check(isTime(timeout) && timeout <= LONGEST_TIMEOUT, 'timeout', `must be a number of seconds above 0, up to ${LONGEST_TIMEOUT}`)
  check(typeof prepare === 'boolean', 'prepare', 'must be true or false')
  return { ...recordStoreOptions(options), ...postgresTable(options), pool, timeout, prepare }
}

/** Checks the names of table and schema and fills in the defaults. @throws {SessionError} SESSION_OPTION */
export function postgresTable ({ table = 'sessions', schema = 'public' }: PostgresTable): Required<{ table: string, schema: string }> {
  check(isName(table), 'table', `must be the name of a table: 1 to ${LONGEST_NAME} bytes`)
  check(!table.includes('.'), 'table', 'must not hold a dot: give the schema by the option schema')
  check(isName(schema), 'schema', `must be the name of a schema: 1 to ${LONGEST_NAME} bytes`)
  return { table, schema }
}

function isName (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= LONGEST_NAME
}
