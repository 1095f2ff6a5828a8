import { SessionError } from '../errors'
import { check, checkKnown } from '../option-checks'
import { Clock } from './clock'
import { hasRecords, isImmediate, isIndexable, isIterable, isPortable, isReapable } from './features'
import { NO_VERSION } from './index-lists'
import { departed, looksMarked, reservedBy } from './moving-marks'
import { endSession, findSession } from './moving-steps'
import { BaseRecordStore } from './record-store'
import type { SessionCipher } from './session-cipher'
import { bodyOf } from './session-header'
import { randomId } from './session-id'
import { indexInUse } from './session-index'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from './session-record'
import type { RecordStore, StoreFeatures } from './session-store'
import type {
  Companion, ImmediateRecordStore, IndexableRecordStore, IterableSessionStore, PortableRecordStore, PortableSession, ReapCounts,
  SessionInfo
} from './store-abilities'

export interface MovingSessionStoreOptions {
  /** The store that holds the sessions so far. */
  from: RecordStore
  /** The store that shall hold them. */
  to: RecordStore
}

/**
 * Reads from an old store while a new one fills: the first request of a session moves it from `from`
 * to `to`, with its id, its data and its age. New sessions are made in `to`. No visitor is logged out.
 *
 * All promises of the two stores hold while every process uses them in this way: no update is lost,
 * what has ended stays ended, and a process may stop at any step for any time, or crash. See
 * `moving-steps.ts`. The limits:
 * - A process that uses `from` alone does not find a session that has moved.
 * - The `maxSize` of `from` must leave 128 bytes beside the longest text; with encryption, a third of it and 1.5 KiB.
 * - `to` must open what `from` holds: with its secrets, and `acceptPlain` if there may be plain sessions. See `opensAllOf`.
 * - A session that moves counts as used.
 * - Of several callers of `remove` without a version more than one may be told `removed`, when a process
 *   went on with a move long after it had begun it. One with a version never is.
 * - A text that begins with the mark of a move is refused.
 *
 * It lists and clears when both stores can, and removes what has expired in either.
 */
export class MovingSessionStore extends BaseRecordStore {
  readonly features: StoreFeatures & { readonly records: true }
  readonly #from: RecordStore
  readonly #to: RecordStore
  readonly #clock: Clock

  /** @throws {SessionError} SESSION_OPTION */
  constructor (options: MovingSessionStoreOptions, clock: Clock = new Clock()) {
    checkKnown(options, ['from', 'to'])
    const { from, to } = options
    for (const [name, store] of Object.entries({ from, to })) {
      check(typeof store === 'object' && store !== null && hasRecords(store), name,
        'must be a store with records, such as SessionFileStore; one with the five methods alone compares no versions')
    }
    check(from !== to, 'to', 'must be another store than from')
    check(from.sesAppid() === to.sesAppid(), 'to', `must have the appid of from, ${from.sesAppid()}`)
    super({ appid: to.sesAppid(), idGenerator: randomId, ...to.lifetimes }, to.cipher)
    check(opensAllOf(this.cipher, from.cipher), 'to', 'must open the sessions of from, which move as they are: give it the secrets of from, ' +
      'behind its own, and leave out acceptPlain: false if from may hold sessions that are not encrypted, or without a secret')
    this.#from = from
    this.#to = to
    this.#clock = clock
    const lists = [from, to].every(store => isPortable(store) && isIterable(store))
    this.features = {
      records: true,
      immediate: isImmediate(to),
      iterable: lists,
      readable: lists,
      portable: lists,
      reapable: isReapable(from) || isReapable(to),
      indexable: lists && isIndexable(from) && isIndexable(to)
    }
  }

  /** {@inheritDoc RecordStore.warnings} */
  get warnings (): readonly string[] {
    return [...this.#from.warnings ?? [], ...this.#to.warnings ?? []]
  }

  /** {@inheritDoc RecordStore.newId} */
  override newId (): Promise<string> {
    return this.#to.newId()
  }

  /** {@inheritDoc RecordStore.nameOf} */
  override nameOf (sesid: string): string {
    return this.#to.nameOf(sesid)
  }

  /** {@inheritDoc RecordStore.open} */
  async open (): Promise<void> {
    await this.#from.open()
    await this.#to.open()
  }

  /** {@inheritDoc RecordStore.close} */
  async close (): Promise<void> {
    await Promise.all([indexInUse(this)?.close(), this.#from.close(), this.#to.close()])
  }

  /** {@inheritDoc ImmediateRecordStore.readNow} @internal */
  readNow (name: string): StoredSession | null | undefined {
    const here = (this.#to as ImmediateRecordStore).readNow(name)
    // Anything but a session may be one that has to be moved.
    return here === null || here === undefined || looksMarked(here.text) ? undefined : here
  }

  /** {@inheritDoc RecordStore.read} Moves the session, if it is in the old store. @throws {SessionError} */
  read (name: string): Promise<StoredSession | null> {
    return findSession({ from: this.#from, to: this.#to }, name)
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    checkUnmarked(record)
    if (await this.#from.read(name) !== null) return { result: 'taken' }
    return await this.#to.create(name, record)
  }

  /** {@inheritDoc ImmediateRecordStore.replaceNow} @internal */
  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined {
    checkUnmarked(record)
    return (this.#to as ImmediateRecordStore).replaceNow(name, record, version)
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    checkUnmarked(record)
    return await this.#to.replace(name, record, version)
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionError} */
  async remove (name: string, version?: string): Promise<Removal> {
    if (version === undefined) return await endSession({ from: this.#from, to: this.#to }, name)
    // A version is that of a session in the new store. An older copy in the old store must not follow.
    await this.#from.remove(name)
    return await this.#to.remove(name, version)
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionError} */
  touch (name: string): Promise<void> {
    return this.#to.touch(name)
  }

  /** {@inheritDoc RecordStore.setAside} @throws {SessionError} */
  async setAside (name: string, version?: string): Promise<void> {
    if (version === NO_VERSION) await this.#from.setAside(name, version)
    await this.#to.setAside(name, version)
  }

  /** {@inheritDoc PortableRecordStore.exportSessions} Moves none. @throws {SessionError} */
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    // A session that moves meanwhile is in both listings. Of a session only its name is remembered.
    const seen = new Set<string>()
    for await (const session of (this.#from as PortableRecordStore).exportSessions()) {
      const text = textThere(session.text, await this.#to.read(session.name))
      if (text === null) continue
      seen.add(session.name)
      yield { ...session, text }
    }
    for await (const session of (this.#to as PortableRecordStore).exportSessions()) {
      if (!looksMarked(session.text) && !seen.has(session.name)) yield session
    }
  }

  /** {@inheritDoc PortableRecordStore.importSession} @throws {SessionError} */
  async importSession (session: PortableSession): Promise<Creation> {
    checkUnmarked(session)
    if (await this.#from.read(session.name) !== null) return { result: 'taken' }
    return await (this.#to as PortableRecordStore).importSession(session)
  }

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionError} */
  async * sessions (): AsyncGenerator<SessionInfo, void> {
    for await (const { name, text, createdAt, lastAccess } of this.exportSessions()) {
      const stored = await this.#to.read(name) ?? await this.#from.read(name)
      if (stored === null) continue
      const now = this.#clock.now()
      yield { age: this.#clock.since(createdAt, now), idle: this.#clock.since(lastAccess, now), idleLeft: stored.idleLeft ?? 0, size: Buffer.byteLength(text) }
    }
  }

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionError} */
  async * texts (): AsyncGenerator<string, void> {
    for await (const { text } of this.exportSessions()) yield bodyOf(text)
  }

  /** {@inheritDoc IterableSessionStore.clear} @throws {SessionError} */
  async clear (): Promise<number> {
    // The old store first: nothing moves from there any more.
    const count = await (this.#from as unknown as IterableSessionStore).clear()
    return count + await (this.#to as unknown as IterableSessionStore).clear()
  }

  /** {@inheritDoc IndexableRecordStore.companion} The lists move as the sessions do. */
  companion (): Companion {
    const [from, to] = [this.#from, this.#to].map(store => (store as IndexableRecordStore).companion()) as [Companion, Companion]
    return {
      records: new MovingSessionStore({ from: from.records, to: to.records }, this.#clock) as unknown as PortableRecordStore,
      idleTimeout: Math.max(from.idleTimeout, to.idleTimeout),
      // A session that is not in the new store yet is in no cache of it.
      latest: async name => await this.read(name) === null ? null : await to.latest(name)
    }
  }

  /** {@inheritDoc ReapableSessionStore.reap} @throws {SessionError} */
  async reap (signal?: AbortSignal): Promise<ReapCounts> {
    const sum: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
    for (const store of [this.#from, this.#to]) {
      if (!isReapable(store)) continue
      const { error, ...counts } = await store.reap(signal)
      for (const name of Object.keys(counts) as Array<keyof typeof counts>) sum[name] += counts[name]
      if (error !== undefined) sum.error ??= error
    }
    return sum
  }
}

/** Returns the text of a session that the old store still holds, beside what the new one has; null when it holds none. */
function textThere (text: string, here: StoredSession | null): string | null {
  const token = here === null ? null : reservedBy(here.text)
  if ((here !== null && token === null) || reservedBy(text) !== null) return null
  const left = departed(text)
  if (left === null) return text
  return left.token === token ? left.text : null
}

/** Whether `to` opens all that `from` opens. A store without a cipher holds plain texts. */
function opensAllOf (to: SessionCipher, from: SessionCipher | undefined): boolean {
  if (from === undefined) return to.refusal('') === null
  return (from.refusal('') !== null || to.refusal('') === null) && from.keyIds.every(keyId => to.keyIds.includes(keyId))
}

/** @throws {SessionError} SESSION_OPTION */
function checkUnmarked ({ text }: Pick<SessionRecord, 'text'>): void {
  if (typeof text === 'string' && looksMarked(text)) {
    throw new SessionError('SESSION_OPTION', 'the text of a session must not begin with the mark of a session that moves')
  }
}
