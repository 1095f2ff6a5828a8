import { isImmediate } from '../store/features'
import { SessionError } from '../errors'
import { isKeyId, LEAST_KEY_BITS, SHORTEST_KEY_ID } from '../store/id-strength'
import { isSealed } from '../store/sealed-text'
import type { SessionCipher } from '../store/session-cipher'
import type { ImmediateRecordStore, RecordStore, Removal, Replacement, SessionRecord, StoredSession } from '../store/session-store'

/** A session's id, and the name under which the store keeps it. */
export interface SessionKey {
  readonly sesid: string
  readonly name: string
}

/** `replaced` comes with what is stored now. */
export type Swap =
  | { readonly result: 'replaced', readonly stored: StoredSession }
  | { readonly result: 'conflict' | 'gone' }

/**
 * A store's records with plain texts: what is stored is sealed on the way in, and opened on the way
 * out, when a caller looks at the text. So a record that no handler looks at costs no decryption,
 * and records are compared and merged as plain texts.
 *
 * The `text` of a session that does not open throws an `UnopenedError` each time.
 */
export class SessionRecords {
  readonly #store: RecordStore
  readonly #cipher: SessionCipher
  readonly #immediate: ImmediateRecordStore | null
  /** Whether the ids are the store's own, and it does not know that keys are made of them. */
  readonly #checksIds: boolean
  /** What was sealed in vain, by what it was to replace: it goes when the request that has that goes. */
  readonly #unused = new WeakMap<StoredSession, { record: SessionRecord, sealed: SessionRecord }>()

  constructor (store: RecordStore, cipher: SessionCipher) {
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

  /** Returns the session or null, as the store's `read` does; `undefined`: it takes time, call `read`. */
  readNow (key: SessionKey): StoredSession | null | undefined {
    const stored = this.#immediate?.readNow(key.name)
    return stored === undefined || stored === null ? stored : this.#open(key, stored)
  }

  async read (key: SessionKey): Promise<StoredSession | null> {
    let stored = this.#immediate?.readNow(key.name)
    if (stored === undefined) stored = await this.#store.read(key.name)
    return stored === null ? null : this.#open(key, stored)
  }

  /** Returns what is stored; null when the name is taken. */
  async create (key: SessionKey, record: SessionRecord): Promise<StoredSession | null> {
    const sealed = this.#cipher.sealRecord(key.sesid, record)
    const creation = await this.#store.create(key.name, sealed)
    if (creation.result === 'taken') return null
    const { text, idleTimeout, createdAt } = record
    const { version } = creation
    return this.#known(key, { text: sealed.text, idleTimeout, createdAt, version, touchDue: false, idleLeft: undefined }, text)
  }

  /** Does what `replace` does, if that takes no time; `undefined`: nothing has happened, call `replace`. */
  replaceNow (key: SessionKey, record: SessionRecord, base: StoredSession): Swap | undefined {
    if (this.#immediate === null) return undefined
    const sealed = this.#cipher.sealRecord(key.sesid, record, sealedText(base))
    const outcome = this.#immediate.replaceNow(key.name, sealed, base.version)
    if (outcome !== undefined) return this.#swap(key, record, sealed, base, outcome)
    this.#unused.set(base, { record, sealed })
    return undefined
  }

  /** Replaces the record if it is still `base`. */
  async replace (key: SessionKey, record: SessionRecord, base: StoredSession): Promise<Swap> {
    const sealed = this.#takeUnused(record, base) ?? this.#cipher.sealRecord(key.sesid, record, sealedText(base))
    const outcome = this.#immediate?.replaceNow(key.name, sealed, base.version) ??
      await this.#store.replace(key.name, sealed, base.version)
    return this.#swap(key, record, sealed, base, outcome)
  }

  async remove ({ sesid, name }: SessionKey, version?: string): Promise<Removal> {
    const removal = await this.#store.remove(name, version)
    if (removal !== 'conflict') this.#cipher.forget(sesid)
    return removal
  }

  #open (key: SessionKey, stored: StoredSession): StoredSession {
    return this.#cipher.isOn || isSealed(stored.text) ? new OpenedSession(this.#cipher, key, stored) : stored
  }

  /** As `#open`, of a record whose plain text is known. */
  #known (key: SessionKey, stored: StoredSession, plain: string): StoredSession {
    return this.#cipher.isOn ? new OpenedSession(this.#cipher, key, stored, plain) : stored
  }

  /** Returns what `replaceNow` has sealed a moment ago and could not store: nothing is sealed twice for one save. */
  #takeUnused ({ text, idleTimeout }: SessionRecord, base: StoredSession): SessionRecord | null {
    const unused = this.#unused.get(base)
    this.#unused.delete(base)
    return unused?.record.text === text && unused.record.idleTimeout === idleTimeout ? unused.sealed : null
  }

  #swap (key: SessionKey, record: SessionRecord, sealed: SessionRecord, base: StoredSession, outcome: Replacement): Swap {
    if (outcome.result !== 'replaced') return outcome
    const { touchDue, idleLeft } = base
    const { idleTimeout, createdAt = base.createdAt } = record
    const { version } = outcome
    return { result: 'replaced', stored: this.#known(key, { text: sealed.text, idleTimeout, createdAt, version, touchDue, idleLeft }, record.text) }
  }
}

/** Returns the text of a session as it is stored. */
export function sealedText (session: StoredSession): string {
  return session instanceof OpenedSession ? session.sealed : session.text
}

/** A stored session whose text is opened when it is asked for. */
class OpenedSession implements StoredSession {
  readonly idleTimeout: number | undefined
  readonly createdAt: number | undefined
  readonly version: string
  readonly touchDue: boolean
  readonly idleLeft: number | undefined
  /** The text as it is stored. */
  readonly sealed: string
  readonly #cipher: SessionCipher
  readonly #sesid: string
  #plain: string | undefined

  constructor (cipher: SessionCipher, { sesid }: SessionKey, stored: StoredSession, plain?: string) {
    this.idleTimeout = stored.idleTimeout
    this.createdAt = stored.createdAt
    this.version = stored.version
    this.touchDue = stored.touchDue
    this.idleLeft = stored.idleLeft
    this.sealed = stored.text
    this.#cipher = cipher
    this.#sesid = sesid
    this.#plain = plain
  }

  get text (): string {
    this.#plain ??= this.#cipher.open(this.#sesid, this.sealed)
    return this.#plain
  }
}
