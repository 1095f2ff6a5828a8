import { AsyncResource } from 'node:async_hooks'

/** The longest that an answer waits, in milliseconds. */
const LONGEST = 1

/** Taken now: tests of apps put clocks of their own in its place. */
const later = setImmediate

/**
 * Answers of requests that used their sessions. They go out together at the end of one turn of the event
 * loop, so that the process that waits for them, such as a proxy on the same machine, is woken up once and
 * not by each. None waits longer than a millisecond and the handler that is at work then.
 */
export class Turn {
  #waiting: Answer[] = []
  #since = 0
  readonly #now: () => number

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Calls it when the turn ends, in the context that it is given in. */
  atEnd (answer: () => void): void {
    if (this.#waiting.length === 0) {
      this.#since = this.#now()
      later(() => { this.#end() })
    }
    this.#waiting.push(new Answer(answer))
    this.goOn()
  }

  /** Ends a turn that has taken too long. Call it when the next work of the turn begins. */
  goOn (): void {
    if (this.#waiting.length > 0 && this.#now() - this.#since >= LONGEST) this.#end()
  }

  #end (): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const answer of waiting) {
      try {
        answer.give()
      } catch (error) {
        // Those behind it belong to other visitors.
        later(() => { throw error })
      }
    }
  }
}

class Answer extends AsyncResource {
  readonly #call: () => void

  constructor (call: () => void) {
    super('fastify-file-sessions.answer')
    this.#call = call
  }

  give (): void {
    this.runInAsyncScope(this.#call)
  }
}
