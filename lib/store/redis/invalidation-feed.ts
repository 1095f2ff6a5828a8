import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { randomText } from '../../random'
import type { Listener, RedisConnection } from './redis-connection'
import type { ReadCache } from './read-cache'

/** Where the server says which keys have changed. */
const CHANGES = '__redis__:invalidate'
/** Beats within the longest staleness. */
const BEATS = 4
/** The connection is made anew after this many times the longest staleness without a beat. */
const PATIENCE = 5
const NAME_IN_KEY = /\{([0-9a-f]{64})\}/g

/**
 * Learns from the server which sessions change, on a connection of its own, and drops them from the
 * cache. A beat runs all the time from the connection of the reads over the server to this one: when a
 * beat arrives, every change is known that the server made before the beat was sent. So the cache is
 * right as of the last beat that arrived, also when a connection hangs or the two lead to different
 * servers after a failover.
 */
export class InvalidationFeed {
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #cache: ReadCache
  /** Milliseconds. */
  readonly #maxStaleness: number
  readonly #channel: string
  /** When the beat was sent that arrived last, in milliseconds of this process. */
  #proof = -Infinity
  #listener: Listener | null = null
  #isOpening = false
  /** Beats that the server has not answered. */
  #underWay = 0
  /** When the listener was made. */
  #since = 0
  #timer: NodeJS.Timeout | null = null

  /** `prefix` is that of all keys of the app; `maxStaleness` is in seconds. */
  constructor (connection: RedisConnection, prefix: string, cache: ReadCache, maxStaleness: number) {
    this.#connection = connection
    this.#prefix = prefix
    this.#cache = cache
    this.#maxStaleness = maxStaleness * 1000
    this.#channel = `${prefix}beat:${randomText(12, 'base64url')}`
  }

  /** Whether the cache may be used: it is not older than the longest staleness. */
  get isFresh (): boolean {
    return performance.now() - this.#proof < this.#maxStaleness
  }

  /**
   * Begins to listen. Returns why that has failed; null: it works, or takes longer than `patience` (ms). What fails is tried again
   * at each beat, and reads ask the server meanwhile.
   */
  async start (patience: number): Promise<string | null> {
    this.#timer ??= setInterval(() => { this.#beat() }, this.#maxStaleness / BEATS).unref()
    if (this.#listener !== null || this.#isOpening) return null
    const opening = this.#open().then(() => null, (error: unknown) => error instanceof Error ? error.message : String(error))
    const timer = new AbortController()
    try {
      return await Promise.race([opening, wait(patience, null, { signal: timer.signal })])
    } finally {
      timer.abort()
    }
  }

  stop (): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#lose(this.#listener)
  }

  #beat (): void {
    const listener = this.#listener
    if (listener === null) {
      if (!this.#isOpening) this.#open().catch(() => {})
      return
    }
    const now = performance.now()
    if (now - Math.max(this.#proof, this.#since) > PATIENCE * this.#maxStaleness) return this.#lose(listener)
    if (!this.#connection.isReady() || this.#underWay > BEATS) return
    this.#underWay++
    const isOver = (): void => { this.#underWay-- }
    this.#connection.run(this.#channel, ['PUBLISH', this.#channel, String(now)]).then(isOver, isOver)
  }

  async #open (): Promise<void> {
    this.#isOpening = true
    let opened: Listener | null | undefined = null
    let isLost = false
    try {
      opened = await this.#connection.listen?.({
        prefix: this.#prefix,
        channels: [CHANGES, this.#channel],
        heard: (channel, message) => { this.#hear(channel, message) },
        lost: () => {
          isLost = true
          this.#lose(opened)
        }
      })
    } finally {
      this.#isOpening = false
    }
    if (opened === undefined || isLost || this.#timer === null) return opened?.close()
    // Only now is every later change told.
    this.#cache.clear()
    this.#since = performance.now()
    this.#listener = opened
    this.#beat()
  }

  #hear (channel: string, message: unknown): void {
    if (channel === this.#channel) {
      // A beat that was sent before this listener was made proves nothing of it.
      if (this.#listener !== null && Number(message) >= this.#since) this.#proof = Number(message)
      return
    }
    const names = [...String(message ?? '').matchAll(NAME_IN_KEY)]
    if (names.length === 0) this.#cache.clear()
    for (const [, name] of names) this.#cache.drop(name as string)
  }

  #lose (listener: Listener | null | undefined): void {
    if (listener === null || listener === undefined || listener !== this.#listener) return
    this.#listener = null
    this.#proof = -Infinity
    this.#cache.clear()
    listener.close()
  }
}
