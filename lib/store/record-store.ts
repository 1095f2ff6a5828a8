import { SessionError } from '../errors'
import type { RecordStoreOptions } from './record-options'
import { Recent } from './recent'
import { isSessionId, LONGEST_ID, randomId, storageName } from './session-id'
import type {
  Creation, PutOptions, RecordStore, Removal, Replacement, SessionRecord, StoredSession, StoreFeatures
} from './session-store'

/** Names of so many ids are remembered: hashing one costs as much as finding its session in memory. */
const NAMES = 10_000
/** Longer ids (characters) are hashed each time, so that requests cannot fill the memory with them. */
const LONGEST_REMEMBERED = 128
/** Ids are random; a generator that returns a taken one this often is broken. */
const ATTEMPTS = 5

/** The five methods of {@link SessionStore}, and names, on top of the verbs with versions: for every store that has those. */
export abstract class BaseRecordStore implements RecordStore {
  abstract readonly features: StoreFeatures & { readonly records: true }
  readonly #appid: string
  readonly #idGenerator: () => string
  readonly #names = new Recent(NAMES)

  constructor ({ appid = 'sid', idGenerator = randomId }: Pick<RecordStoreOptions, 'appid' | 'idGenerator'> = {}) {
    this.#appid = appid
    this.#idGenerator = idGenerator
  }

  abstract open (): Promise<void>
  abstract close (): Promise<void>
  abstract read (name: string): Promise<StoredSession | null>
  abstract create (name: string, record: SessionRecord): Promise<Creation>
  abstract replace (name: string, record: SessionRecord, version: string): Promise<Replacement>
  abstract remove (name: string, version?: string): Promise<Removal>
  abstract touch (name: string): Promise<void>
  abstract setAside (name: string): Promise<void>

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
    if (session?.touchDue === true) await this.touch(name)
    return session === null ? null : session.text
  }

  /** {@inheritDoc SessionStore.newSession} @throws {SessionError} */
  async newSession (): Promise<string> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sesid = await this.newId()
      const { result } = await this.create(this.nameOf(sesid), { text: '' })
      if (result === 'created') return sesid
    }
    throw badGenerator()
  }

  /** {@inheritDoc SessionStore.putSession} @throws {SessionError} */
  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    const name = this.nameOf(sesid)
    for (;;) {
      const session = await this.read(name)
      if (session === null) return
      const { idleTimeout = session.idleTimeout } = options ?? {}
      const { result } = await this.replace(name, { text, idleTimeout, createdAt: session.createdAt }, session.version)
      if (result !== 'conflict') return
    }
  }

  /** {@inheritDoc SessionStore.delSession} @throws {SessionError} */
  async delSession (sesid: string): Promise<void> {
    await this.remove(this.nameOf(sesid))
  }
}

function badGenerator (): SessionError {
  return new SessionError('SESSION_ID', 'idGenerator must return a new random string each time, ' +
    `of 1 to ${LONGEST_ID} characters`)
}
