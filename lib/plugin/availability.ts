import type { FastifyBaseLogger } from 'fastify'
import { isWatched, publish } from '../diagnostics'
import { SessionError, SessionUnavailableError } from '../errors'

/** The codes of errors that say that the store has trouble, rather than that a session is wrong. */
const TROUBLE = ['SESSION_STORE', 'SESSION_FILE']

/** What becomes of requests whose session cannot be read, because the store has trouble. */
export class Availability {
  readonly #serves: boolean
  readonly #property: string
  readonly #appid: string
  #isDown = false

  /** `property` is the name of the session in the app, such as `request.session`. */
  constructor (onUnavailable: 'fail' | 'serve', property: string, appid: string) {
    this.#serves = onUnavailable === 'serve'
    this.#property = property
    this.#appid = appid
  }

  /** Whether a request is served all the same, when this error kept its session from being read or touched. */
  serves (error: unknown): error is SessionError {
    return this.#serves && isTrouble(error)
  }

  /** Tells of a request that is served without its session. The log says so once, until the store works again. */
  failed (error: SessionError, log: FastifyBaseLogger): void {
    if (isWatched('unavailable')) publish('unavailable', { appid: this.#appid, code: error.code })
    if (this.#isDown) return
    this.#isDown = true
    log.warn({ err: error }, 'the session store has trouble: requests are served without a session. ' +
      'This is said once, until it works again')
  }

  /** The store has answered. */
  worked (log: FastifyBaseLogger): void {
    if (!this.#isDown) return
    this.#isDown = false
    log.info('the session store works again')
  }

  /** Returns what reading the session throws from now on. */
  unavailable (error: unknown): SessionUnavailableError {
    return new SessionUnavailableError(`${this.#property} could not be loaded${isTrouble(error) ? ', because the store has trouble' : ''}: ` +
      `look at ${this.#property}Loaded first where a request can do without`, { cause: error })
  }
}

function isTrouble (error: unknown): error is SessionError {
  return error instanceof SessionError && TROUBLE.includes(error.code)
}
