import type { SessionError } from '../errors'
import type { Creation, Replacement, SessionRecord, StoredSession } from './session-record'
import type { RecordStore, SessionStore, StoreFeatures } from './session-store'

/**
 * A store that often has the answer at hand, as one on the local disk does. Both methods return
 * `undefined` when they would have to wait; nothing has happened then, and the caller asks the slow
 * way. They throw what the slow way rejects with.
 *
 * @internal
 */
export interface ImmediateRecordStore extends RecordStore {
  readonly features: StoreFeatures & { readonly records: true, readonly immediate: true }
  readNow (name: string): StoredSession | null | undefined
  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined
}

/**
 * A store with the five methods that knows, beside the text, how long a session may idle and whether
 * a touch is due. Without that, a persistent cookie is sent again after `session.touch()` only, and
 * always with the plugin's `maxAge`.
 */
export interface DatedSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly dated: true }
  /** Returns the session as `getSession` would. Reading here is not use. */
  readSession (sesid: string): Promise<DatedSession | null>
  /** Starts the session's idle time anew. A session that is not there is not an error. */
  touchSession (sesid: string): Promise<void>
}

export type DatedSession = Pick<StoredSession, 'text' | 'idleTimeout' | 'touchDue'>

/**
 * A store with the five methods that must get ready before the first request, and gives something
 * back after the last. A method `open` alone means nothing: stores have methods of that name for
 * purposes of their own.
 */
export interface OpenableSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly openable: true }
  /** Gets the store ready. May be called again. A rejection keeps the app from starting. */
  open (): Promise<void>
  /** Gives back what the store holds open. It leaves a client alone that it was given. May be called again. */
  close (): Promise<void>
}

/** A store that can list what it holds. */
export interface IterableSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly iterable: true }
  /** Every live session of this appid, in no particular order, read as it is asked for. */
  sessions (): AsyncIterable<SessionInfo>

  /** Removes every session of this appid, expired ones included, and returns how many. */
  clear (): Promise<number>
}

/** A store that can hand out all that it holds. */
export interface ReadableSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly readable: true }
  /** The text of every live session of this appid, without its id, read as it is asked for. */
  texts (): AsyncIterable<string>
}

/**
 * A store whose sessions can be copied to another one. All stores of this package name a session
 * alike, so it keeps its name, its times and its id.
 */
export interface PortableRecordStore extends RecordStore {
  readonly features: StoreFeatures & { readonly records: true, readonly portable: true }
  /** Every live session of this appid, in no particular order, read as it is asked for. */
  exportSessions (): AsyncIterable<PortableSession>
  /**
   * Makes a session that another store has exported, with its times: it ends when it would have
   * ended there. `taken` is not an error: see `create`.
   */
  importSession (session: PortableSession): Promise<Creation>
}

/**
 * A store whose sessions can be found by what they hold, such as the user, and ended together. It needs
 * no more than a second place of its own kind, for the lists of the sessions.
 */
export interface IndexableRecordStore extends RecordStore {
  readonly features: StoreFeatures & { readonly records: true, readonly indexable: true }
  /** Returns where the lists are kept. It is called once. */
  companion (): Companion
}

/** Where a store keeps the lists of its sessions, and what these need of it. */
export interface Companion {
  /**
   * Records of the same kind as the store's, apart from its sessions: no listing of the store shows them.
   * They have no absolute timeout, a `read` returns the newest, and texts may be 64 MiB long. None ends before it
   * was not used for `idleTimeout` and ten minutes more, even if it was written with a shorter idle timeout: sessions
   * go by what that of the store is now. The store's `clear` removes them as well.
   */
  readonly records: PortableRecordStore
  /** The store's own idle timeout, in seconds. */
  readonly idleTimeout: number
  /** Returns the session as it is now, whatever the store has in a cache: otherwise what its `read` returns. */
  readonly latest: (name: string) => Promise<StoredSession | null>
}

/** A session with all that a store knows of it. The times are in milliseconds since 1970. */
export interface PortableSession {
  readonly name: string
  readonly text: string
  /** Seconds; `undefined`: the store's own idle timeout. */
  readonly idleTimeout: number | undefined
  readonly createdAt: number
  readonly lastAccess: number
}

/** A store that has to be told to remove what has expired. */
export interface ReapableSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly reapable: true }
  /**
   * Removes, once, what has expired, and what crashed processes left behind. May take a while, but
   * stays out of the way of requests. When `signal` is aborted it ends early and returns what it counted.
   */
  reap (signal?: AbortSignal): Promise<ReapCounts>
}

export interface ReapCounts {
  /** Sessions looked at. */
  seen: number
  /** Expired sessions, removed. */
  expired: number
  /** What crashed processes left behind, removed. */
  orphans: number
  /** Sessions that were set aside long ago, removed. */
  setAside: number
  /** How much could not be looked at or removed, and the first error of these. */
  failed: number
  error?: SessionError
}

/** What can be said of a session without its id, which the store does not know. */
export interface SessionInfo {
  /** Milliseconds since it was made. */
  age: number
  /** Milliseconds since it was last used. */
  idle: number
  /** Milliseconds after which it ends if it is not used. */
  idleLeft: number
  /** Bytes of its text. */
  size: number
}
