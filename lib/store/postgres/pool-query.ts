/** A pool of pg. */
export interface Pool {
  connect (callback: (error: unknown, client: PoolClient, release: (error?: unknown) => void) => void): void
}

/** What is used of a connection that a pool of pg hands out. */
interface PoolClient {
  query (query: object, values: undefined, callback: (error: unknown, result: Result) => void): void
  once (event: 'error', listener: (error: unknown) => void): unknown
  removeListener (event: 'error', listener: (error: unknown) => void): unknown
  /** In pg 8.19 and newer. */
  getTransactionStatus?: () => string | null
  /** Left out by pg-native. */
  connection?: { prependListener (event: 'readyForQuery', listener: (message: { status?: string }) => void): unknown }
}

interface Result { readonly rows: object[] }

/** What the server says of a connection that is in a transaction. */
const IN_TRANSACTION = 'T'

/**
 * Thrown in place of an answer from within a transaction, which a program began on this connection and left open
 * when it gave the connection back. What was done there is undone unless that program still commits it, and what
 * was read may be as old as that transaction.
 */
export class OpenTransaction extends Error {
  constructor () {
    super('a connection came from the pool with an open transaction')
  }
}

/**
 * Sends a query on a connection of the pool, as `pool.query` does. Each answer of the server tells whether the
 * connection is in a transaction: then the pool closes it, so that the transaction ends.
 */
export function queryPool (pool: Pool, query: object, callback: (error: unknown, rows: object[]) => void): void {
  pool.connect((error, client, release) => {
    if (isThere(error)) return callback(error, [])
    const transaction = transactionOf(client)
    let isOver = false
    const finish = (error: unknown, result?: Result): void => {
      if (isOver) return
      isOver = true
      client.removeListener('error', finish)
      const trouble = isThere(error) || transaction() !== IN_TRANSACTION ? error : new OpenTransaction()
      release(trouble)
      callback(trouble, result?.rows ?? [])
    }
    client.once('error', finish)
    try {
      client.query(query, undefined, finish)
    } catch (error) {
      finish(error)
    }
  })
}

/** Whether it is a pool of pg: that one counts its connections, and hands them out. */
export function isPool (client: object): client is Pool {
  return 'totalCount' in client && 'connect' in client
}

/** Returns what tells the state of the transaction after the latest answer, as far as the client knows it. */
function transactionOf (client: PoolClient): () => string | null | undefined {
  const { connection } = client
  if (connection === undefined) return () => null
  if (typeof client.getTransactionStatus === 'function') return () => client.getTransactionStatus?.()
  const heard = STATES.get(connection) ?? {}
  if (!STATES.has(connection)) {
    STATES.set(connection, heard)
    // Before the client hears it, who calls back then.
    connection.prependListener('readyForQuery', ({ status }) => { heard.status = status })
  }
  return () => heard.status
}

/** What connections said last. */
const STATES = new WeakMap<object, { status?: string | undefined }>()

function isThere (error: unknown): boolean {
  return error !== null && error !== undefined
}
