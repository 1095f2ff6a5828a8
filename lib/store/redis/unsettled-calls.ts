import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** So many calls are remembered, each for so long (milliseconds): not longer than the server remembers them. */
const CALLS = 1000
const MEMORY = 30_000

/**
 * The ids of calls that ended in an error although the server may have carried them out. When the
 * caller asks for the same thing again, the call keeps its id, so that the server recognises it.
 */
export class UnsettledCalls {
  readonly #ids = new LRUCache<string, string>({ max: CALLS, ttl: MEMORY })

  /** Returns the id of an earlier call for the same thing. */
  idOf (...what: string[]): string | undefined {
    return this.#ids.size === 0 ? undefined : this.#ids.get(keyOf(what))
  }

  remember (id: string, ...what: string[]): void {
    this.#ids.set(keyOf(what), id)
  }

  settle (...what: string[]): void {
    this.#ids.delete(keyOf(what))
  }
}

function keyOf (what: string[]): string {
  return hash('sha256', JSON.stringify(what))
}
