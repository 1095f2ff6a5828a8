import { performance } from 'node:perf_hooks'

/** How exactly the time is kept, in milliseconds. */
const STEP = 50

interface Wait {
  /** By the clock that is never set. */
  readonly until: number
  readonly expire: () => void
}

/** Thrown when no answer came in time. */
export class NoAnswer extends Error {}

/** Bounds how long callers wait for answers, with one timer for all: a timer for each would cost as much as the answer. */
export class Deadlines {
  readonly #waits = new Set<Wait>()
  #timer: NodeJS.Timeout | null = null

  /** Returns the answer. @throws {NoAnswer} when it has not come by this moment of `performance.now()` */
  watch<T> (answer: PromiseLike<T>, until: number): Promise<T> {
    return this.limited((resolve, reject) => { answer.then(resolve, reject) }, until)
  }

  /** Returns what `ask` resolves with, as `new Promise` does. @throws {NoAnswer} when it has not by this moment of `performance.now()` */
  limited<T> (ask: (resolve: (value: T) => void, reject: (error: unknown) => void) => void, until: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = { until, expire: () => { reject(new NoAnswer()) } }
      this.#waits.add(wait)
      this.#timer ??= setInterval(() => { this.#check() }, STEP)
      const fail = (error: unknown): void => {
        this.#waits.delete(wait)
        reject(error)
      }
      try {
        ask(value => {
          this.#waits.delete(wait)
          resolve(value)
        }, fail)
      } catch (error) {
        fail(error)
      }
    })
  }

  #check (): void {
    const now = performance.now()
    for (const wait of this.#waits) {
      if (wait.until > now) continue
      this.#waits.delete(wait)
      wait.expire()
    }
    if (this.#waits.size > 0) return
    clearInterval(this.#timer as NodeJS.Timeout)
    this.#timer = null
  }
}
