import type { PostgresClient } from './options'

interface Emitter {
  on (event: 'error', listener: () => void): unknown
  off (event: 'error', listener: () => void): unknown
  listeners (event: 'error'): object[]
}

/** Those of all stores. */
const LISTENERS = new WeakSet<object>()

/**
 * Hears the `error` events of a pool that has not another listener for them. A pool of pg tells so of
 * idle connections that were lost, as when the server restarts. Without a listener that would end the
 * process, though nothing is wrong: the next statement takes a new connection.
 */
export class PoolErrors {
  readonly #pool: Emitter | null
  readonly #listener = (): void => {}

  constructor (pool: PostgresClient) {
    this.#pool = isEmitter(pool) ? pool : null
    LISTENERS.add(this.#listener)
  }

  /** May be called again. A listener of another store does not count: that one may be closed first. */
  listen (): void {
    this.leave()
    if (this.#pool?.listeners('error').every(listener => LISTENERS.has(listener)) === true) this.#pool.on('error', this.#listener)
  }

  leave (): void {
    this.#pool?.off('error', this.#listener)
  }
}

function isEmitter (pool: object): pool is Emitter {
  return ['on', 'off', 'listeners'].every(method => typeof (pool as Record<string, unknown>)[method] === 'function')
}
