import { readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Clock } from '../../lib/store/clock'

/** A session directory of the test's own, not made yet. */
export function sessionDirectory (t: Test): string {
  return join(t.testdir(), 'sessions')
}

/** The paths of all session files under a directory. */
export function sessionFiles (directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[])
    .filter(name => /\/[0-9a-f]{62}$/.test(name)).map(name => join(directory, name))
}

/** The path of the one session file under a directory that is not among others. */
export function newFile (directory: string, others: string[] = []): string {
  const [path, ...more] = sessionFiles(directory).filter(path => !others.includes(path))
  if (path === undefined || more.length > 0) throw new Error('not exactly one new file')
  return path
}

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

/** What tells whether a file was written to. Reading it may set its access time. */
export function contents (path: string): { bytes: string, ino: number } {
  return { bytes: readFileSync(path, 'latin1'), ino: statSync(path).ino }
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
