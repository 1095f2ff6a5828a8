import type { Lifetimes } from './clock'
import type { SessionCipher } from './session-cipher'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from './session-record'

/**
 * The seam between sessions and whatever keeps them. A store knows nothing of requests, cookies or
 * codecs: what a session holds is text here.
 *
 * A store of yours needs the five methods of {@link SessionStore}, no more. A store that keeps the
 * promises of this package has the verbs of {@link RecordStore} as well. What a store can do beside
 * the five methods, it declares in `features`; nothing is guessed from the names of its methods.
 *
 * Every method may reject with a `SessionError` when the store has trouble. What is *not* an error
 * is said at each.
 */
export interface SessionStore {
  /** What the store can do beside these five methods. Left out: nothing. */
  readonly features?: StoreFeatures

  /** The app's name: it names the cookie, and keeps this app's sessions apart from others'. */
  sesAppid (): string

  /** Returns the session's text; `null`, and no error, for an id that is unknown, malformed or expired. */
  getSession (sesid: string): Promise<string | null>

  /** Makes a new, empty session (its text is `''`) and returns its id, which cannot be guessed. */
  newSession (): Promise<string>

  /**
   * Replaces the session's text, whatever it was. If the session is not there, because it was
   * destroyed or has expired, it stays gone: nothing is stored, and that is not an error.
   *
   * Without `idleTimeout` the session keeps the one that it has, at first the store's own.
   */
  putSession (sesid: string, text: string, options?: PutOptions): Promise<void>

  /** Removes the session for good. If it is not there, that is not an error. */
  delSession (sesid: string): Promise<void>
}

export interface PutOptions {
  /** Seconds without access after which this one session ends. Left out: as before. */
  idleTimeout?: number | undefined
}

/** What a store declares that it can do. Each is an interface of its own. */
export interface StoreFeatures {
  /** It is a {@link RecordStore}: records with versions, and compare-and-swap. */
  readonly records?: boolean
  /** It is a {@link DatedSessionStore}: a store without versions that knows idle times. */
  readonly dated?: boolean
  /** It is an {@link IterableSessionStore}: it can list its sessions, and remove all of them. */
  readonly iterable?: boolean
  /** It is a {@link ReadableSessionStore}: it can hand out the texts of all its sessions. */
  readonly readable?: boolean
  /** It is a {@link ReapableSessionStore}: it has to be told to remove what has expired. */
  readonly reapable?: boolean
  /** It is a {@link PortableRecordStore}: its sessions can be copied to another store. */
  readonly portable?: boolean
  /** It is an {@link IndexableRecordStore}: its sessions can be found by what they hold, and ended together. */
  readonly indexable?: boolean
  /** It is an {@link OpenableSessionStore}: it gets ready before the first request. Every {@link RecordStore} does. */
  readonly openable?: boolean
  /** It is an {@link ImmediateRecordStore}. @internal */
  readonly immediate?: boolean
}

/**
 * A store with compare-and-swap: with it no update is lost between requests, processes and hosts,
 * and what has ended stays ended.
 *
 * Its verbs take the *name* of a session, which `nameOf` makes of an id. The stores of this package
 * never see the ids themselves: a name is a hash (`session-id.ts`), the same in all of them.
 *
 * **Expiry.** A session ends when it was not used for its idle timeout, or when it is older than the
 * absolute timeout. From then on `read` returns `null`. For a minute more ({@link GRACE}) `replace`,
 * `remove` and `touch` still find it, because a request that loaded it in time may need it; after that
 * nothing finds it or brings it back, and the store may remove it at any time.
 */
export interface RecordStore extends SessionStore {
  readonly features: StoreFeatures & { readonly records: true }

  /**
   * How the store's five methods encrypt, by its option `encryption`. The verbs do not: a caller of
   * the verbs, as the plugin is, must give them texts that this has sealed, and opens those that they
   * return. Left out: the store knows nothing of encryption.
   */
  readonly cipher?: SessionCipher

  /** Makes the id of a session that is about to be created. It cannot be guessed. */
  newId (): Promise<string>

  /** Returns the name under which the session with this id is kept. Any string has one. */
  nameOf (sesid: string): string

  /** Gets the store ready: makes and checks what it needs. May be called again. A rejection keeps the app from starting. */
  open (): Promise<void>

  /** What the last `open` found that does not keep the app from starting, a sentence each. The plugin logs them. */
  readonly warnings?: readonly string[]

  /** When the store's sessions end, by its options. Left out: the store cannot tell. */
  readonly lifetimes?: Lifetimes

  /**
   * Path of the file in which an import remembers what it has brought into this store, so that another one brings no
   * session back that has ended since. Left out: the store has no place for it.
   */
  readonly importMemory?: string

  /** Gives back what the store holds open. It leaves a client alone that it was given. May be called again. */
  close (): Promise<void>

  /** Returns the session; `null`, and no error, for a name that has none, or one that has ended or expired. Reading is not use. */
  read (name: string): Promise<StoredSession | null>

  /**
   * Makes a session that holds the record from the start. `taken` is not an error: the name has a
   * session that has not ended and not expired; nothing is stored then. Of several callers with one
   * name at most one is told `created`. A call that rejects leaves nothing behind.
   */
  create (name: string, record: SessionRecord): Promise<Creation>

  /**
   * Replaces the record if the session is still at `version` (compare-and-swap). `conflict` (there is
   * a newer version) and `gone` (the session has ended) are not errors; both store nothing.
   *
   * Versions of different sessions must differ, also those of one that took the place of another: a session
   * that moves to a new id goes on with what it knew of the old one.
   */
  replace (name: string, record: SessionRecord, version: string): Promise<Replacement>

  /**
   * Ends the session if it is still at `version` (compare-and-delete); without `version` whatever it
   * is at. `conflict` and `gone` are not errors; neither removes anything. After `removed` nothing
   * brings the session back: no request that was under way, and no crash. Of several callers exactly
   * one is told `removed`.
   *
   * A caller that got a `SessionStoreError` makes the same call again, because it is not known what became
   * of the first. A store whose calls can be carried out without an answer must recognise the second
   * and answer as the first would have: `removed`, if that call removed the session. Where it cannot, it
   * rejects again: it must not answer `gone`, for the caller would take the session for ended by another.
   */
  remove (name: string, version?: string): Promise<Removal>

  /**
   * Starts the idle time anew without a new record. The manager calls it when `touchDue` is true: when
   * the last access is longer ago than a minute, or a tenth of the idle timeout if that is less
   * ({@link touchInterval}). A session that is not there is not an error.
   */
  touch (name: string): Promise<void>

  /**
   * Takes the session away from its name and keeps its bytes for a person to look at, if the store
   * can; otherwise removes it. The manager does so when the text cannot be decrypted or decoded. Given
   * a version, it leaves a session alone that is at another one by now. A session that is not there is
   * not an error.
   */
  setAside (name: string, version?: string): Promise<void>
}
