import type { PostgresClient } from './options'

interface Emitter {
  on (event: 'error', listener: () => void): unknown
  off (event: 'error', listener: () => void): unknown
  listeners (event: 'error'): object[]
}

/** The stores that listen to a pool, by one listener: eleven would make Node warn of a leak. */
interface Hearing {
  readonly stores: Set<PoolErrors>
  readonly listener: () => void
}

const hearings = new WeakMap<Emitter, Hearing>()

/**
 * Hears the `error` events of a pool that has not another listener for them. A pool of pg tells so of
 * idle connections that were lost, as when the server restarts. Without a listener that would end the
 * process, though nothing is wrong: the next statement takes a new connection.
 */
export class PoolErrors {
  readonly #pool: Emitter | null

  constructor (pool: PostgresClient) {
    this.#pool = isEmitter(pool) ? pool : null
  }

  /** May be called again. Another store that listens does not count: it may be closed first. */
  listen (): void {
    if (this.#pool === null) return
    const { stores, listener } = hearingOf(this.#pool)
    const listeners = this.#pool.listeners('error')
    if (listeners.some(other => other !== listener)) return this.leave()
    if (listeners.length === 0) this.#pool.on('error', listener)
    stores.add(this)
  }

  leave (): void {
    if (this.#pool === null) return
    const { stores, listener } = hearingOf(this.#pool)
    if (stores.delete(this) && stores.size === 0) this.#pool.off('error', listener)
  }
}

function hearingOf (pool: Emitter): Hearing {
  const hearing = hearings.get(pool) ?? { stores: new Set(), listener: () => {} }
  hearings.set(pool, hearing)
  return hearing
}

function isEmitter (pool: object): pool is Emitter {
  return ['on', 'off', 'listeners'].every(method => typeof (pool as Record<string, unknown>)[method] === 'function')
}
