import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { SessionError } from '../../errors'
import type { PostgresClient, PostgresValue, SettledPostgresOptions } from './options'
import { clockOf, type Answer } from './answer'
import { ServerClock } from '../server-clock'
import type { Statement } from './statements'
import { storeError, troubleOf, type Trouble } from './trouble'

export interface Question<R, T> {
  /** What the caller does, for the message of an error: "save a session". */
  readonly doing: string
  readonly statement: Statement
  /** The parameters. `deadline` is the moment on the server's clock from which the statement must do nothing. */
  readonly values: (deadline: number) => PostgresValue[]
  /**
   * Returns the answer, or undefined when it cannot be given yet and the question is to be asked again.
   * `isUnsure`: an earlier statement of this question may have been carried out.
   */
  readonly judge: (rows: readonly R[], isUnsure: boolean) => T | undefined
  /** Whether nothing is stored. */
  readonly isReading?: boolean
}

/** The part of the time limit (of 1) at whose end the server does nothing any more: before the caller gives up. */
const SERVER_SHARE = 0.9
/** Milliseconds before a statement is sent again: none at first, then this, twice as much each time, up to the longest. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 500

/** A client that takes statements with a name, as pg does. */
interface NamingClient {
  query (statement: { name: string, text: string, values: PostgresValue[] }): ReturnType<PostgresClient['query']>
}

const OUT_OF_TIME = Symbol('out of time')

/**
 * Asks the server. A statement that meets passing trouble, such as a lost connection, is sent again
 * until it is answered, for no longer than the time limit in all.
 */
export class Server {
  /** Whether the client or a pooler was found not to keep prepared statements. */
  isUnprepared = false
  readonly #client: PostgresClient
  readonly #timeout: number
  readonly #clock = new ServerClock()
  #prepare: boolean

  constructor ({ pool, timeout, prepare }: Pick<SettledPostgresOptions, 'pool' | 'timeout' | 'prepare'>) {
    this.#client = pool
    this.#timeout = timeout * 1000
    this.#prepare = prepare
  }

  /** @throws {SessionStoreError} */
  async ask<R, T> ({ doing, statement, values, judge, isReading = false }: Question<R, T>): Promise<T> {
    const start = performance.now()
    const end = start + this.#timeout
    let trouble: Trouble | undefined
    let isUnsure = false
    let pause = 0
    for (;;) {
      const left = end - performance.now()
      if (left <= pause) throw this.#outOfTime(doing, isUnsure, trouble)
      if (pause > 0) await delay(pause * (0.5 + Math.random() / 2))
      try {
        const deadline = this.#clock.at(start + this.#timeout * SERVER_SHARE)
        const rows = await within(this.#send(statement, values(deadline)), end - performance.now())
        if (rows.length > 0) this.#clock.hear(clockOf(rows[0] as Answer))
        const answer = judge(rows as R[], isUnsure)
        if (answer !== undefined) return answer
      } catch (error) {
        if (error instanceof SessionError) throw error
        if (error === OUT_OF_TIME) throw this.#outOfTime(doing, !isReading, trouble)
        trouble = troubleOf(error)
        if (trouble.isUnprepared) this.#goOnUnprepared()
        else if (!trouble.canRepeat) throw storeError(doing, trouble.reason, trouble.cause)
        isUnsure ||= trouble.isUnsure && !isReading
      }
      pause = Math.min(Math.max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
    }
  }

  async #send ({ name, text }: Statement, values: PostgresValue[]): Promise<object[]> {
    const { rows } = this.#prepare
      ? await (this.#client as unknown as NamingClient).query({ name, text, values })
      : await this.#client.query(text, values)
    return rows
  }

  #goOnUnprepared (): void {
    this.#prepare = false
    this.isUnprepared = true
  }

  #outOfTime (doing: string, isUnsure: boolean, trouble: Trouble | undefined): Error {
    const reason = trouble === undefined
      ? `no answer for ${this.#timeout / 1000} seconds (option timeout); look at the server, the network, and whether the pool has a connection to spare`
      : `not done after ${this.#timeout / 1000} seconds (option timeout): ${trouble.reason}`
    return storeError(doing, isUnsure ? `${reason}; it is not known whether the server has done it` : reason, trouble?.cause)
  }
}

/** Returns what the promise returns, or rejects after so many milliseconds. */
async function within<T> (work: Promise<T>, milliseconds: number): Promise<T> {
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(OUT_OF_TIME) }, milliseconds)
    work.then(value => {
      clearTimeout(timer)
      resolve(value)
    }, (error: unknown) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}
