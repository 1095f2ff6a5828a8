import { statSync, utimesSync } from 'node:fs'
import { Clock } from '../../lib/store/clock'

/** Makes it look as if nobody had used the file for so many seconds. */
export function age (path: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds
  utimesSync(path, then, then)
}

/** As above, but it was written to just now. */
export function ageAccess (path: string, seconds: number): void {
  const { mtimeMs } = statSync(path)
  utimesSync(path, Date.now() / 1000 - seconds, mtimeMs / 1000)
}

/** Time that passes, and a wall clock that is put right, at the test's word. */
export class Time {
  #wall = Date.now()
  #steady = 0
  readonly clock = new Clock(() => this.#wall, () => this.#steady)

  pass (seconds: number): void {
    this.#wall += seconds * 1000
    this.#steady += seconds * 1000
  }

  jump (seconds: number): void {
    this.#wall += seconds * 1000
  }
}
