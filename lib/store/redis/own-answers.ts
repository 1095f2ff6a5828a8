import { randomInt } from 'node:crypto'

/** Of commands. It begins anywhere, so that two copies of this package that share a client do not count alike. */
let lastNumber = randomInt(2 ** 32)

/** Thrown when the client handed out the answer to another command. */
export class AnswerOfAnother extends Error {}

/**
 * Tells the answers to the commands of one client from those that the client mixed up. One that lost count
 * of its commands, as redis 5 may when its connection breaks, hands to each caller what another asked for:
 * a visitor would be served the session of another. Every answer of a script bears the number of its command.
 */
export class OwnAnswers {
  readonly #client: string
  #areMixed = false
  #isWarned = false

  /** `client`: for the warning. */
  constructor (client: string) {
    this.#client = client
  }

  /** Whether the last answer was that to another command. */
  get areMixed (): boolean {
    return this.#areMixed
  }

  /** Returns the number of the next command. */
  nextNumber (): number {
    return ++lastNumber
  }

  /** Returns the answer if it is that to the command with this number. @throws {AnswerOfAnother} */
  check (answer: unknown, number: number): readonly unknown[] {
    if (!Array.isArray(answer) || Number(answer[1]) !== number) {
      this.#areMixed = true
      this.#warn()
      throw new AnswerOfAnother()
    }
    this.#areMixed = false
    return answer
  }

  #warn (): void {
    if (this.#isWarned) return
    this.#isWarned = true
    process.emitWarning(`fastify-file-sessions: the ${this.#client} handed out an answer to another command. The answer was not used, ` +
      'but every program that shares the client is affected: update the client library, and restart the app if calls go on failing', { code: 'SESSION_STORE' })
  }
}
