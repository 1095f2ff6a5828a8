import { setTimeout as delay } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import type { SessionError } from '../../errors'
import { publishEnded } from '../session-events'
import { LONGEST_LIST, MARGIN } from '../index-lists'
import { indexOf } from '../session-index'
import { cannotOpenAll, isSealed } from '../sealed-text'
import { bodyOf, DAMAGED_TEXT } from '../session-header'
import type {
  Companion, IndexableRecordStore, IterableSessionStore, PortableRecordStore, PortableSession, ReadableSessionStore, ReapableSessionStore,
  ReapCounts, SessionInfo
} from '../store-abilities'
import type { Answer } from './answer'
import type { PostgresSessionStoreOptions } from './options'
import { PostgresRecords } from './postgres-records'
import { portableSession, sessionInfo, type ListedRow, type TextRow } from './session-row'
import type { Verb } from './statements'

interface ClearedRow extends Answer {
  readonly last: string | null
  readonly removed: number | string
  readonly in_time: number
}

interface SweptRow extends Answer {
  readonly last: string | null
  readonly seen: number | string
  readonly expired: number | string
  readonly set_aside: number | string
  /** Those of expired sessions, with blanks between them; null: none. */
  readonly names: string | null
}

/**
 * Sessions in a table of PostgreSQL, a row each. Any number of processes, on any number of hosts, can
 * work on one table; the server's clock decides about ages.
 *
 * ```ts
 * new PostgresSessionStore({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) })
 * ```
 *
 * @throws {SessionError} SESSION_OPTION from the constructor, for an option that makes no sense.
 */
export class PostgresSessionStore extends PostgresRecords
  implements IterableSessionStore, ReadableSessionStore, ReapableSessionStore, PortableRecordStore, IndexableRecordStore {
  readonly features = { records: true, iterable: true, readable: true, reapable: true, portable: true, indexable: true } as const
  readonly #hasSessions: boolean

  /** `rowsOf` is the appid that the rows have, of a store whose records are lists of an index. @internal */
  constructor (options: PostgresSessionStoreOptions, rowsOf?: string) {
    super(options, rowsOf)
    this.#hasSessions = rowsOf === undefined
  }

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionStoreError} */
  async * sessions (): AsyncGenerator<SessionInfo, void> {
    for await (const row of this.#rows<ListedRow>('list')) {
      const info = sessionInfo(row, this.limits)
      if (info !== null) yield info
    }
  }

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionStoreError} */
  async * texts (): AsyncGenerator<string, void> {
    for await (const { text } of this.exportSessions()) {
      if (text === DAMAGED_TEXT) continue
      if (isSealed(text)) throw cannotOpenAll()
      yield bodyOf(text)
    }
  }

  /** {@inheritDoc PortableRecordStore.exportSessions} The text of a damaged one does not open. @throws {SessionStoreError} */
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    for await (const row of this.#rows<TextRow>('texts')) {
      const session = portableSession(row, this.limits)
      if (session !== null) yield session
    }
  }

  /** {@inheritDoc IterableSessionStore.clear} Does not count what a statement removed whose answer was lost. @throws {SessionStoreError} */
  async clear (): Promise<number> {
    let removed = 0
    for (let last: string | null = ''; last !== null;) {
      const after: string = last
      const row: ClearedRow = await this.ask<ClearedRow, ClearedRow>({
        doing: 'remove all sessions',
        verb: 'clear',
        values: deadline => [after, deadline],
        judge: ([row]) => Number(row?.in_time) === 1 ? row : undefined
      })
      removed += Number(row.removed)
      last = row.last
    }
    await indexOf(this)?.clear()
    return removed
  }

  /**
   * {@inheritDoc ReapableSessionStore.reap}
   *
   * Goes through the table in small steps, with a pause after each that is as long as the step. A row
   * that another transaction holds is left to the next time.
   */
  async reap (signal?: AbortSignal): Promise<ReapCounts> {
    const counts: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
    try {
      for (let last: string | null = ''; last !== null && signal?.aborted !== true;) {
        const start = performance.now()
        const after: string = last
        const row: SweptRow = await this.ask<SweptRow, SweptRow>({
          doing: 'remove expired sessions', verb: 'sweep', values: () => [after], judge: ([row]) => row
        })
        counts.seen += Number(row.seen)
        counts.expired += Number(row.expired)
        counts.setAside += Number(row.set_aside)
        if (this.#hasSessions) for (const name of row.names?.split(' ') ?? []) publishEnded(this.sesAppid(), name, 'expired')
        last = row.last
        if (last !== null) await delay(performance.now() - start)
      }
    } catch (error) {
      counts.failed++
      counts.error = error as SessionError
    }
    return counts
  }

  /** {@inheritDoc IndexableRecordStore.companion} They are rows of the same table, of an appid that no app can have. */
  companion (): Companion {
    const { appid, pool, table, schema, timeout, prepare, idleTimeout } = this.options
    const options = { pool, table, schema, timeout, prepare, appid, idleTimeout: idleTimeout + MARGIN, maxSize: LONGEST_LIST }
    return { records: new PostgresSessionStore(options, `index of ${appid}`), idleTimeout, latest: name => this.read(name) }
  }

  /** Returns the rows of this appid, a page at a time, in the order of their names. */
  async * #rows<R extends ListedRow | TextRow> (verb: Verb): AsyncGenerator<R, void> {
    for (let last = ''; ;) {
      const rows = await this.ask<R, readonly R[]>({
        doing: 'list the sessions',
        verb,
        values: () => [last],
        judge: rows => rows,
        isReading: true
      })
      if (rows.length === 0) return
      yield * rows
      last = (rows.at(-1) as R).name
    }
  }
}
