import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import { GRACE } from '../store/clock'
import { isImmediate } from '../store/features'
import { SessionError } from '../errors'
import { SHORTEST_KEY_ID } from '../store/id-strength'
import { forwardingText, isForwarding, openForwarding, type Forwarding } from '../store/forwarding'
import { isSealed } from '../store/sealed-text'
import type { SessionCipher } from '../store/session-cipher'
import { headerOf as headerOfText, headFor, isHeaded, NO_HEADER, type SessionHeader } from '../store/session-header'
import type { ImmediateRecordStore, RecordStore, Removal, Replacement, SessionRecord, StoredSession } from '../store/session-store'

/** A session's id, and the name under which the store keeps it. */
export interface SessionKey {
  readonly sesid: string
  readonly name: string
}

/** A live session, and the key that it has. */
export interface Found {
  readonly key: SessionKey
  readonly stored: StoredSession
}

/** A record with a plain text, and what is known of the session beside it. */
export interface PlainRecord extends SessionRecord {
  /** Left out: that of the record that this one takes the place of; none for a new session. */
  readonly header?: SessionHeader | undefined
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
 *
 * A session that has moved to a new id by itself leaves a forwarding record (`forwarding.ts`) under the
 * old one. That is not a session: `read` returns null for it. `find` follows it, as long as its grace lasts.
 */
export class SessionRecords {
  readonly #store: RecordStore
  readonly #cipher: SessionCipher
  readonly #immediate: ImmediateRecordStore | null
  readonly #now: () => number
  /** Whether the ids are the store's own, and it does not know that keys are made of them. */
  readonly #checksIds: boolean
  /** What was sealed last, and is not stored. */
  #unused: { record: PlainRecord, sealed: SessionRecord, base: StoredSession } | null = null

  /** `now` is the clock that graces end by, in milliseconds since 1970. */
  constructor (store: RecordStore, cipher: SessionCipher, now: () => number = Date.now) {
    this.#now = now
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
    if (!this.#checksIds || key.sesid.length >= SHORTEST_KEY_ID) return key
    // A store with the five methods makes no id without a session.
    await this.#store.remove(key.name).catch(() => undefined)
    throw new SessionError('SESSION_ID', `the store makes ids of ${key.sesid.length} characters, and the option encryption needs at least ` +
      `${SHORTEST_KEY_ID} random ones, for keys are made of ids`)
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
    const forwarding = openForwarding(this.#store.sesAppid(), key.sesid, stored.text)
    if (forwarding === null || forwarding.until <= this.#now()) return null
    const to = this.keyOf(forwarding.sesid)
    const moved = await this.read(to)
    return moved === null ? null : { key: to, stored: moved }
  }

  /** Returns the key that the session has moved to; null when it has not, or ended. For requests that loaded it before. */
  async movedTo (key: SessionKey): Promise<SessionKey | null> {
    const stored = await this.#readStored(key)
    const forwarding = stored === null ? null : this.#forwardingOf(key, stored)
    return forwarding === null ? null : this.keyOf(forwarding.sesid)
  }

  /**
   * Replaces the session by a forwarding record, if it is still `base`. For `grace` seconds the old id
   * names the new session. The record stays a minute more for requests that loaded the session before.
   */
  async forward (key: SessionKey, base: StoredSession, to: SessionKey, grace: number): Promise<Replacement['result']> {
    const text = forwardingText(this.#store.sesAppid(), key.sesid, { sesid: to.sesid, until: this.#now() + grace * 1000 })
    const record = { text, idleTimeout: Math.ceil(grace) + GRACE / 1000, createdAt: base.createdAt, forgetEarlier: true }
    const { result } = await this.#store.replace(key.name, record, base.version)
    if (result === 'replaced') this.#cipher.forget(key.sesid)
    return result
  }

  /**
   * Ends the session wherever it has moved to by now, and returns the key that it had; null when another
   * call has ended it. `version`: what it is at, as far as the caller knows.
   */
  async end (key: SessionKey, version?: string): Promise<SessionKey | null> {
    if (version !== undefined) {
      const removal = await this.remove(key, version)
      if (removal !== 'conflict') return removal === 'removed' ? key : null
    }
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const stored = await this.#store.read(key.name)
      // One that has expired just now is still there for the requests that loaded it.
      if (stored === null) return await this.remove(key) === 'removed' ? key : null
      const forwarding = this.#forwardingOf(key, stored)
      // The new session first: after a crash in between, the old id leads nowhere.
      const ended = forwarding === null ? key : await this.end(this.keyOf(forwarding.sesid))
      const removal = await this.remove(key, stored.version)
      if (forwarding !== null) return ended
      if (removal !== 'conflict') return removal === 'removed' ? key : null
    }
    throw tooManyConflicts()
  }

  async #readStored (key: SessionKey): Promise<StoredSession | null> {
    const stored = this.#immediate?.readNow(key.name)
    return stored === undefined ? await this.#store.read(key.name) : stored
  }

  #forwardingOf (key: SessionKey, { text }: StoredSession): Forwarding | null {
    return openForwarding(this.#store.sesAppid(), key.sesid, text)
  }

  /** Returns what is stored; null when the name is taken. */
  async create (key: SessionKey, record: PlainRecord): Promise<StoredSession | null> {
    const sealed = this.#seal(key, record)
    const creation = await this.#store.create(key.name, sealed)
    if (creation.result === 'taken') return null
    const { text, idleTimeout, createdAt } = record
    const { version } = creation
    return this.#known(key, { text: sealed.text, idleTimeout, createdAt, version, touchDue: false, idleLeft: undefined }, text)
  }

  /** Does what `replace` does, if that takes no time; `undefined`: nothing has happened, call `replace`. */
  replaceNow (key: SessionKey, record: PlainRecord, base: StoredSession): Swap | undefined {
    if (this.#immediate === null) return undefined
    const sealed = this.#seal(key, record, base)
    const outcome = this.#immediate.replaceNow(key.name, sealed, base.version)
    if (outcome !== undefined) return this.#swap(key, record, sealed, base, outcome)
    this.#unused = { record, sealed, base }
    return undefined
  }

  /** Replaces the record if it is still `base`. */
  async replace (key: SessionKey, record: PlainRecord, base: StoredSession): Promise<Swap> {
    const sealed = this.#takeUnused(record, base) ?? this.#seal(key, record, base)
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
    return this.#cipher.isOn || isSealed(stored.text) || isHeaded(stored.text) ? new OpenedSession(this.#cipher, key, stored) : stored
  }

  /** As `#open`, of a record whose plain text is known. */
  #known (key: SessionKey, stored: StoredSession, plain: string): StoredSession {
    return this.#cipher.isOn || isHeaded(stored.text) ? new OpenedSession(this.#cipher, key, stored, plain) : stored
  }

  #seal ({ sesid }: SessionKey, { header, ...record }: PlainRecord, base?: StoredSession): SessionRecord {
    const head = header === undefined ? undefined : headFor(header)
    return this.#cipher.sealRecord(sesid, record, base === undefined ? undefined : sealedText(base), head)
  }

  /** Returns what `replaceNow` has sealed a moment ago and could not store: nothing is sealed twice for one save. */
  #takeUnused ({ text, idleTimeout, header }: PlainRecord, base: StoredSession): SessionRecord | null {
    const unused = this.#unused
    this.#unused = null
    return unused?.base === base && unused.record.text === text && unused.record.idleTimeout === idleTimeout && unused.record.header === header
      ? unused.sealed
      : null
  }

  #swap (key: SessionKey, record: PlainRecord, sealed: SessionRecord, base: StoredSession, outcome: Replacement): Swap {
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

/** Returns what is known of a session beside its data, whether its text opens or not. */
export function headerOf (session: StoredSession): SessionHeader {
  return session instanceof OpenedSession ? session.header : NO_HEADER
}

/** Whether two headers say the same. */
export function isSameHeader (one: SessionHeader, other: SessionHeader): boolean {
  return one === other || headFor(one) === headFor(other)
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
  #header: SessionHeader | undefined

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

  get header (): SessionHeader {
    this.#header ??= headerOfText(this.sealed) ?? NO_HEADER
    return this.#header
  }

  get text (): string {
    this.#plain ??= this.#cipher.open(this.#sesid, this.sealed)
    return this.#plain
  }
}
