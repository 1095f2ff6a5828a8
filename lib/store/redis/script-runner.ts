import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionStoreError } from '../../errors'
import { Deadlines } from './deadlines'
import { failureOf, notConnected, storeError, type Failure } from './failures'
import type { RedisConnection } from './redis-client'
import type { Script } from './scripts'

/** Between attempts, in milliseconds: at first and at most. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 200

export interface Replicas {
  /** So many replicas must have a save or an end before it is answered. */
  count: number
  /** Seconds to wait for them. */
  timeout: number
}

/** What a script answered. */
export interface Answer {
  readonly reply: unknown
  /** How many replicas have what it wrote; `undefined` when nothing waited for them. */
  readonly replicas: number | undefined
}

/** A call of a script. */
export interface Call {
  /** What the caller wants, for messages: `save a session`. */
  readonly doing: string
  readonly script: Script
  readonly keys: readonly [string, ...string[]]
  /** The first begins with whether the call is a repeated one, if the script changes something. */
  readonly parameters: readonly string[]
  /** Whether it changes something. */
  readonly writes: boolean
  readonly waits: boolean
}

/**
 * Runs scripts, and repeats what the network or a failover swallowed, until the time is up. A script
 * that changes something recognises a repeated call by its record id.
 *
 * When a call failed because the time was up, the server counts as down: one call at a time tries on,
 * and the others fail at once, until one succeeds. A cluster never counts as down, because its other
 * servers may answer.
 */
export class ScriptRunner {
  readonly #connection: RedisConnection
  /** Milliseconds for all attempts of a call. */
  readonly #timeout: number
  readonly #wait: string[] | null
  readonly #deadlines = new Deadlines()
  #down: Failure | null = null
  #isTried = false

  /** `timeout` is in seconds. */
  constructor (connection: RedisConnection, timeout: number, replicas: Replicas | undefined) {
    this.#connection = connection
    this.#timeout = timeout * 1000
    this.#wait = replicas === undefined ? null : ['WAIT', String(replicas.count), String(Math.ceil(replicas.timeout * 1000))]
  }

  /** @throws {SessionStoreError} */
  async run (call: Call, isRepeated = false): Promise<Answer> {
    if (this.#down !== null) return await this.#runWhileDown(call, isRepeated, this.#down)
    const start = performance.now()
    if (!this.#connection.isReady()) return await this.#repeat(call, start, notConnected(this.#connection.obstacle()), isRepeated)
    try {
      return await this.#attempt(call, 'EVALSHA', isRepeated, this.#timeout)
    } catch (error) {
      return await this.#repeat(call, start, failureOf(error), isRepeated)
    }
  }

  async #runWhileDown (call: Call, isRepeated: boolean, down: Failure): Promise<Answer> {
    if (this.#isTried) throw storeError(call.doing, down, false)
    this.#isTried = true
    try {
      return await this.#repeat(call, performance.now(), null, isRepeated)
    } finally {
      this.#isTried = false
    }
  }

  /** Tries until the time is up. `failure` is what became of the attempt before; null: there was none. */
  async #repeat (call: Call, start: number, failure: Failure | null, isRepeated: boolean): Promise<Answer> {
    const end = start + this.#timeout
    let mayBeDone = isRepeated
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (failure?.outcome === 'unknown') mayBeDone = true
      if (failure !== null) {
        const obstacle = this.#connection.obstacle()
        if (!failure.passes || obstacle !== null || end - performance.now() <= pause) {
          throw this.#givenUp(call, obstacle === null ? failure : notConnected(obstacle), mayBeDone)
        }
        if (failure.code !== 'NOSCRIPT') await sleep(pause)
      }
      if (!this.#connection.isReady()) {
        failure = notConnected(null)
        continue
      }
      try {
        const verb = failure?.code === 'NOSCRIPT' ? 'EVAL' : 'EVALSHA'
        const answer = await this.#attempt(call, verb, mayBeDone, Math.max(end - performance.now(), FIRST_PAUSE))
        this.#down = null
        return answer
      } catch (error) {
        failure = failureOf(error)
      }
    }
  }

  #givenUp (call: Call, failure: Failure, mayBeDone: boolean): SessionStoreError {
    this.#down = failure.passes && !this.#connection.isCluster ? failure : null
    return storeError(call.doing, failure, mayBeDone && call.writes)
  }

  async #attempt ({ script, keys, parameters, writes, waits }: Call, verb: 'EVAL' | 'EVALSHA', isRepeated: boolean, left: number): Promise<Answer> {
    const command = [verb, verb === 'EVAL' ? script.text : script.sha, String(keys.length), ...keys]
    const [first, ...others] = parameters
    if (first !== undefined) command.push(writes ? (isRepeated ? '1' : '0') + first : first, ...others)
    const [key] = keys
    if (!waits || this.#wait === null || this.#connection.runAndWait === undefined) {
      return { reply: await this.#deadlines.watch(this.#connection.run(key, command), left), replicas: undefined }
    }
    const [reply, replicas] = await this.#deadlines.watch(this.#connection.runAndWait(key, command, this.#wait), left)
    return { reply, replicas: Number(replicas) }
  }
}
