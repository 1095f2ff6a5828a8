import { randomText } from '../../random'
import { SessionError, SessionStoreError } from '../../errors'
import { checkRecord } from '../record-options'
import { BaseRecordStore } from '../record-store'
import type { Creation, PortableSession, RecordStore, Removal, Replacement, SessionRecord, StoredSession } from '../session-store'
import { KeyNames } from './key-names'
import type { SettledRedisStoreOptions } from './options'
import { ScriptRunner, type Call } from './script-runner'
import { CONFLICT, CREATE, DONE, READ, REMOVE, REPLACE, SET_ASIDE, TOUCH, UNKNOWN, type Script } from './scripts'
import { storedSession, storedValue, type StoredValue } from './stored-value'
import { UnsettledCalls } from './unsettled-calls'

/** Random bytes of a record id: 16 characters as text. */
const ID_SIZE = 12
const NAME = /^[0-9a-f]{64}$/
/** The longest timeout that the server's arithmetic takes exactly, in milliseconds. */
const LONGEST = 2 ** 32 * 1000

/** The verbs of a store that keeps each session in a key of its own. */
export abstract class RedisRecords extends BaseRecordStore {
  abstract override readonly features: RecordStore['features']
  protected readonly names: KeyNames
  protected readonly runner: ScriptRunner
  /** What the scripts need to judge ages by, in milliseconds: the idle timeout, and the absolute one or 0. */
  readonly #lifetimes: readonly [string, string]
  readonly #unsettled = new UnsettledCalls()

  constructor (protected readonly options: SettledRedisStoreOptions) {
    super(options)
    const { connection, prefix, appid, timeout, replicas, idleTimeout, absoluteTimeout } = options
    this.names = new KeyNames(prefix, appid)
    this.runner = new ScriptRunner(connection, timeout, replicas)
    this.#lifetimes = [milliseconds(idleTimeout), absoluteTimeout === undefined ? '0' : milliseconds(absoluteTimeout)]
  }

  /** {@inheritDoc RecordStore.read} @throws {SessionStoreError} */
  async read (name: string): Promise<StoredSession | null> {
    const value = await this.value(name)
    return value === null ? null : storedSession(value, this.options)
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    return await this.#create(name, record, '')
  }

  /** {@inheritDoc PortableRecordStore.importSession} @throws {SessionError} */
  async importSession ({ name, text, idleTimeout, createdAt, lastAccess }: PortableSession): Promise<Creation> {
    return await this.#create(name, { text, idleTimeout, createdAt }, String(Math.max(Math.trunc(lastAccess), 0)))
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const parameters = [...this.#recordParameters(record), version]
    const { id, reply } = await this.#settle('save a session', REPLACE, name, parameters)
    if (reply === DONE) return { result: 'replaced', version: id }
    return { result: reply === CONFLICT ? 'conflict' : 'gone' }
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionStoreError} */
  async remove (name: string, version = ''): Promise<Removal> {
    const { reply } = await this.#settle('remove a session', REMOVE, name, [version])
    if (reply === DONE) return 'removed'
    return reply === CONFLICT ? 'conflict' : 'gone'
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionStoreError} */
  async touch (name: string): Promise<void> {
    await this.runner.run(this.#call('touch a session', TOUCH, name, newId(), [], false))
  }

  /** {@inheritDoc RecordStore.setAside} It is kept for a week. @throws {SessionStoreError} */
  async setAside (name: string): Promise<void> {
    const id = newId()
    const call = this.#call('set a session aside', SET_ASIDE, name, id, [], true)
    await this.runner.run({ ...call, keys: [...call.keys, this.names.asideOf(name, id)] })
  }

  protected async value (name: string): Promise<StoredValue | null> {
    const { reply } = await this.runner.run({
      doing: 'read a session', script: READ, keys: [this.#keyOf(name)], parameters: [], writes: false, waits: false
    })
    return storedValue(reply, this.options)
  }

  async #create (name: string, record: SessionRecord, lastAccess: string): Promise<Creation> {
    const { id, reply } = await this.#settle('make a session', CREATE, name, [...this.#recordParameters(record), lastAccess])
    return reply === DONE ? { result: 'created', version: id } : { result: 'taken' }
  }

  /** Runs a script that is not to be carried out twice. An earlier call for the same thing that ended in an error is taken up. */
  async #settle (doing: string, script: Script, name: string, parameters: string[]): Promise<{ id: string, reply: unknown }> {
    const what = [script.sha, name, ...parameters]
    const known = this.#unsettled.idOf(...what)
    const id = known ?? newId()
    try {
      const reply = await this.#confirmed(this.#call(doing, script, name, id, parameters, true), known !== undefined)
      this.#unsettled.settle(...what)
      return { id, reply }
    } catch (error) {
      this.#unsettled.remember(id, ...what)
      throw error
    }
  }

  /** Returns the answer once as many replicas have it as the caller wants. */
  async #confirmed (call: Call, isRepeated: boolean): Promise<unknown> {
    const { reply, replicas } = await this.runner.run(call, isRepeated)
    if (reply === UNKNOWN) {
      throw new SessionStoreError(`cannot ${call.doing} in Redis: the connection was lost, and so many other requests saved the ` +
        'session since that it is not known whether the server did it')
    }
    const { replicas: wanted } = this.options
    if (reply === DONE && replicas !== undefined && wanted !== undefined && replicas < wanted.count) {
      throw new SessionStoreError(`the primary did ${call.doing}, but only ${replicas} of ${wanted.count} replicas confirmed it ` +
        `within ${wanted.timeout} s: it may be lost if the primary fails now. Start the missing replicas, or lower the option replicas`)
    }
    return reply
  }

  #call (doing: string, script: Script, name: string, id: string, parameters: readonly string[], waits: boolean): Call {
    return { doing, script, keys: [this.#keyOf(name)], parameters: [id, ...this.#lifetimes, ...parameters], writes: true, waits }
  }

  #recordParameters (record: SessionRecord): [string, string, string] {
    const idleTimeout = checkRecord(record, this.options.maxSize)
    const { text, createdAt } = record
    return [text, String(idleTimeout), createdAt === undefined ? '' : String(Math.max(Math.trunc(createdAt), 0))]
  }

  #keyOf (name: string): string {
    if (!NAME.test(name)) throw new SessionError('SESSION_ID', 'the name of a session must be one that nameOf returns')
    return this.names.keyOf(name)
  }
}

function newId (): string {
  return randomText(ID_SIZE, 'base64url')
}

function milliseconds (seconds: number): string {
  return String(Math.ceil(Math.min(seconds * 1000, LONGEST)))
}
