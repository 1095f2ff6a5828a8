import { performance } from 'node:perf_hooks'
import { randomText } from '../../random'
import { SessionStoreError } from '../../errors'
import { checkRecord } from '../record-options'
import { BaseRecordStore } from '../record-store'
import { checkedName } from '../session-id'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../session-record'
import type { RecordStore } from '../session-store'
import type { PortableSession } from '../store-abilities'
import { UnsettledCalls } from '../unsettled-calls'
import type { Answer, Call } from './call-batches'
import { KeyNames } from './key-names'
import type { SettledRedisStoreOptions } from './options'
import { InvalidationFeed } from './invalidation-feed'
import { ReadCache } from './read-cache'
import { ScriptRunner } from './script-runner'
import type { Script } from './script'
import { CONFLICT, CREATE, DONE, GONE, READ, REMOVE, REPLACE, REPLACE_UNUSED, SET_ASIDE, TOUCH, UNKNOWN } from './scripts'
import { storedSession, storedValue, type StoredValue } from './stored-value'
import { MEMORY, WRITER } from './value-format'

/** Characters of a record id. */
const ID_SIZE = 16
const VERSION = /^[\w-]{16}$/
/** Of a script that needs no more than its id. */
const NOTHING = '0 - -'
/** The longest timeout that the server's arithmetic takes exactly, in milliseconds. */
const LONGEST = 2 ** 32 * 1000

/** The verbs of a store that keeps each session in a key of its own. */
export abstract class RedisRecords extends BaseRecordStore {
  abstract override readonly features: RecordStore['features']
  protected readonly names: KeyNames
  protected readonly runner: ScriptRunner
  /** What its record ids begin with: the server remembers a few of each writer. */
  readonly #writer = randomText(WRITER * 6 / 8, 'base64url')
  readonly #unsettled: UnsettledCalls
  readonly #cache: ReadCache | undefined
  /** Tells of changes, for the cache. */
  protected readonly feed: InvalidationFeed | undefined

  constructor (protected readonly options: SettledRedisStoreOptions) {
    super(options)
    const { connection, prefix, appid, timeout, replicas, idleTimeout, absoluteTimeout, cache } = options
    this.names = new KeyNames(prefix, appid)
    this.#unsettled = new UnsettledCalls(MEMORY, timeout)
    this.runner = new ScriptRunner(connection, timeout, replicas,
      `${milliseconds(idleTimeout)} ${absoluteTimeout === undefined ? 0 : milliseconds(absoluteTimeout)}`)
    if (cache !== undefined) {
      this.#cache = new ReadCache(cache.maxSize)
      this.feed = new InvalidationFeed(connection, this.names.prefixWith(connection.keyPrefix), this.#cache, cache.maxStaleness)
    }
  }

  /** {@inheritDoc RecordStore.read} @throws {SessionStoreError} */
  async read (name: string): Promise<StoredSession | null> {
    const cached = this.readNow(name)
    if (cached !== undefined) return cached
    const value = this.#cache === undefined ? this.#valueIn(await this.#ask(name)) : await this.value(name)
    return value === null ? null : storedSession(value, this.options)
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    return await this.#create(name, record, '-')
  }

  /** {@inheritDoc PortableRecordStore.importSession} @throws {SessionError} */
  async importSession ({ name, text, idleTimeout, createdAt, lastAccess }: PortableSession): Promise<Creation> {
    return await this.#create(name, { text, idleTimeout, createdAt }, moment(lastAccess))
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const { id, reply } = await this.#settle('save a session', record.keepLastUse === true ? REPLACE_UNUSED : REPLACE, name, this.#recordParameters(record, known(version)), record.text)
    if (reply === DONE) return { result: 'replaced', version: id }
    return { result: reply === CONFLICT ? 'conflict' : 'gone' }
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionStoreError} */
  async remove (name: string, version?: string): Promise<Removal> {
    const { reply } = await this.#settle('remove a session', REMOVE, name, onlyAt(version))
    if (reply === DONE) return 'removed'
    return reply === CONFLICT ? 'conflict' : 'gone'
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionStoreError} */
  async touch (name: string): Promise<void> {
    await this.#run(name, this.#call('touch a session', TOUCH, name, this.#newId(), NOTHING))
  }

  /** {@inheritDoc RecordStore.setAside} It is kept for a week. @throws {SessionStoreError} */
  async setAside (name: string, version?: string): Promise<void> {
    const id = this.#newId()
    const call = this.#call('set a session aside', SET_ASIDE, name, id, onlyAt(version))
    await this.#run(name, { ...call, otherKey: this.names.asideOf(name, id) })
  }

  /** {@inheritDoc ImmediateRecordStore.readNow} @internal */
  readNow (name: string): StoredSession | undefined {
    const value = this.feed?.isFresh === true ? this.#cache?.get(name) : undefined
    return value === undefined ? undefined : storedSession(value, this.options)
  }

  /** {@inheritDoc ImmediateRecordStore.replaceNow} The server must be asked. @internal */
  replaceNow (): undefined {}

  /** Returns the session as the server has it. */
  protected async latest (name: string): Promise<StoredSession | null> {
    const value = await this.#value(name)
    return value === null ? null : storedSession(value, this.options)
  }

  protected value (name: string): Promise<StoredValue | null> {
    return this.#cache === undefined ? this.#value(name) : this.#cache.through(name, () => this.#value(name))
  }

  async #value (name: string): Promise<StoredValue | null> {
    return this.#valueIn(await this.#ask(name))
  }

  #ask (name: string): Promise<Answer> {
    return this.runner.run({ doing: 'read a session', script: READ, key: this.#keyOf(name), parameters: null, text: '' })
  }

  #valueIn ({ reply, now }: Answer): StoredValue | null {
    return reply === null ? null : storedValue(String(reply), now, this.options)
  }

  async #create (name: string, record: SessionRecord, lastAccess: string): Promise<Creation> {
    const { id, reply } = await this.#settle('make a session', CREATE, name, this.#recordParameters(record, lastAccess), record.text)
    return reply === DONE ? { result: 'created', version: id } : { result: 'taken' }
  }

  /** Runs a script that is not to be carried out twice. An earlier call for the same thing that may have been is taken up. */
  async #settle (doing: string, script: Script, name: string, parameters: string, text = ''): Promise<{ id: string, reply: number }> {
    const what = [script.sha, name, parameters, text]
    const earlier = this.#unsettled.take(...what)
    const { id, began } = earlier ?? { id: this.#newId(), began: performance.now() }
    try {
      const answer = await this.#run(name, this.#call(doing, script, name, id, parameters, text), earlier !== undefined)
      const reply = Number(answer.reply)
      this.#checkConfirmed(doing, script, reply, answer.replicas)
      return { id, reply }
    } catch (error) {
      if (mayHaveRun(error)) this.#unsettled.remember({ id, began }, ...what)
      throw error
    }
  }

  /** @throws {SessionStoreError} unless it is known what became of the call, and as many replicas have it as the caller wants */
  #checkConfirmed (doing: string, script: Script, reply: number, replicas: number | undefined): void {
    if (reply === UNKNOWN) {
      throw new SessionStoreError(`cannot ${doing} in Redis: the connection was lost, and so many other requests saved the ` +
        'session since that it is not known whether the server did it', { outcome: 'unknown' })
    }
    const { replicas: wanted } = this.options
    if (replicas === undefined || wanted === undefined || replicas >= wanted.count) return
    // A caller that is told that the session has ended relies on it as the one that ended it does.
    if (reply === DONE || (script === REMOVE && reply === GONE)) {
      throw new SessionStoreError(`the call to ${doing} in Redis was carried out by the primary, but only ${replicas} of ${wanted.count} replicas ` +
        `confirmed it within ${wanted.timeout} s: it may be lost if the primary fails now. Start the missing replicas, or lower the option replicas`,
      { outcome: reply === DONE ? 'unconfirmed' : 'refused' })
    }
  }

  /** Runs a script that changes the session. What was read of it counts no more, from the moment of the call to that of the answer. */
  #run (name: string, call: Call, isRepeated = false): Promise<Answer> {
    const cache = this.#cache
    if (cache === undefined) return this.runner.run(call, isRepeated)
    cache.drop(name)
    return this.runner.run(call, isRepeated).finally(() => { cache.drop(name) })
  }

  #call (doing: string, script: Script, name: string, id: string, parameters: string, text = ''): Call {
    return { doing, script, key: this.#keyOf(name), parameters: `${id} ${parameters}`, text }
  }

  /** Returns what a script is told of a record beside its text. */
  #recordParameters (record: SessionRecord, other: string): string {
    const idleTimeout = checkRecord(record, this.options.maxSize)
    const { createdAt } = record
    return `${idleTimeout} ${moment(createdAt)} ${other}`
  }

  #newId (): string {
    return this.#writer + randomText((ID_SIZE - WRITER) * 6 / 8, 'base64url')
  }

  #keyOf (name: string): string {
    return this.names.keyOf(checkedName(name))
  }
}

/** Returns the three parameters of a script that ends the session at this version; undefined: at any. */
function onlyAt (version: string | undefined): string {
  return version === undefined ? NOTHING : `0 - ${known(version)}`
}

/** Returns the version if a store of ours made it; any other matches none. */
function known (version: string): string {
  return VERSION.test(version) ? version : '?'
}

/** Returns a moment as scripts take it; `-`: the server's own, or that of before. */
function moment (time: number | undefined): string {
  return time === undefined || Number.isNaN(time) ? '-' : String(Math.max(Math.trunc(time), 0))
}

/** Whether the server may have carried out the call that failed. */
function mayHaveRun (error: unknown): boolean {
  return !(error instanceof SessionStoreError) || error.outcome !== 'refused'
}

function milliseconds (seconds: number): string {
  return String(Math.ceil(Math.min(seconds * 1000, LONGEST)))
}
