import { Deadlines } from '../deadlines'
import type { PostgresClient, PostgresValue } from './options'
import { isPool, queryPool, type Pool } from './pool-query'
import { PreparedQuery, takesPreparedQueries, UnfitConnection } from './prepared-query'
import type { Statement } from './statements'

interface Result { readonly rows: object[] }

/** A client that takes statements with a name, as pg does. */
interface NamingClient {
  query (statement: { name: string, text: string, values: PostgresValue[] }): PromiseLike<Result>
}

/** Sends statements in the way that costs the client least: prepared as pg can it, with a name, or as text. */
export class Sender {
  /** Whether the client or a pooler was found not to keep prepared statements. */
  isUnprepared = false
  readonly #client: PostgresClient
  readonly #deadlines = new Deadlines()
  readonly #prepare: boolean
  /** Null: the client is not a pool of pg. */
  readonly #pool: Pool | null
  /** Whether the pool takes queries of ours. */
  #takesOurs: boolean

  constructor (client: PostgresClient, prepare: boolean) {
    this.#client = client
    this.#prepare = prepare
    this.#pool = isPool(client) ? client : null
    this.#takesOurs = takesPreparedQueries(client)
  }

  /** Returns the rows. @throws {NoAnswer} when they have not come by `until`, and what the client throws */
  send (statement: Statement, values: PostgresValue[], until: number): Promise<object[]> {
    return this.#deadlines.limited<object[]>((resolve, reject) => { this.#query(statement, values, resolve, reject) }, until)
  }

  #query (statement: Statement, values: PostgresValue[], resolve: (rows: object[]) => void, reject: (error: unknown) => void): void {
    const { name, text } = statement
    const isNamed = this.#prepare && !this.isUnprepared
    if (this.#pool !== null) {
      const query = !isNamed ? { text, values } : this.#takesOurs ? new PreparedQuery(statement, values) : { name, text, values }
      queryPool(this.#pool, query, (error, rows) => {
        if (error === null || error === undefined) {
          resolve(rows)
        } else if (error instanceof UnfitConnection) {
          this.#takesOurs = false
          this.#query(statement, values, resolve, reject)
        } else {
          reject(error)
        }
      })
    } else if (isNamed) {
      (this.#client as unknown as NamingClient).query({ name, text, values }).then(({ rows }) => { resolve(rows) }, reject)
    } else {
      this.#client.query(text, values).then(({ rows }) => { resolve(rows) }, reject)
    }
  }
}
