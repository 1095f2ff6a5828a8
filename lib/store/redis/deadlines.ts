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
  watch<T> (answer: Promise<T>, until: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = { until, expire: () => { reject(new NoAnswer()) } }
      this.#waits.add(wait)
      this.#timer ??= setInterval(() => { this.#check() }, STEP)
      answer.then(value => {
        this.#waits.delete(wait)
        resolve(value)
      }, (error: unknown) => {
        this.#waits.delete(wait)
        reject(error)
      })
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
