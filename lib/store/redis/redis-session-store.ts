import { isForwarding } from '../forwarding'
import { LONGEST_LIST, MARGIN } from '../index-lists'
import { indexOf } from '../session-index'
import { cannotOpenAll, isSealed } from '../sealed-text'
import { bodyOf } from '../session-header'
import type {
  Companion, IndexableRecordStore, IterableSessionStore, PortableRecordStore, PortableSession, ReadableSessionStore, SessionInfo
} from '../store-abilities'
import { reachesKeysTogether } from './joined-keys'
import { scanNames } from './key-scan'
import { LeftKeys } from './left-keys'
import { redisStoreOptions, type RedisSessionStoreOptions } from './options'
import { RedisRecords } from './redis-records'
import { checkServer } from './server-check'
import { isDamaged, portableSession, sessionInfo, type StoredValue } from './stored-value'

/** Sessions that a listing reads at once: no more texts than these are in memory. */
const BATCH = 8

const FEATURES = { records: true, iterable: true, readable: true, portable: true, indexable: true } as const

/**
 * Sessions in Redis or Valkey, one key each. Any number of stores, on any number of hosts, can work
 * on one server or cluster. The server's clock decides when sessions end, and removes them.
 *
 * @throws {SessionError} from the constructor, for an option that makes no sense.
 */
export class RedisSessionStore extends RedisRecords implements IterableSessionStore, ReadableSessionStore, PortableRecordStore, IndexableRecordStore {
  readonly features: typeof FEATURES & { readonly immediate?: true }
  readonly #given: RedisSessionStoreOptions
  #warnings: readonly string[] = []

  constructor (options: RedisSessionStoreOptions) {
    super(redisStoreOptions(options))
    this.#given = options
    this.features = this.feed === undefined ? FEATURES : { ...FEATURES, immediate: true }
  }

  /** {@inheritDoc RecordStore.warnings} */
  get warnings (): readonly string[] {
    return this.#warnings
  }

  /**
   * Tries out whether the server can keep sessions. The plugin calls this before the app is ready.
   *
   * @throws {SessionStoreError} when the client is not connected, or the server is too old or forbids scripts
   */
  async open (): Promise<void> {
    const { connection, timeout } = this.options
    this.#warnings = await checkServer(connection, this.runner, this.names, timeout)
    if (connection.joinsCalls && !await reachesKeysTogether(connection, this.names, timeout)) this.runner.stopJoining()
    const failure = await this.feed?.start(timeout * 1000) ?? null
    if (failure !== null) this.#warnings = [...this.#warnings, `fastify-file-sessions: the option cache has no effect as long as the server does not tell of changes: ${failure}`]
  }

  /** {@inheritDoc RecordStore.close} */
  async close (): Promise<void> {
    this.feed?.stop()
    this.cipher.clear()
  }

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionStoreError} */
  async * sessions (): AsyncGenerator<SessionInfo, void> {
    for await (const [, value] of this.#values()) if (!isDamaged(value)) yield sessionInfo(value)
  }

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionStoreError} */
  async * texts (): AsyncGenerator<string, void> {
    for await (const [, value] of this.#values()) {
      if (isDamaged(value)) continue
      const { text } = value
      if (isSealed(text)) throw cannotOpenAll()
      yield bodyOf(text)
    }
  }

  /** {@inheritDoc PortableRecordStore.exportSessions} The text of a damaged one does not open. @throws {SessionStoreError} */
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    for await (const [name, value] of this.#values()) yield portableSession(name, value)
  }

  /** {@inheritDoc IterableSessionStore.clear} @throws {SessionStoreError} */
  async clear (): Promise<number> {
    const left = new LeftKeys()
    let count = 0
    for await (const names of this.#pages()) {
      const removals = await Promise.all(names.map(name => left.without(this.remove(name))))
      count += removals.filter(removal => removal === 'removed').length
    }
    await indexOf(this)?.clear()
    left.check()
    return count
  }

  /** {@inheritDoc IndexableRecordStore.companion} Their keys have `index:` behind the prefix. */
  companion (): Companion {
    const { client, timeout, replicas } = this.#given
    const { appid, prefix, idleTimeout } = this.options
    const records = new RedisSessionStore({
      client, timeout, replicas, appid, prefix: `${prefix}index:`, idleTimeout: idleTimeout + MARGIN, maxSize: LONGEST_LIST
    })
    return { records, idleTimeout, latest: name => this.latest(name) }
  }

  async * #values (): AsyncGenerator<readonly [name: string, value: StoredValue], void> {
    const left = new LeftKeys()
    for await (const names of this.#pages()) {
      for (let start = 0; start < names.length; start += BATCH) {
        const values = await Promise.all(names.slice(start, start + BATCH).map(async name => [name, await left.without(this.value(name))] as const))
        for (const [name, value] of values) {
          if (value !== null && !isForwarding(value.text)) yield [name, value]
        }
      }
    }
    left.check()
  }

  #pages (): AsyncGenerator<string[], void> {
    return scanNames(this.options.connection, this.names, this.options.timeout)
  }
}
