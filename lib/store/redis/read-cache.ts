import { performance } from 'node:perf_hooks'
import { LRUCache } from 'lru-cache'
import type { StoredValue } from './stored-value'

/** What an entry costs beside its text, about, in bytes. */
const OVERHEAD = 500

interface Entry {
  readonly value: StoredValue
  /** When it was asked for, in milliseconds of this process. */
  readonly at: number
}

/** A read that is under way. */
interface Pending {
  isOvertaken: boolean
}

/**
 * What was read lately. A session is dropped when it changes, and an answer that a change overtook is
 * not taken in. It is only right while the caller learns of changes: see `InvalidationFeed`.
 */
export class ReadCache {
  readonly #entries: LRUCache<string, Entry>
  readonly #pending = new Map<string, Set<Pending>>()

  /** `maxSize` is in bytes. */
  constructor (maxSize: number) {
    this.#entries = new LRUCache<string, Entry>({ maxSize, sizeCalculation: ({ value }) => value.text.length + OVERHEAD })
  }

  /** Returns the session as it is now, if nothing changed it; `undefined`: the server must be asked. */
  get (name: string): StoredValue | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    const { value, at } = entry
    const passed = performance.now() - at
    const idleLeft = value.idleLeft - passed
    return idleLeft > 0 ? { ...value, now: value.now + passed, idleLeft } : undefined
  }

  /** Takes in what `read` returns, unless the session changes meanwhile. */
  async through (name: string, read: () => Promise<StoredValue | null>): Promise<StoredValue | null> {
    const pending: Pending = { isOvertaken: false }
    const all = this.#pending.get(name) ?? new Set()
    this.#pending.set(name, all.add(pending))
    const at = performance.now()
    try {
      const value = await read()
      if (value !== null && !pending.isOvertaken) this.#entries.set(name, { value, at })
      return value
    } finally {
      all.delete(pending)
      if (all.size === 0 && this.#pending.get(name) === all) this.#pending.delete(name)
    }
  }

  /** The session has changed, or may have. */
  drop (name: string): void {
    this.#entries.delete(name)
    this.#overtake(this.#pending.get(name))
  }

  /** Any session may have changed. */
  clear (): void {
    this.#entries.clear()
    for (const all of this.#pending.values()) this.#overtake(all)
  }

  #overtake (all: Iterable<Pending> = []): void {
    for (const pending of all) pending.isOvertaken = true
  }
}
