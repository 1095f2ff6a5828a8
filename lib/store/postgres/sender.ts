import { Deadlines } from '../deadlines'
import type { PostgresClient, PostgresValue } from './options'
import { PreparedQuery, takesPreparedQueries, UnfitConnection } from './prepared-query'
import type { Statement } from './statements'

interface Result { readonly rows: object[] }

/** A client that takes statements with a name, as pg does. */
interface NamingClient {
  query (statement: { name: string, text: string, values: PostgresValue[] }): PromiseLike<Result>
}

/** A pool of pg. */
interface Pool {
  query (query: PreparedQuery, values: undefined, callback: (error: unknown, result: Result) => void): void
}

/** Sends statements in the way that costs the client least: prepared as pg can it, with a name, or as text. */
export class Sender {
  /** Whether the client or a pooler was found not to keep prepared statements. */
  isUnprepared = false
  readonly #client: PostgresClient
  readonly #deadlines = new Deadlines()
  readonly #prepare: boolean
  /** Whether the client takes queries of ours. */
  #isPool: boolean

  constructor (client: PostgresClient, prepare: boolean) {
    this.#client = client
    this.#prepare = prepare
    this.#isPool = takesPreparedQueries(client)
  }

  /** Returns the rows. @throws {NoAnswer} when they have not come by `until`, and what the client throws */
  send (statement: Statement, values: PostgresValue[], until: number): Promise<object[]> {
    return this.#deadlines.limited<object[]>((resolve, reject) => { this.#query(statement, values, resolve, reject) }, until)
  }

  #query (statement: Statement, values: PostgresValue[], resolve: (rows: object[]) => void, reject: (error: unknown) => void): void {
    const { name, text } = statement
    if (this.isUnprepared || !this.#prepare) {
      this.#client.query(text, values).then(({ rows }) => { resolve(rows) }, reject)
    } else if (this.#isPool) {
      (this.#client as unknown as Pool).query(new PreparedQuery(statement, values), undefined, (error, result) => {
        if (error === null || error === undefined) {
          resolve(result.rows)
        } else if (error instanceof UnfitConnection) {
          this.#isPool = false
          this.#query(statement, values, resolve, reject)
        } else {
          reject(error)
        }
      })
    } else {
      (this.#client as unknown as NamingClient).query({ name, text, values }).then(({ rows }) => { resolve(rows) }, reject)
    }
  }
}
