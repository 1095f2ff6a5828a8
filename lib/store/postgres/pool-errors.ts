import type { PostgresClient } from './options'

interface Emitter {
  on (event: 'error', listener: () => void): unknown
  off (event: 'error', listener: () => void): unknown
  listenerCount (event: 'error'): number
}

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
  }

  listen (): void {
    if (this.#pool?.listenerCount('error') === 0) this.#pool.on('error', this.#listener)
  }

  leave (): void {
    this.#pool?.off('error', this.#listener)
  }
}

function isEmitter (pool: object): pool is Emitter {
  return ['on', 'off', 'listenerCount'].every(method => typeof (pool as Record<string, unknown>)[method] === 'function')
}
