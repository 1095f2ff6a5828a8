import { hasCode, SessionError, SessionFileError } from '../errors'
import { UnopenedError } from '../unopened'
import type { Lifetimes } from './clock'
import { encryptionOptions } from './encryption-options'
import { isForwarding, openForwarding } from './forwarding'
import { Recent } from './recent'
import { checkRecord, type RecordStoreOptions } from './record-options'
import { SessionCipher } from './session-cipher'
import { estimatedBits, LEAST_KEY_BITS, SAMPLES, SHORTEST_KEY_ID } from './id-strength'
import { headerOf, isHeaded } from './session-header'
import type { IndexValue } from './index-labels'
import type { FoundSession, IndexReapCounts, RevokeAllOptions, SessionFinder } from './session-finder'
import { indexOf, placesIn, type SessionIndex } from './session-index'
import { isSessionId, LONGEST_ID, LONGEST_REMEMBERED, randomId, storageName } from './session-id'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from './session-record'
import type { PutOptions, RecordStore, StoreFeatures } from './session-store'

/** Names of so many ids are remembered: hashing one costs as much as finding its session in memory. */
const NAMES = 10_000
/** Ids are random; a generator that returns a taken one this often is broken. */
const ATTEMPTS = 5

/** The five methods of {@link SessionStore}, and names, on top of the verbs with versions: for every store that has those. */
export abstract class BaseRecordStore implements RecordStore, SessionFinder {
  abstract readonly features: StoreFeatures & { readonly records: true }
  /** {@inheritDoc RecordStore.cipher} */
  readonly cipher: SessionCipher
  /** {@inheritDoc RecordStore.lifetimes} */
  readonly lifetimes?: Lifetimes
  readonly #appid: string
  readonly #idGenerator: () => string
  readonly #maxSize: number
  readonly #names = new Recent(NAMES)

  /**
   * A store in front of others is given the cipher of the one that it writes to. Without `maxSize`
   * the verbs alone say how long a text may be.
   *
   * @throws {SessionError} SESSION_ID, when `idGenerator` makes ids that are too short for encryption
   */
  constructor (
    { appid = 'sid', idGenerator = randomId, maxSize = Infinity, encryption, idleTimeout, absoluteTimeout }: RecordStoreOptions = {},
    cipher = new SessionCipher(appid, encryptionOptions(encryption))
  ) {
    this.cipher = cipher
    if (this.cipher.isOn) checkKeyStrength(idGenerator)
    if (idleTimeout !== undefined) this.lifetimes = { idleTimeout, absoluteTimeout }
    this.#appid = appid
    this.#idGenerator = idGenerator
    this.#maxSize = maxSize
  }

  abstract open (): Promise<void>
  abstract close (): Promise<void>
  abstract read (name: string): Promise<StoredSession | null>
  abstract create (name: string, record: SessionRecord): Promise<Creation>
  abstract replace (name: string, record: SessionRecord, version: string): Promise<Replacement>
  abstract remove (name: string, version?: string): Promise<Removal>
  abstract touch (name: string): Promise<void>
  abstract setAside (name: string, version?: string): Promise<void>

  /** {@inheritDoc SessionStore.sesAppid} */
  sesAppid (): string {
    return this.#appid
  }

  /** {@inheritDoc RecordStore.newId} @throws {SessionError} SESSION_ID, when `idGenerator` does not return an id */
  async newId (): Promise<string> {
    const sesid: unknown = this.#idGenerator()
    if (!isSessionId(sesid)) throw badGenerator()
    return sesid
  }

  /** {@inheritDoc RecordStore.nameOf} */
  nameOf (sesid: string): string {
    // A caller without types may pass anything. It gets a name that no session has.
    if (typeof sesid !== 'string') return storageName(this.#appid, randomId())
    if (sesid.length > LONGEST_REMEMBERED) return storageName(this.#appid, sesid)
    return this.#names.get(sesid, () => storageName(this.#appid, sesid))
  }

  /** {@inheritDoc SessionStore.getSession} @throws {SessionError} */
  async getSession (sesid: string): Promise<string | null> {
    const name = this.nameOf(sesid)
    const session = await this.read(name)
    if (session === null || isForwarding(session.text)) return null
    const opened = await openStored(this, sesid, name, session)
    if (opened !== null && session.touchDue) {
      await this.#keepLists(session)
      await this.touch(name)
    }
    return opened
  }

  /** {@inheritDoc SessionStore.newSession} @throws {SessionError} */
  async newSession (): Promise<string> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sesid = await this.newId()
      const { result } = await this.create(this.nameOf(sesid), this.cipher.sealRecord(sesid, { text: '' }))
      if (result === 'created') return sesid
    }
    throw badGenerator()
  }

  /** {@inheritDoc SessionStore.putSession} @throws {SessionError} */
  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    // Also where there is no session: what is wrong with the call does not depend on that.
    checkRecord({ text, idleTimeout: options?.idleTimeout }, this.#maxSize)
    const name = this.nameOf(sesid)
    for (;;) {
      const session = await this.read(name)
      if (session === null || isForwarding(session.text) || this.cipher.refusal(session.text) !== null) return
      const { idleTimeout = session.idleTimeout } = options ?? {}
      await this.#keepLists(session)
      if (idleTimeout !== session.idleTimeout) await this.#enterAgain(name, session, idleTimeout)
      const record = this.cipher.sealRecord(sesid, { text, idleTimeout, createdAt: session.createdAt }, session.text)
      const { result } = await this.replace(name, record, session.version)
      if (result !== 'conflict') return
    }
  }

  /** {@inheritDoc SessionStore.delSession} One that has moved to a new id by itself is removed there. @throws {SessionError} */
  async delSession (sesid: string): Promise<void> {
    this.cipher.forget(sesid)
    const name = this.nameOf(sesid)
    for (;;) {
      const session = await this.read(name).catch(noneIfForeign)
      const forwarding = session === null ? null : openForwarding(this.#appid, sesid, session.text)
      if (forwarding !== null) await this.delSession(forwarding.sesid)
      // A session may move just now: what was read is what is removed.
      if (await this.remove(name, session?.version) !== 'conflict') return
    }
  }

  /** {@inheritDoc SessionFinder.sessionsOf} @throws {SessionError} */
  sessionsOf (index: string, value: IndexValue): AsyncIterable<FoundSession> {
    return this.#index().sessionsOf(index, value)
  }

  /** {@inheritDoc SessionFinder.revoke} @throws {SessionError} */
  async revoke (handle: string): Promise<boolean> {
    return await this.#index().revoke(handle)
  }

  /** {@inheritDoc SessionFinder.revokeAll} @throws {SessionError} */
  async revokeAll (index: string, value: IndexValue, options?: RevokeAllOptions): Promise<number> {
    return await this.#index().revokeAll(index, value, options)
  }

  /** {@inheritDoc SessionFinder.reapIndexes} @throws {SessionError} */
  async reapIndexes (signal?: AbortSignal): Promise<IndexReapCounts> {
    return await this.#index().sweep(signal)
  }

  #index (): SessionIndex {
    const index = indexOf(this)
    if (index !== null) return index
    throw new SessionError('SESSION_INDEX', 'this store cannot find sessions by what they hold: it does not declare the feature indexable')
  }

  async #enterAgain (name: string, { text }: StoredSession, idleTimeout: number | undefined): Promise<void> {
    const places = placesIn(headerOf(text))
    if (places.length > 0) await indexOf(this)?.entering.enter(name, places, idleTimeout, undefined)
  }

  /** The lists that a session is in outlive it. */
  async #keepLists ({ text }: StoredSession): Promise<void> {
    const places = isHeaded(text) ? placesIn(headerOf(text)) : []
    if (places.length > 0) await indexOf(this)?.entering.keepAlive(places.map(({ label }) => label))
  }
}

/**
 * What never opens leads to no other session, and can be removed: a link, another user's file, the record of
 * a newer version. Trouble that may pass, of a disk or a server, is thrown: a session that was renewed must not be missed.
 */
function noneIfForeign (error: unknown): null {
  const isLasting = error instanceof SessionFileError && (error.cause === undefined || hasCode(error.cause, 'ELOOP', 'EACCES'))
  if (isLasting) return null
  throw error
}

/** Where a session that does not open is set aside. */
type AsideStore = Pick<RecordStore, 'setAside'> & { readonly cipher: SessionCipher }

/** Returns the plain text of a stored session; null for one that does not open. One that is damaged is set aside. */
async function openStored (store: AsideStore, sesid: string, name: string, { text, version }: StoredSession): Promise<string | null> {
  try {
    return store.cipher.open(sesid, text)
  } catch (error) {
    if (!(error instanceof UnopenedError)) throw error
    if (error.reason === 'damaged') await store.setAside(name, version)
    return null
  }
}

/** @throws {SessionError} SESSION_ID, and what the generator throws */
function checkKeyStrength (idGenerator: () => string): void {
  if (idGenerator === randomId) return
  const bits = estimatedBits(Array.from({ length: SAMPLES }, () => String(idGenerator())))
  if (bits >= LEAST_KEY_BITS) return
  throw new SessionError('SESSION_ID', `fastify-file-sessions: option idGenerator makes ids of about ${bits} random bits, and the option ` +
    `encryption needs ${LEAST_KEY_BITS}, for keys are made of ids: leave it out, or have it return ${SHORTEST_KEY_ID} or more random letters and digits`)
}

function badGenerator (): SessionError {
  return new SessionError('SESSION_ID', 'idGenerator must return a new random string each time, ' +
    `of 1 to ${LONGEST_ID} characters, without lone surrogates`)
}
