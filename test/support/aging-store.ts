import type { StoredSession } from '../../lib/store/session-record'
import { touchInterval } from '../../lib/store/clock'
import { MemoryStore } from './map-store'

/** A store with the verbs, in memory, in which time passes at the test's word and sessions expire. */
export class AgingStore extends MemoryStore {
  readonly #lastUse = new Map<string, number>()
  /** Milliseconds. */
  #now = 0
  readonly #idleTimeout: number

  /** `idleTimeout` is in seconds. */
  constructor (idleTimeout: number) {
    super()
    this.#idleTimeout = idleTimeout
  }

  pass (seconds: number): void {
    this.#now += seconds * 1000
  }

  override write (...parameters: Parameters<MemoryStore['write']>): string {
    this.#lastUse.set(parameters[0], this.#now)
    return super.write(...parameters)
  }

  override peek (name: string): StoredSession | null {
    const stored = super.peek(name)
    if (stored === null) return null
    const idle = this.#now - (this.#lastUse.get(name) as number)
    const idleTimeout = stored.idleTimeout ?? this.#idleTimeout
    const idleLeft = idleTimeout * 1000 - idle
    return idleLeft <= 0 ? null : { ...stored, idleLeft, touchDue: idle > touchInterval(idleTimeout) }
  }

  override async touch (name: string): Promise<void> {
    await super.touch(name)
    this.#lastUse.set(name, this.#now)
  }
}
