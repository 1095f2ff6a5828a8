import type { SessionStore, StoreFeatures } from '../store/session-store'

/** What `conformance` takes. */
export interface ConformanceOptions {
  /** Registers one check: `test` of node:test or of vitest, or `(name, run) => t.test(name, run)` for tap. */
  test: (name: string, run: () => Promise<void>) => unknown
  /**
   * Makes a store. Stores with the same `place` share their sessions, as those of several processes
   * do; stores with different ones share nothing. The suite opens and closes a store that declares it.
   */
  makeStore: (setup: StoreSetup) => SessionStore | Promise<SessionStore>
  /** What the store must declare, no less and no more: it decides which checks there are. */
  features: StoreFeatures
  /** The longest text that the store takes, in bytes: 16384 or more. Left out: nothing is checked about it. */
  maxSize?: number | undefined
  /**
   * Lets time pass for the session at least: by a clock that the stores of the place go by, which
   * begins at the real time, or by changing the times that are stored. `name` is the session's id if
   * the store has no records. Left out: nothing is checked that takes time.
   */
  age?: ((place: string, name: string, milliseconds: number) => unknown) | undefined
  /** Returns all that is at rest at the place, file names and keys included. Left out: it is not searched for ids. */
  dump?: ((place: string) => Uint8Array | Promise<Uint8Array>) | undefined
  /** Makes every later call of a store at this place fail, as a server that is down does. Left out: errors are not checked. */
  fail?: ((place: string) => unknown) | undefined
  /** Called after each check, when the place is not needed any more. */
  dispose?: ((place: string) => unknown) | undefined
  /** Sentences of checks to leave out: the promises that this store is known not to keep. */
  except?: readonly string[] | undefined
}

/** What the suite asks of a store that it lets make. */
export interface StoreSetup {
  /** Letters and digits that begin with a letter, 13 in all: fit for a directory, a prefix or a table. */
  place: string
  appid: string
  /** Seconds. */
  idleTimeout: number
  /** Seconds; `undefined` for none. */
  absoluteTimeout: number | undefined
}

/** What came of registering the checks: sentences. */
export interface ConformanceReport {
  readonly checked: readonly string[]
  /** Those that the store declares nothing of, that need something the suite was not given, and the exceptions. */
  readonly leftOut: readonly string[]
}
