import { isImmediate } from '../store/features'
import { SessionError } from '../errors'
import { isKeyId, LEAST_KEY_BITS, SHORTEST_KEY_ID } from '../store/id-strength'
import { isForwarding } from '../store/forwarding'
import { isSealed } from '../store/sealed-text'
import type { SessionCipher } from '../store/session-cipher'
import { headFor, isHeaded } from '../store/session-header'
import type { Removal, Replacement, SessionRecord, StoredSession } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import type { ImmediateRecordStore } from '../store/store-abilities'
import { Forwards } from './forwards'
import { IndexedSaving, type Swap } from './indexed-saving'
import { Indexing } from './indexing'
import { OpenedSession, sealedText, type NewSession, type PlainRecord, type Predecessor, type SessionKey } from './opened-session'

/** A live session, and the key that it has. */
export interface Found {
  readonly key: SessionKey
  readonly stored: StoredSession
}

/**
 * A store's records with plain texts: what is stored is sealed on the way in, and opened on the way
 * out, when a caller looks at the text. So a record that no handler looks at costs no decryption,
 * and records are compared and merged as plain texts.
 *
 * The `text` of a session that does not open throws an `UnopenedError` each time.
 *
 * A session that has moved to a new id by itself leaves a record under the old one that forwards. That is
 * not a session: `read` returns null for it. `find` follows it, as long as its grace lasts.
 */
export class SessionRecords {
  readonly #store: RecordStore
  readonly #cipher: SessionCipher
  readonly #immediate: ImmediateRecordStore | null
  /** Whether the ids are the store's own, and it does not know that keys are made of them. */
  readonly #checksIds: boolean
  readonly #indexing: Indexing
  readonly #saving: IndexedSaving
  readonly #forwards: Forwards
  /** What was sealed in vain, by what it was to replace: it goes when the request that has that goes. */
  readonly #unused = new WeakMap<StoredSession, { record: PlainRecord, sealed: SessionRecord }>()

  constructor (store: RecordStore, cipher: SessionCipher, indexing = new Indexing(store), now: () => number = Date.now) {
    this.#indexing = indexing
    this.#saving = new IndexedSaving(store, indexing)
    this.#forwards = new Forwards(store, now)
    this.#store = store
    this.#cipher = cipher
    this.#immediate = isImmediate(store) ? store : null
    this.#checksIds = cipher.isOn && store.cipher !== cipher
  }

  keyOf (sesid: string): SessionKey {
    return { sesid, name: this.#store.nameOf(sesid) }
  }

  /** Makes the id of a session that is about to be created. @throws {SessionError} SESSION_ID */
  async newKey (): Promise<SessionKey> {
    const key = this.keyOf(await this.#store.newId())
    if (!this.#checksIds || isKeyId(key.sesid)) return key
    // A store with the five methods makes no id without a session.
    await this.#store.remove(key.name).catch(() => undefined)
    throw new SessionError('SESSION_ID', `the store makes ids of fewer random bits than the ${LEAST_KEY_BITS} that the option encryption needs, ` +
      `for keys are made of ids: have it make ids of ${SHORTEST_KEY_ID} or more random letters and digits`)
  }

  /** Whether `readNow` may find something. */
  get areImmediate (): boolean {
    return this.#immediate !== null
  }

  /** Returns the session or null, as the store's `read` does; `undefined`: it takes time, call `read`. */
  readNow (key: SessionKey): StoredSession | null | undefined {
    const stored = this.#immediate?.readNow(key.name)
    if (stored === undefined || stored === null) return stored
    return isForwarding(stored.text) ? undefined : this.#open(key, stored)
  }

  /** Returns the session; null for one that has moved on, too. */
  async read (key: SessionKey): Promise<StoredSession | null> {
    const stored = await this.#readStored(key)
    return stored === null || isForwarding(stored.text) ? null : this.#open(key, stored)
  }

  /** Returns the session that the key names, or the one that it has moved to within the grace; null when there is none. */
  async find (key: SessionKey): Promise<Found | null> {
    const stored = await this.#readStored(key)
    if (stored === null) return null
    if (!isForwarding(stored.text)) return { key, stored: this.#open(key, stored) }
    const sesid = this.#forwards.inGrace(key, stored)
    if (sesid === null) return null
    const to = this.keyOf(sesid)
    const moved = await this.read(to)
    return moved === null ? null : { key: to, stored: moved }
  }

  /** Returns the key that the session has moved to; null when it has not, or ended. For requests that loaded it before. */
  async movedTo (key: SessionKey): Promise<SessionKey | null> {
    const stored = await this.#readStored(key)
    const forwarding = stored === null ? null : this.#forwards.of(key, stored)
    return forwarding === null ? null : this.keyOf(forwarding.sesid)
  }

  /** Has the old id lead to the new session for `grace` seconds, if the old one is still `base`. @see Forwards.put */
  async forward (key: SessionKey, base: StoredSession, to: SessionKey, grace: number): Promise<Replacement['result']> {
    const result = await this.#forwards.put(key, base, to, grace)
    if (result === 'replaced') await this.#letGo(key, base)
    return result
  }

  /** Returns the record under the key, for a caller that waits for it. */
  #readStored (key: SessionKey): Promise<StoredSession | null> | StoredSession | null {
    const stored = this.#immediate?.readNow(key.name)
    return stored === undefined ? this.#store.read(key.name) : stored
  }

  /**
   * Returns what is stored; `taken` for a name that has a session; `ended` when all sessions of its kind were ended
   * meanwhile. `from`: the session whose place this one is to take. When it has, call `settle`.
   */
  async create (key: SessionKey, record: PlainRecord, from?: Predecessor): Promise<StoredSession | 'taken' | 'ended'> {
    const plan = this.#indexing.plan(key.name, record, null, from)
    return plan === null ? await this.#create(key, record) : await this.#saving.create(key, plan, () => this.#create(key, plan.record))
  }

  async #create (key: SessionKey, record: PlainRecord): Promise<StoredSession | 'taken'> {
    const sealed = this.#seal(key, record)
    const creation = await this.#store.create(key.name, sealed)
    if (creation.result === 'taken') return 'taken'
    const { text, idleTimeout, createdAt } = record
    const { version } = creation
    return this.#known(key, { text: sealed.text, idleTimeout, createdAt, version, touchDue: false, idleLeft: undefined }, text)
  }

  /** Does what `replace` does, if that takes no time; `undefined`: nothing has happened, call `replace`. */
  replaceNow (key: SessionKey, record: PlainRecord, base: StoredSession): Swap | undefined {
    if (this.#immediate === null) return undefined
    const plan = this.#indexing.plan(key.name, record, base)
    if (plan !== null) {
      if (plan.enter.length > 0 || plan.leave.length > 0 || this.#indexing.index?.entering.isTouchDue(plan.lasting) === true) return undefined
      record = plan.record
    }
    const sealed = this.#seal(key, record, base)
    const outcome = this.#immediate.replaceNow(key.name, sealed, base.version)
    if (outcome !== undefined) return this.#swap(key, record, sealed, base, outcome)
    this.#unused.set(base, { record, sealed })
    return undefined
  }

  /** Replaces the record if it is still `base`. `from`: see `create`. It may throw at once. */
  replace (key: SessionKey, record: PlainRecord, base: StoredSession, from?: Predecessor): Promise<Swap> {
    const plan = this.#indexing.plan(key.name, record, base, from)
    return plan === null ? this.#replace(key, record, base) : this.#saving.replace(key, plan, base, () => this.#replace(key, plan.record, base))
  }

  /**
   * Has the logins count that a session brought along which has taken the place of another one now. Returns whether
   * it may stay; if not, the caller removes it. @throws {SessionError}
   */
  async settle ({ name, stored }: NewSession): Promise<boolean> {
    return await this.#saving.settle(name, stored)
  }

  async #replace (key: SessionKey, record: PlainRecord, base: StoredSession): Promise<Swap> {
    const sealed = this.#takeUnused(record, base) ?? this.#seal(key, record, base)
    const outcome = this.#immediate?.replaceNow(key.name, sealed, base.version) ??
      await this.#store.replace(key.name, sealed, base.version)
    return this.#swap(key, record, sealed, base, outcome)
  }

  /** Ends the session, and takes it out of the indexes that it was in when it was read as `known`. */
  async remove (key: SessionKey, version?: string, known?: StoredSession | null): Promise<Removal> {
    const removal = await this.#store.remove(key.name, version)
    if (removal !== 'conflict') await this.#letGo(key, known ?? null)
    return removal
  }

  /** Forgets a session that is not under this key any more. */
  async #letGo ({ sesid, name }: SessionKey, known: StoredSession | null): Promise<void> {
    this.#cipher.forget(sesid)
    if (known !== null) await this.#saving.leave(name, known)
  }

  /** Starts the session's idle time anew, and before it that of the lists that it is in. */
  async touch ({ name }: SessionKey, stored: StoredSession): Promise<void> {
    if (await this.#saving.keepAlive(name, stored)) await this.#store.touch(name)
  }

  /** Has a session that expired a moment ago found again, if an end of all of its kind would find it. It has one more idle time. */
  async revive ({ name }: SessionKey, known: StoredSession | null): Promise<void> {
    if (await this.#saving.mayRevive(name, known)) await this.#store.touch(name)
  }

  #open (key: SessionKey, stored: StoredSession): StoredSession {
    return this.#cipher.isOn || isSealed(stored.text) || isHeaded(stored.text) ? new OpenedSession(this.#cipher, key, stored) : stored
  }

  /** As `#open`, of a record whose plain text is known. */
  #known (key: SessionKey, stored: StoredSession, plain: string): StoredSession {
    return this.#cipher.isOn || isHeaded(stored.text) ? new OpenedSession(this.#cipher, key, stored, plain) : stored
  }

  #seal ({ sesid }: SessionKey, { header, text, idleTimeout, createdAt, keepLastUse }: PlainRecord, base?: StoredSession): SessionRecord {
    const head = header === undefined ? undefined : headFor(header)
    return this.#cipher.sealRecord(sesid, { text, idleTimeout, createdAt, keepLastUse }, base === undefined ? undefined : sealedText(base), head)
  }

  /** Returns what `replaceNow` has sealed a moment ago and could not store: nothing is sealed twice for one save. */
  #takeUnused ({ text, idleTimeout, header }: PlainRecord, base: StoredSession): SessionRecord | null {
    const unused = this.#unused.get(base)
    this.#unused.delete(base)
    return unused?.record.text === text && unused.record.idleTimeout === idleTimeout && unused.record.header === header ? unused.sealed : null
  }

  #swap (key: SessionKey, record: PlainRecord, sealed: SessionRecord, base: StoredSession, outcome: Replacement): Swap {
    if (outcome.result !== 'replaced') return outcome
    const { touchDue, idleLeft, clock } = base
    const { idleTimeout, createdAt = base.createdAt } = record
    const { version } = outcome
    return { result: 'replaced', stored: this.#known(key, { text: sealed.text, idleTimeout, createdAt, version, touchDue, idleLeft, clock }, record.text) }
  }
}
