import { hash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { LRUCache } from 'lru-cache'

/** Calls that are remembered, at most. */
const CALLS = 1000
/** Milliseconds by which the memory of the server is taken for shorter than it is: it counts in seconds. */
const MARGIN = 1000

/** What a caller asks for: the verb, and all that makes a difference. */
type What = ReadonlyArray<string | number | null>

interface Unsettled {
  readonly id: string
  /** When the first call with this id began, by the clock that is never set. */
  readonly began: number
}

/**
 * The ids of calls that ended in an error although the server may have carried them out. When the
 * caller asks for the same thing again, the call keeps its id, so that the server recognises it. It does
 * so only while the server remembers the id until the time of that call is up, too.
 */
export class UnsettledCalls {
  readonly #calls = new LRUCache<string, Unsettled>({ max: CALLS })
  /** Milliseconds after the beginning of the first call within which another may begin. */
  readonly #span: number

  /** `memory`: seconds for which the server remembers an id; `timeout`: seconds that a call may take. */
  constructor (memory: number, timeout: number) {
    this.#span = memory * 1000 - MARGIN - timeout * 1000
  }

  /** Returns an earlier call for the same thing, to one caller only: of two at once one would be told what the other did. */
  take (...what: What): Unsettled | undefined {
    if (this.#calls.size === 0) return undefined
    const key = keyOf(what)
    const earlier = this.#calls.get(key)
    this.#calls.delete(key)
    return earlier === undefined || performance.now() - earlier.began > this.#span ? undefined : earlier
  }

  remember (call: Unsettled, ...what: What): void {
    this.#calls.set(keyOf(what), call)
  }
}

function keyOf (what: What): string {
  return hash('sha256', JSON.stringify(what))
}
