import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionStoreError } from '../../errors'
import { Deadlines } from '../deadlines'
import { Outage } from '../outage'
import { ServerClock } from '../server-clock'
import { failureOf, notConnected, storeError, TooLate, type Failure } from './failures'
import type { RedisConnection } from './redis-client'
import { LATE, OUTCOMES, type Script } from './scripts'

/** Between attempts, in milliseconds: at first and at most. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 200
/** After these failures the call is repeated at once: the next attempt is another one. */
const AT_ONCE = ['NOSCRIPT', 'LATE']

export interface Replicas {
  /** So many replicas must have a save or an end before it is answered. */
  count: number
  /** Seconds to wait for them. */
  timeout: number
}

/** What a script answered. */
export interface Answer {
  /** What `READ` returned, or the outcome of another script. */
  readonly reply: unknown
  /** How many replicas have what it wrote; `undefined` when nothing waited for them. */
  readonly replicas: number | undefined
}

/** A call of a script. */
export interface Call {
  /** What the caller wants, for messages: `save a session`. */
  readonly doing: string
  readonly script: Script
  readonly key: string
  /** A second key in the same slot, if the script uses one. */
  readonly otherKey?: string
  /** What follows the deadline; null for a script that takes no parameters, and changes nothing. */
  readonly parameters: string | null
  /** The second parameter; left out when empty. */
  readonly text: string
  /** Whether replicas are to confirm it. */
  readonly waits: boolean
}

/**
 * Runs scripts, and repeats what the network or a failover swallowed, until the time is up. A script
 * that changes something recognises a repeated call by its record id, and does nothing when it runs
 * after that time by the server's clock: so a call that was given up, and waits somewhere, is not
 * carried out later.
 *
 * When a call failed because the time was up, the server counts as down (see `outage.ts`). A cluster
 * never does, because its other servers may answer.
 */
export class ScriptRunner {
  readonly #connection: RedisConnection
  /** Milliseconds for all attempts of a call. */
  readonly #timeout: number
  readonly #wait: string[] | null
  readonly #deadlines = new Deadlines()
  readonly #clock = new ServerClock()
  readonly #outage = new Outage<Failure>()

  /** `timeout` is in seconds. */
  constructor (connection: RedisConnection, timeout: number, replicas: Replicas | undefined) {
    this.#connection = connection
    this.#timeout = timeout * 1000
    this.#wait = replicas === undefined ? null : ['WAIT', String(replicas.count), String(Math.ceil(replicas.timeout * 1000))]
  }

  /** @throws {SessionStoreError} */
  async run (call: Call, isRepeated = false): Promise<Answer> {
    const end = performance.now() + this.#timeout
    const { cause } = this.#outage
    if (cause !== null) return await this.#outage.try(() => this.#repeat(call, end, null, isRepeated), () => storeError(call.doing, cause, false))
    if (!this.#connection.isReady()) return await this.#repeat(call, end, notConnected(this.#connection.obstacle()), isRepeated)
    try {
      return this.#answer(call, await this.#attempt(call, 'EVALSHA', isRepeated, end))
    } catch (error) {
      return await this.#repeat(call, end, failureOf(error), isRepeated)
    }
  }

  /** Tries until `end`. `failure` is what became of the attempt before; null: there was none. */
  async #repeat (call: Call, end: number, failure: Failure | null, isRepeated: boolean): Promise<Answer> {
    let mayBeDone = isRepeated
    let answer: Answer | null = null
    for (let pause = FIRST_PAUSE; answer === null; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (failure?.outcome === 'unknown') mayBeDone = true
      if (failure !== null) {
        const obstacle = this.#connection.obstacle()
        if (!failure.passes || obstacle !== null || end - performance.now() <= pause) {
          throw this.#givenUp(call, obstacle === null ? failure : notConnected(obstacle), mayBeDone)
        }
        if (!AT_ONCE.includes(failure.code)) await sleep(pause)
      }
      if (!this.#connection.isReady()) {
        failure = notConnected(null)
        continue
      }
      try {
        const verb = failure?.code === 'NOSCRIPT' ? 'EVAL' : 'EVALSHA'
        answer = this.#answer(call, await this.#attempt(call, verb, mayBeDone, end))
      } catch (error) {
        failure = failureOf(error)
      }
    }
    this.#outage.end()
    return answer
  }

  #givenUp (call: Call, failure: Failure, mayBeDone: boolean): SessionStoreError {
    if (failure.passes && !this.#connection.isCluster) this.#outage.begin(failure)
    else this.#outage.end()
    return storeError(call.doing, failure, mayBeDone && call.parameters !== null)
  }

  /** Returns what the client returns: the script's reply, or a list of that and the count of replicas. */
  #attempt (call: Call, verb: 'EVAL' | 'EVALSHA', isRepeated: boolean, end: number): Promise<unknown> {
    const { script, key, otherKey, parameters, text } = call
    const code = verb === 'EVAL' ? script.text : script.sha
    const command = otherKey === undefined ? [verb, code, '1', key] : [verb, code, '2', key, otherKey]
    if (parameters !== null) {
      const deadline = Math.max(Math.floor(this.#clock.at(end)), 0)
      command.push(`${isRepeated ? '1' : '0'}${deadline} ${parameters}`)
      if (text !== '') command.push(text)
    }
    const { runAndWait } = this.#connection
    const answer = call.waits && this.#wait !== null && runAndWait !== undefined
      ? runAndWait(key, command, this.#wait)
      : this.#connection.run(key, command)
    return this.#deadlines.watch(answer, end)
  }

  /** @throws {TooLate} */
  #answer (call: Call, answer: unknown): Answer {
    const isList = call.waits && this.#wait !== null
    const [reply, replicas] = isList ? answer as [unknown, unknown] : [answer]
    if (!call.script.hasOutcome) return { reply, replicas: undefined }
    const told = Number(reply)
    const outcome = told % OUTCOMES
    this.#clock.hear((told - outcome) / OUTCOMES)
    if (outcome === LATE) throw new TooLate()
    return { reply: outcome, replicas: isList ? Number(replicas) : undefined }
  }
}
