import { performance } from 'node:perf_hooks'
import { checkRecord, LATEST } from '../record-options'
import { BaseRecordStore } from '../record-store'
import { checkedName } from '../session-id'
import { indexInUse } from '../session-index'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../session-record'
import type { StoreFeatures } from '../session-store'
import type { PortableSession } from '../store-abilities'
import { UnsettledCalls } from '../unsettled-calls'
import { isStored, outcomeOf, type Answer, type Outcome } from './answer'
import { openTable } from './opening'
import { postgresStoreOptions, type PostgresSessionStoreOptions, type PostgresValue, type SettledPostgresOptions } from './options'
import { newRecordId, remembersSince, versionOf } from './recent'
import { Server, type Attempts, type Question } from './server'
import { storedSession, type SessionRow } from './session-row'
import { memoryOf, statementsFor, type RowLifetimes, type Statements, type Verb } from './statements'
import { toColumn } from './text-column'
import { storeError } from './trouble'
import { PoolErrors } from './pool-errors'

/** What the statements are depends on what is found when the store is opened. */
interface VerbQuestion<R, T> extends Omit<Question<R, T>, 'statement' | 'otherwise'> {
  readonly verb: Verb
  /** Asked when the first has changed nothing. */
  readonly otherwise?: { readonly verb: Verb, readonly values: PostgresValue[] }
}

/** A change to one row, and what is made of the outcome. */
interface Change<T> extends Omit<VerbQuestion<Answer, T>, 'otherwise' | 'judge' | 'isReading'> {
  readonly name: string
  /** Of the record that is stored, or of the end. */
  readonly id: string
  /** {@inheritDoc Question.judge} */
  readonly judge: (row: Outcome, isUnsure: boolean) => T | undefined
}

/** The verbs of a store that keeps each session in a row of a table. */
export abstract class PostgresRecords extends BaseRecordStore {
  abstract override readonly features: StoreFeatures & { readonly records: true }
  protected readonly options: SettledPostgresOptions
  protected readonly limits: RowLifetimes
  /** That the rows have. */
  readonly #appid: string
  readonly #server: Server
  readonly #unsettled: UnsettledCalls
  readonly #poolErrors: PoolErrors
  #statements: Statements
  #opening: Promise<void> | null = null
  #isOpen = false
  #warnings: readonly string[] = []

  /** `rowsOf` is the appid that the rows have, if not the store's own: then they are the lists of an index. */
  constructor (options: PostgresSessionStoreOptions, rowsOf?: string) {
    const settled = postgresStoreOptions(options)
    super(settled)
    this.options = settled
    const { idleTimeout, absoluteTimeout, appid } = settled
    this.limits = { idleTimeout, absoluteTimeout, isLeast: rowsOf !== undefined }
    this.#appid = rowsOf ?? appid
    this.#statements = this.#statementsOf(true)
    this.#server = new Server(settled)
    this.#unsettled = new UnsettledCalls(memoryOf(settled.timeout), settled.timeout)
    this.#poolErrors = new PoolErrors(settled.pool)
  }

  /** {@inheritDoc RecordStore.warnings} */
  get warnings (): readonly string[] {
    return this.#warnings
  }

  /**
   * Looks whether the server and its settings will do, and makes the table if it is missing. The
   * plugin calls this before the app is ready; without the plugin the first call of the store does.
   *
   * @throws {SessionStoreError} when there is no server, when it is older than version 13 or takes no
   * writes, and when the table is another one or cannot be made
   */
  async open (): Promise<void> {
    this.#poolErrors.listen()
    this.#opening ??= openTable(this.#server, this.options).then(({ warnings, mayConfirm }) => {
      this.#warnings = warnings
      // Looked for when a statement starts, also where it would not be called.
      this.#statements = this.#statementsOf(mayConfirm)
      this.#isOpen = true
    }).finally(() => { this.#opening = null })
    await this.#opening
  }

  /** {@inheritDoc RecordStore.close} The pool stays open: it is the caller's. The store can be used on. */
  async close (): Promise<void> {
    await indexInUse(this)?.close()
    this.#poolErrors.leave()
    this.cipher.clear()
  }

  /** {@inheritDoc RecordStore.read} @throws {SessionStoreError} */
  read (name: string): Promise<StoredSession | null> {
    return this.ask<SessionRow, StoredSession | null>({
      doing: 'read a session',
      verb: 'read',
      values: () => [checkedName(name)],
      judge: ([row]) => storedSession(row as SessionRow, this.limits),
      isReading: true
    })
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    return await this.#create(name, record, record.createdAt, undefined)
  }

  /** {@inheritDoc PortableRecordStore.importSession} @throws {SessionError} */
  async importSession ({ name, text, idleTimeout, createdAt, lastAccess }: PortableSession): Promise<Creation> {
    return await this.#create(name, { text, idleTimeout }, createdAt, lastAccess)
  }

  async #create (name: string, record: SessionRecord, createdAt: number | undefined, lastAccess: number | undefined): Promise<Creation> {
    const [text, idleTimeout] = this.#columns(record)
    const [created, accessed] = [moment(createdAt), moment(lastAccess)]
    return await this.#settle(['create', name, text, idleTimeout, created, accessed], (id, attempts) => this.#change<Creation>({
      doing: 'create a session',
      attempts,
      verb: 'create',
      name,
      id,
      values: deadline => [name, text, id, idleTimeout, created, accessed, deadline],
      judge: (row, isUnsure) => {
        if (isStored(row, id)) return { result: 'created', version: id }
        if (row.status !== 'live' || row.isDamaged) return undefined
        if (isUnsure && !remembersSince(row, null)) throw unknown('create a session')
        return { result: 'taken' }
      }
    }))
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const [text, idleTimeout] = this.#columns(record)
    const [base, created] = [versionOf(version), moment(record.createdAt)]
    const verb = record.keepLastUse === true ? 'replaceUnused' : 'replace'
    return await this.#settle([verb, name, text, base, idleTimeout, created], (id, attempts) => this.#change<Replacement>({
      doing: 'save a session',
      attempts,
      verb,
      name,
      id,
      values: deadline => [name, text, id, base, idleTimeout, created, deadline],
      judge: (row, isUnsure) => {
        if (isStored(row, id)) return { result: 'replaced', version: id }
        if (!row.isWritable || row.isDamaged) return { result: 'gone' }
        if (row.version === base) return undefined
        if (isUnsure && !remembersSince(row, base)) throw unknown('save a session')
        return { result: 'conflict' }
      }
    }))
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionStoreError} */
  async remove (name: string, version?: string): Promise<Removal> {
    const base = version === undefined ? null : versionOf(version)
    return await this.#settle(['remove', name, base], (id, attempts) => this.#change<Removal>({
      doing: 'remove a session',
      attempts,
      verb: 'remove',
      name,
      id,
      values: deadline => [name, id, base, deadline],
      judge: (row, isUnsure) => {
        if (isStored(row, id)) return 'removed'
        if (isUnsure && row.version !== base && !remembersSince(row, base)) throw unknown('remove a session')
        if (!row.isWritable) return 'gone'
        return base === null || row.version === base ? undefined : 'conflict'
      }
    }))
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionStoreError} */
  async touch (name: string): Promise<void> {
    await this.ask({
      doing: 'touch a session', verb: 'touch', values: deadline => [checkedName(name), deadline], judge: () => true
    })
  }

  /** {@inheritDoc RecordStore.setAside} The reaper removes it after a week. @throws {SessionStoreError} */
  async setAside (name: string, version?: string): Promise<void> {
    const id = newRecordId()
    const base = version === undefined ? null : versionOf(version)
    await this.#change<true>({
      doing: 'set a session aside',
      verb: 'setAside',
      name,
      id,
      values: deadline => [name, id, base, deadline],
      judge: row => {
        const isThere = ['live', 'expired'].includes(row.status) && (base === null || row.version === base)
        return isThere ? undefined : true
      }
    })
  }

  async #change<T> ({ name, id, judge, ...change }: Change<T>): Promise<T> {
    checkedName(name)
    return await this.ask<Answer, T>({
      ...change,
      otherwise: { verb: change.verb === 'remove' ? 'foundEnded' : 'found', values: [name, id] },
      judge: (rows, isUnsure) => judge(outcomeOf(rows), isUnsure)
    })
  }

  /** Asks the server, once the store is open. */
  protected ask<R, T> (question: VerbQuestion<R, T>): Promise<T> {
    return this.#isOpen ? this.#ask(question) : this.open().then(() => this.#ask(question))
  }

  #ask<R, T> ({ verb, otherwise, ...question }: VerbQuestion<R, T>): Promise<T> {
    return this.#server.ask({
      ...question,
      statement: this.#statements[verb],
      otherwise: otherwise && { statement: this.#statements[otherwise.verb], values: otherwise.values }
    })
  }

  #statementsOf (mayConfirm: boolean): Statements {
    return statementsFor({ ...this.options, ...this.limits, appid: this.#appid, mayConfirm })
  }

  /** Asks for what is not to be done twice. An earlier call for the same thing whose outcome is not known is taken up. */
  async #settle<T> (what: PostgresValue[], ask: (id: string, attempts: Attempts) => Promise<T>): Promise<T> {
    const earlier = this.#unsettled.take(...what)
    const { id, began } = earlier ?? { id: newRecordId(), began: performance.now() }
    const attempts = { isUnsure: earlier !== undefined }
    try {
      return await ask(id, attempts)
    } catch (error) {
      if (attempts.isUnsure) this.#unsettled.remember({ id, began }, ...what)
      throw error
    }
  }

  #columns (record: SessionRecord): [string, PostgresValue] {
    const idleTimeout = checkRecord(record, this.options.maxSize)
    return [toColumn(record.text), idleTimeout === 0 ? null : idleTimeout]
  }
}

function unknown (doing: string): Error {
  return storeError(doing, 'the connection was lost, and so many others have saved the session since that it is not known whether it was done', undefined, 'unknown')
}

function moment (time: number | undefined): number | null {
  return time === undefined || Number.isNaN(time) ? null : Math.min(Math.max(Math.trunc(time), 0), LATEST)
}
