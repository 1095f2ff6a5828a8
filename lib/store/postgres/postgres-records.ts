import { SessionError } from '../../errors'
import { checkRecord } from '../record-options'
import { BaseRecordStore } from '../record-store'
import type {
  Creation, PortableSession, PutOptions, Removal, Replacement, SessionRecord, StoredSession, StoreFeatures
} from '../session-store'
import { openTable } from './opening'
import { postgresStoreOptions, type PostgresSessionStoreOptions, type PostgresValue, type SettledPostgresOptions } from './options'
import { hasRecord, newRecordId, remembersSince, versionOf, type Records } from './recent'
import { Server, type Question, type Row } from './server'
import { storedSession, type SessionRow } from './session-row'
import { statementsFor, type Statements } from './statements'
import { toColumn } from './text-column'
import { storeError } from './trouble'
import { PoolErrors } from './pool-errors'

const NAME = /^[0-9a-f]{64}$/
/** The largest number of milliseconds that a record has room for, in every store. */
const LATEST = 2 ** 48 - 1

/** What a statement that changes a row says. */
interface Outcome extends Row, Records {
  /** `done`, or what is there instead: `live`, `expired`, `ended`; null for no row. */
  readonly status: 'done' | 'live' | 'expired' | 'ended' | null
  /** Whether the session is alive, or ended so lately that requests may still save it. */
  readonly writable: number
}

/** The verbs of a store that keeps each session in a row of a table. */
export abstract class PostgresRecords extends BaseRecordStore {
  abstract override readonly features: StoreFeatures & { readonly records: true }
  protected readonly options: SettledPostgresOptions
  protected readonly statements: Statements
  readonly #server: Server
  readonly #poolErrors: PoolErrors
  #opening: Promise<void> | null = null
  #isOpen = false
  #warnings: readonly string[] = []

  constructor (options: PostgresSessionStoreOptions) {
    const settled = postgresStoreOptions(options)
    super(settled)
    this.options = settled
    this.statements = statementsFor(settled)
    this.#server = new Server(settled)
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
    this.#opening ??= openTable(this.#server, this.options).then(warnings => {
      this.#warnings = warnings
      this.#isOpen = true
    }).finally(() => { this.#opening = null })
    await this.#opening
  }

  /** {@inheritDoc RecordStore.close} The pool stays open: it is the caller's. The store can be used on. */
  async close (): Promise<void> {
    this.#poolErrors.leave()
  }

  /** {@inheritDoc RecordStore.read} @throws {SessionStoreError} */
  async read (name: string): Promise<StoredSession | null> {
    return await this.ask<SessionRow, StoredSession | null>({
      doing: 'read a session',
      statement: this.statements.read,
      values: () => [checked(name)],
      judge: ([row]) => {
        if (row === undefined) return null
        checkPrimary(row)
        return storedSession(row, this.options)
      },
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
    const id = newRecordId()
    return await this.ask<Outcome, Creation>({
      doing: 'create a session',
      statement: this.statements.create,
      values: deadline => [checked(name), text, id, idleTimeout, moment(createdAt), moment(lastAccess), deadline],
      judge: (rows, isUnsure) => {
        const row = outcome(rows)
        if (row.status === 'done' || holds(row, id)) return { result: 'created', version: id }
        if (row.status !== 'live') return undefined
        if (isUnsure && !remembersSince(row, null)) throw unknown('create a session')
        return { result: 'taken' }
      }
    })
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const [text, idleTimeout] = this.#columns(record)
    const [id, base] = [newRecordId(), versionOf(version)]
    return await this.ask<Outcome, Replacement>({
      doing: 'save a session',
      statement: this.statements.replace,
      values: deadline => [checked(name), text, id, base, idleTimeout, moment(record.createdAt), deadline],
      judge: (rows, isUnsure) => {
        const row = outcome(rows)
        if (row.status === 'done' || holds(row, id)) return { result: 'replaced', version: id }
        if (row.status === null || Number(row.writable) === 0) return { result: 'gone' }
        if (row.version === base) return undefined
        if (isUnsure && !remembersSince(row, base)) throw unknown('save a session')
        return { result: 'conflict' }
      }
    })
  }

  /** {@inheritDoc SessionStore.putSession} @throws {SessionError} */
  override async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    checkRecord({ text, idleTimeout: options?.idleTimeout }, this.options.maxSize)
    await super.putSession(sesid, text, options)
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionStoreError} */
  async remove (name: string, version?: string): Promise<Removal> {
    const id = newRecordId()
    const base = version === undefined ? null : versionOf(version)
    return await this.ask<Outcome, Removal>({
      doing: 'remove a session',
      statement: this.statements.remove,
      values: deadline => [checked(name), id, base, deadline],
      judge: (rows, isUnsure) => {
        const row = outcome(rows)
        if (row.status === 'done' || holds(row, id)) return 'removed'
        if (isUnsure && row.status !== null && row.version !== base && !remembersSince(row, base)) throw unknown('remove a session')
        if (row.status === null || Number(row.writable) === 0) return 'gone'
        return base === null || row.version === base ? undefined : 'conflict'
      }
    })
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionStoreError} */
  async touch (name: string): Promise<void> {
    await this.ask({
      doing: 'touch a session', statement: this.statements.touch, values: deadline => [checked(name), deadline], judge: () => true
    })
  }

  /** {@inheritDoc RecordStore.setAside} The reaper removes it after a week. @throws {SessionStoreError} */
  async setAside (name: string): Promise<void> {
    const id = newRecordId()
    await this.ask<Outcome, true>({
      doing: 'set a session aside',
      statement: this.statements.setAside,
      values: deadline => [checked(name), id, deadline],
      judge: rows => ['live', 'expired'].includes(outcome(rows).status as string) ? undefined : true
    })
  }

  /** Asks the server, once the store is open. */
  protected async ask<R, T> (question: Question<R, T>): Promise<T> {
    if (!this.#isOpen) await this.open()
    return await this.#server.ask(question)
  }

  #columns (record: SessionRecord): [string, PostgresValue] {
    const idleTimeout = checkRecord(record, this.options.maxSize)
    return [toColumn(record.text), idleTimeout === 0 ? null : idleTimeout]
  }
}

/** @throws {SessionStoreError} when the answer comes from a standby, which may be behind what was saved */
export function checkPrimary ({ now }: Row): void {
  if (now === null) throw Object.assign(new Error('the server is a standby'), { code: '25006' })
}

/** The statements that change a row always say something. */
function outcome ([row]: readonly Outcome[]): Outcome {
  return row as Outcome
}

function holds (row: Outcome, id: string): boolean {
  return row.status !== null && hasRecord(row, id)
}

function unknown (doing: string): Error {
  return storeError(doing, 'the connection was lost, and so many others have saved the session since that it is not known whether it was done')
}

/** @throws {SessionError} SESSION_ID */
function checked (name: string): string {
  if (!NAME.test(name)) throw new SessionError('SESSION_ID', 'the name of a session must be one that nameOf returns')
  return name
}

function moment (time: number | undefined): number | null {
  return time === undefined || Number.isNaN(time) ? null : Math.min(Math.max(Math.trunc(time), 0), LATEST)
}
