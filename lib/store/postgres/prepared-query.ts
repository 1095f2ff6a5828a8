import type { PostgresClient, PostgresValue } from './options'
import type { Statement } from './statements'

type Row = Record<string, string | null>

/**
 * What a query uses of a connection of pg. pg-cursor and pg-query-stream use the same of it. One that has
 * not all of it, as in a newer version of pg or on a platform without `cork`, is not used in this way.
 */
interface Connection {
  readonly stream: { cork (): void, uncork (): void }
  /** The texts of the statements that this connection has prepared, by their names. */
  readonly parsedStatements: Readonly<Record<string, string | undefined>>
  parse (statement: { name: string, text: string, types: undefined }): void
  bind (parameters: { portal: string, statement: string, values: PostgresValue[], valueMapper: (value: PostgresValue) => string | null }): void
  describe (portal: { type: 'P', name: string }): void
  execute (portal: { portal: string, rows: number }): void
  sync (): void
}

/** The columns of what statements return, by the names of the statements, which stand for their texts. */
const COLUMNS = new Map<string, readonly string[]>()

/** Told instead of an answer when the connection cannot take such a query: nothing was sent. */
export class UnfitConnection extends Error {}

/** Of pg's messages to a query those that never come for a statement of ours. */
const UNUSED = ['handleEmptyQuery', 'handlePortalSuspended', 'handleCopyInResponse', 'handleCopyData']

/**
 * A query as a pool of pg takes it beside texts, as pg-cursor is one. It is pg's own query without
 * what a prepared statement does not need: the columns are described once and not with every answer,
 * and values stay text. That saves a fifth of what a query costs this process.
 */
export class PreparedQuery {
  readonly name: string
  readonly text: string
  readonly rows: Row[] = []
  /** The client sets it, and may set another in its place. */
  callback: ((error: unknown, result?: PreparedQuery) => void) | undefined

  constructor ({ name, text }: Statement, readonly values: PostgresValue[]) {
    this.name = name
    this.text = text
  }

  /** Sends the query. Returns an error when it was not sent. */
  submit (connection: Connection): UnfitConnection | null {
    if (!isFit(connection)) return new UnfitConnection()
    const { name, text, values } = this
    connection.stream.cork()
    if (connection.parsedStatements[name] === undefined) connection.parse({ name, text, types: undefined })
    connection.bind({ portal: '', statement: name, values, valueMapper: textOf })
    // Another copy of this module may have prepared it, or an error come before the columns.
    if (!COLUMNS.has(name)) connection.describe({ type: 'P', name: '' })
    connection.execute({ portal: '', rows: 0 })
    connection.sync()
    connection.stream.uncork()
    return null
  }

  handleRowDescription ({ fields }: { fields: ReadonlyArray<{ name: string }> }): void {
    COLUMNS.set(this.name, fields.map(({ name }) => name))
  }

  handleDataRow ({ fields }: { fields: ReadonlyArray<string | null> }): void {
    const columns = COLUMNS.get(this.name) as readonly string[]
    const row: Row = {}
    for (let at = 0; at < columns.length; at++) row[columns[at] as string] = fields[at] as string | null
    this.rows.push(row)
  }

  handleCommandComplete (): void {}

  handleError (error: unknown): void {
    this.callback?.(error)
  }

  handleReadyForQuery (): void {
    this.callback?.(null, this)
  }
}

/** What clients have that are new enough. Those up to 8.18 never call back for a query that a pool was given; 8.23 was tried. */
const MARK = 'getTransactionStatus'

/**
 * Whether the client is a pool whose connections are those of pg in JavaScript. Those of pg-native
 * have no such queries, and connections with the option `pipeline` refuse them. A version of pg that
 * tells its queries more than they know here is left to its own queries.
 */
export function takesPreparedQueries (client: PostgresClient): boolean {
  const { Client, options } = client as { Client?: { prototype: object, Query?: { prototype: object } }, options?: { pipeline?: unknown } }
  if (Client?.Query === undefined || options?.pipeline === true || !(MARK in Client.prototype)) return false
  const query = Client.Query.prototype
  const known = Object.getOwnPropertyNames(PreparedQuery.prototype)
  const told = Object.getOwnPropertyNames(query).filter(method => method.startsWith('handle'))
  return ['submit', 'handleRowDescription', 'handleDataRow', 'handleReadyForQuery'].every(method => method in query) &&
    told.every(method => known.includes(method) || UNUSED.includes(method))
}

function isFit (connection: Partial<Connection>): boolean {
  const { stream, parsedStatements, parse, bind, describe, execute, sync } = connection
  return typeof parsedStatements === 'object' && [stream?.cork, stream?.uncork, parse, bind, describe, execute, sync].every(method => typeof method === 'function')
}

function textOf (value: PostgresValue): string | null {
  return typeof value === 'number' ? String(value) : value
}
