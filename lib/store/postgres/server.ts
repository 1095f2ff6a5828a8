import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { asOutage, SessionError, type SessionStoreError } from '../../errors'
import { NoAnswer } from '../deadlines'
import { Outage } from '../outage'
import { ServerClock } from '../server-clock'
import { clockOf, type Answer } from './answer'
import type { PostgresValue, SettledPostgresOptions } from './options'
import { Sender } from './sender'
import type { Statement } from './statements'
import { storeError, troubleOf, type Trouble } from './trouble'

export interface Question<R, T> {
  /** What the caller does, for the message of an error: "save a session". */
  readonly doing: string
  readonly statement: Statement
  /** The parameters. `deadline` is the moment on the server's clock from which the statement must do nothing. */
  readonly values: (deadline: number) => PostgresValue[]
  /** Is asked for an answer when the statement returns no row, as it does when it has changed nothing. Stores nothing itself. */
  readonly otherwise?: { readonly statement: Statement, readonly values: PostgresValue[] } | undefined
  /**
   * Returns the answer, or undefined when it cannot be given yet and the question is to be asked again.
   * `isUnsure`: an earlier statement for the same thing may have been carried out.
   */
  readonly judge: (rows: readonly R[], isUnsure: boolean) => T | undefined
  /** Whether nothing is stored. */
  readonly isReading?: boolean
  /** What is known of earlier statements for the same thing. The server goes on with it. */
  readonly attempts?: Attempts
}

export interface Attempts {
  /** Whether one may have been carried out whose answer was lost. */
  isUnsure: boolean
}

/** The part of the time limit (of 1) at whose end the server does nothing any more: before the caller gives up. */
const SERVER_SHARE = 0.9
/** Milliseconds before a statement is sent again: twice as much each time, up to the longest. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 500

/**
 * Asks the server. A statement that meets passing trouble, such as a lost connection, is sent again
 * until it is answered, for no longer than the time limit in all. When a question ends because the
 * server was not to be reached, the server counts as down: see `outage.ts`.
 */
export class Server {
  readonly #sender: Sender
  readonly #timeout: number
  readonly #clock = new ServerClock()
  readonly #outage = new Outage<{ reason: string, cause: Error | undefined }>()

  constructor ({ pool, timeout, prepare }: Pick<SettledPostgresOptions, 'pool' | 'timeout' | 'prepare'>) {
    this.#sender = new Sender(pool, prepare)
    this.#timeout = timeout * 1000
  }

  /** Whether the client or a pooler was found not to keep prepared statements. */
  get isUnprepared (): boolean {
    return this.#sender.isUnprepared
  }

  /** @throws {SessionStoreError} */
  ask<R, T> (question: Question<R, T>): Promise<T> {
    const { doing, attempts = { isUnsure: false } } = question
    const { cause } = this.#outage
    if (cause === null) return this.#repeat(question, attempts)
    return this.#outage.try(() => this.#repeat(question, attempts), () => asOutage(failure(doing, cause.reason, attempts, cause.cause)), attempts.isUnsure)
  }

  async #repeat<R, T> ({ doing, statement, values, otherwise, judge, isReading = false }: Question<R, T>, attempts: Attempts): Promise<T> {
    const start = performance.now()
    const end = start + this.#timeout
    let trouble: Trouble | undefined
    let pause = FIRST_PAUSE
    for (;;) {
      let isDown = false
      let mayStore = !isReading
      try {
        let rows = await this.#sender.send(statement, values(this.#clock.at(start + this.#timeout * SERVER_SHARE)), end)
        if (rows.length === 0 && otherwise !== undefined) {
          mayStore = false
          rows = await this.#sender.send(otherwise.statement, otherwise.values, end)
        }
        if (rows.length > 0) this.#clock.hear(clockOf(rows[0] as Answer))
        this.#outage.end()
        const answer = judge(rows as R[], attempts.isUnsure)
        if (answer !== undefined) return answer
      } catch (error) {
        if (error instanceof SessionError) throw error
        if (error instanceof NoAnswer) {
          attempts.isUnsure ||= mayStore
          throw this.#outOfTime(doing, attempts, true, trouble)
        }
        trouble = troubleOf(error)
        attempts.isUnsure ||= trouble.isUnsure && mayStore
        if (trouble.isUnprepared) this.#sender.isUnprepared = true
        else if (!trouble.canRepeat) throw failure(doing, trouble.reason, attempts, trouble.cause)
        isDown = trouble.isOutage
      }
      if (end - performance.now() <= pause) throw this.#outOfTime(doing, attempts, isDown, trouble)
      await delay(pause * (0.5 + Math.random() / 2))
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
  }

  #outOfTime (doing: string, attempts: Attempts, isDown: boolean, trouble: Trouble | undefined): Error {
    const noAnswer = `no answer for ${this.#timeout / 1000} seconds (option timeout); look at the server, the network, and whether the pool has a connection to spare`
    if (isDown) this.#outage.begin(trouble ?? { reason: noAnswer, cause: undefined })
    const reason = trouble === undefined ? noAnswer : `not done after ${this.#timeout / 1000} seconds (option timeout): ${trouble.reason}`
    const error = failure(doing, reason, attempts, trouble?.cause)
    return isDown ? asOutage(error) : error
  }
}

function failure (doing: string, reason: string, { isUnsure }: Attempts, cause: Error | undefined): SessionStoreError {
  return isUnsure
    ? storeError(doing, `${reason}; it is not known whether the server has done it`, cause, 'unknown')
    : storeError(doing, reason, cause)
}
