import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionStoreError } from '../../errors'
import { Deadlines, NoAnswer } from '../deadlines'
import { Outage } from '../outage'
import { ServerClock } from '../server-clock'
import { CallBatches, type Answer, type Call, type Waiting } from './call-batches'
import { failureAmongMixed, failureBesideWait, failureOf, notConnected, splitCalls, storeError, TooLate, type Failure } from './failures'
import { OwnAnswers } from './own-answers'
import type { RedisConnection } from './redis-connection'
import { REFUSAL } from './script'

/** Between attempts, in milliseconds: at first and at most. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 200
/** After these failures the call is repeated at once: the next attempt is another one. */
const AT_ONCE = ['NOSCRIPT', 'LATE']

export interface Replicas {
  /** Replicas that must have a save or an end before it is answered. */
  count: number
  /** Seconds to wait for them. */
  timeout: number
}

/** An answer begins with so many entries for all calls of a command. */
const START = 2

/**
 * Runs scripts, and repeats what the network or a failover swallowed, until the time is up. A script
 * that changes something recognises a repeated call by its record id, and does nothing when it runs
 * after that time by the server's clock: so a call that was given up, and waits somewhere, is not
 * carried out later.
 *
 * Calls that begin in one turn of the event loop go to the server as one command, where the connection allows
 * that: a cluster has their keys in different places. What fails is repeated alone.
 *
 * When a call failed because the time was up, the server counts as down (see `outage.ts`). A cluster
 * never does, because its other servers may answer.
 */
export class ScriptRunner {
  readonly #connection: RedisConnection
  /** Milliseconds for all attempts of a call. */
  readonly #timeout: number
  readonly #wait: string[] | null
  /** What scripts need to judge ages by, in milliseconds: the idle timeout, and the absolute one or 0. */
  readonly #lifetimes: string
  /** Whether calls that begin in one turn go to the server as one command. */
  #joins: boolean
  readonly #batches = new CallBatches(waiting => { this.#runTogether(waiting) })
  readonly #deadlines = new Deadlines()
  readonly #clock = new ServerClock()
  readonly #own: OwnAnswers
  readonly #outage = new Outage<Failure>()

  /** `timeout` is in seconds. */
  constructor (connection: RedisConnection, timeout: number, replicas: Replicas | undefined, lifetimes: string) {
    this.#connection = connection
    this.#own = new OwnAnswers(connection.client)
    this.#timeout = timeout * 1000
    this.#wait = replicas === undefined ? null : ['WAIT', String(replicas.count), String(Math.ceil(replicas.timeout * 1000))]
    this.#lifetimes = lifetimes
    this.#joins = connection.joinsCalls
  }

  /** `isRepeated`: an earlier call with this id may have been carried out. @throws {SessionStoreError} */
  run (call: Call, isRepeated = false): Promise<Answer> {
    const { cause } = this.#outage
    if (cause !== null) {
      return this.#outage.try(() => this.#repeat(call, this.#end(), null, isRepeated), () => storeError(call.doing, cause, isRepeated), isRepeated)
    }
    return isRepeated || !this.#joins ? this.#repeat(call, this.#end(), null, isRepeated) : this.#batches.add(call)
  }

  /** From now on each call is a command of its own. */
  stopJoining (): void {
    this.#joins = false
  }

  /** Returns the moment of `performance.now()` at which the time of a call is up that begins now. */
  #end (): number {
    return performance.now() + this.#timeout
  }

  async #runTogether (waiting: Waiting[]): Promise<void> {
    const end = this.#end()
    const goOn = ({ call, resolve }: Waiting, failure: Failure | null): void => { resolve(this.#repeat(call, end, failure, false)) }
    if (!this.#connection.isReady()) {
      for (const one of waiting) goOn(one, null)
      return
    }
    let answers: AnswerOf
    try {
      answers = await this.#attempt(waiting.map(({ call }) => call), 'EVALSHA', false, end)
    } catch (error) {
      const isSplit = waiting.length > 1 && failureOf(error).code === 'CROSSSLOT'
      // Behind the address is a cluster: it would refuse every such command.
      if (isSplit) this.stopJoining()
      for (const one of waiting) goOn(one, isSplit ? splitCalls(failureOf(error)) : this.#failureOf(one.call, error))
      return
    }
    waiting.forEach((one, index) => {
      try {
        one.resolve(answers(index))
      } catch (error) {
        goOn(one, failureOf(error))
      }
    })
  }

  /** Tries until `end`. `failure` is what became of the attempt before; null: there was none. */
  async #repeat (call: Call, end: number, failure: Failure | null, isRepeated: boolean): Promise<Answer> {
    let mayBeDone = isRepeated
    let answer: Answer | null = null
    for (let pause = FIRST_PAUSE; answer === null; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (failure?.outcome === 'unknown') mayBeDone = true
      const obstacle = this.#connection.obstacle()
      if (obstacle !== null) throw this.#givenUp(call, notConnected(obstacle), mayBeDone)
      if (failure !== null) {
        if (!failure.passes || end - performance.now() <= pause) throw this.#givenUp(call, failure, mayBeDone)
        if (!AT_ONCE.includes(failure.code)) await sleep(pause)
      }
      if (!this.#connection.isReady()) {
        failure = notConnected(null)
        continue
      }
      try {
        const verb = failure?.code === 'NOSCRIPT' ? 'EVAL' : 'EVALSHA'
        answer = (await this.#attempt([call], verb, mayBeDone, end))(0)
      } catch (error) {
        failure = this.#failureOf(call, error)
      }
    }
    this.#outage.end()
    return answer
  }

  #failureOf ({ script }: Call, error: unknown): Failure {
    const failure = script.waits && this.#wait !== null ? failureBesideWait(error) : failureOf(error)
    return this.#own.areMixed ? failureAmongMixed(failure) : failure
  }

  #givenUp (call: Call, failure: Failure, mayBeDone: boolean): SessionStoreError {
    if (failure.passes && !this.#connection.isCluster) this.#outage.begin(failure)
    else this.#outage.end()
    return storeError(call.doing, failure, mayBeDone && call.parameters !== null)
  }

  /** Runs calls of one script as one command. @throws {NoAnswer}, {@link AnswerOfAnother}, {@link TooLate}, and what the client throws */
  async #attempt (calls: readonly Call[], verb: 'EVAL' | 'EVALSHA', isRepeated: boolean, end: number): Promise<AnswerOf> {
    const { script, key, parameters } = calls[0] as Call
    const command = [verb, verb === 'EVAL' ? script.text : script.sha, '']
    for (const { key, otherKey } of calls) {
      command.push(key)
      if (otherKey !== undefined) command.push(otherKey)
    }
    command[2] = String(command.length - 3)
    const number = this.#own.nextNumber()
    if (parameters === null) {
      command.push(String(number))
    } else {
      const deadline = Math.max(this.#clock.at(end), 0)
      command.push(`${number} ${isRepeated ? '1' : '0'}${deadline} ${this.#lifetimes}`)
      for (const { parameters, text } of calls) command.push(parameters as string, text)
    }
    const { runAndWait } = this.#connection
    if (!script.waits || this.#wait === null || runAndWait === undefined) {
      return this.#answers(await this.#watch(this.#connection.run(key, command), end, number, answer => answer), number, parameters === null, undefined)
    }
    const [answer, replicas] = await this.#watch(runAndWait(key, command, this.#wait), end, number, ([answer]) => answer)
    return this.#answers(answer, number, false, Number(replicas))
  }

  /** Returns what comes of `asked` by `end`. What comes later tells only whether the client mixes up answers. @throws {NoAnswer} */
  async #watch <T> (asked: Promise<T>, end: number, number: number, answerIn: (come: T) => unknown): Promise<T> {
    try {
      return await this.#deadlines.watch(asked, end)
    } catch (error) {
      if (error instanceof NoAnswer) asked.then(come => this.#own.check(answerIn(come), number)).catch(() => {})
      throw error
    }
  }

  /** @throws {AnswerOfAnother}, {@link TooLate} */
  #answers (answer: unknown, number: number, isRead: boolean, replicas: number | undefined): AnswerOf {
    const replies = this.#own.check(answer, number)
    const now = Number(replies[0])
    this.#clock.hear(now)
    if (replies.length === START) throw new TooLate()
    if (isRead) this.#batches.heard(averageLength(replies))
    return index => {
      // The client may be set to return strings or buffers.
      const reply = replies[START + index]
      if (reply === null || typeof reply === 'number') return { reply, now, replicas }
      const text = String(reply)
      if (text.startsWith(REFUSAL)) throw new Error(text.slice(REFUSAL.length))
      return { reply: text, now, replicas }
    }
  }
}

/** Returns the answer to the call with this index. @throws what the server refused it with */
type AnswerOf = (index: number) => Answer

/** Returns how many characters the replies for each call have on average. */
function averageLength (replies: readonly unknown[]): number {
  let length = 0
  for (let index = START; index < replies.length; index++) {
    const reply = replies[index]
    if (typeof reply === 'string' || Buffer.isBuffer(reply)) length += reply.length
  }
  return length / (replies.length - START)
}
