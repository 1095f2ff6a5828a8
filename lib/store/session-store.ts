import type { SessionError } from '../errors'

/**
 * The seam between the plugin and whatever keeps the sessions. The first interface is all that a
 * store must have; each of the others is one thing more that a store may be able to do, and says
 * so by doing it. What a session holds is text here: stores know nothing of codecs or requests.
 *
 * Every method may reject with a `SessionError` for trouble of the store's own. What is *not* an
 * error is said at each.
 */
export interface SessionStore {
  /** The app's name: names the cookie, and separates this app's sessions from others'. */
  sesAppid (): string

  /** The session's text. An id that is unknown, malformed or expired is no error: `null`. */
  getSession (sesid: string): Promise<string | null>

  /** Makes a new, empty session (its text is `''`) and returns its id, which nobody can guess. */
  newSession (): Promise<string>

  /**
   * Replaces the session's text, whatever it was. A session that is not there, because it was
   * destroyed or has expired, is no error: it stays gone and nothing is stored.
   *
   * Without `idleTimeout` (seconds) the session keeps the one it has, at first the store's own.
   */
  putSession (sesid: string, text: string, options?: PutOptions): Promise<void>

  /** Removes the session for good. Deleting what is not there is no error. */
  delSession (sesid: string): Promise<void>
}

export interface PutOptions {
  /** Seconds without access after which this one session ends. Left out: as before. */
  idleTimeout?: number | undefined
}

export interface CreateOptions extends PutOptions {
  /** The id, of 1 to 1024 characters. Left out: a new one. */
  sesid?: string | undefined
}

/**
 * A store with compare-and-swap. With it no update is lost between requests or processes;
 * with the five methods alone, the last writer wins.
 */
export interface VersionedSessionStore extends SessionStore {
  /**
   * The session with its version. Unknown, malformed or expired: `null`, no error. A store that
   * knows the answer without waiting may give it at once.
   */
  readSession (sesid: string): StoredSession | null | Promise<StoredSession | null>

  /**
   * Makes a session that holds `text` from the start, under a new id that nobody can guess.
   *
   * With `sesid` under that id: for adapters, whose other side makes the ids itself. An id that
   * has a session is a `SessionError` with the code `SESSION_ID_TAKEN`; ids of sessions
   * that were destroyed are not remembered, so whoever gives one must know that it is new.
   */
  createSession (text: string, options?: CreateOptions): Promise<CreatedSession>

  /**
   * Replaces the text if the session still is at `version`. A newer version (`conflict`) and a
   * session that is not there any more (`gone`) are answers, not errors; both store nothing. May
   * answer at once, and then throw.
   */
  replaceSession (
    sesid: string, text: string, version: string, options?: PutOptions
  ): Replacement | Promise<Replacement>
}

/**
 * A store without versions that knows, beside the text, how long a session may idle and whether a
 * touch is due. Without that, a persistent cookie is sent again after `session.touch()` only, and
 * always with the plugin's `maxAge`.
 */
export interface DatedSessionStore extends SessionStore {
  /** The session, as `getSession` gives it. Being read here does not count as use. */
  readSession (sesid: string): Promise<Omit<StoredSession, 'version'> | null>
}

/** A store that can note that a session was used without writing its data. */
export interface TouchableSessionStore extends SessionStore {
  /** Starts the session's idle time anew. A session that is not there is no error. */
  touchSession (sesid: string): Promise<void>
}

/** A store that can put away a session whose text nobody can decode, for a person to look at. */
export interface QuarantiningSessionStore extends SessionStore {
  /** Takes the session away from its id, keeping its bytes. One that is not there is no error. */
  setAsideSession (sesid: string): Promise<void>
}

/** A store that has something to get ready before the first request. */
export interface OpenableSessionStore extends SessionStore {
  /** Called when the app gets ready; a rejection keeps it from starting. May be called again. */
  open (): Promise<void>
}

/** A store that can list what it holds. */
export interface IterableSessionStore extends SessionStore {
  /** Every session of this appid that has not expired, in no particular order, read as it is asked for. */
  sessions (): AsyncIterable<SessionInfo>

  /** Removes every session of this appid, expired ones included; answers how many. */
  clear (): Promise<number>
}

/** A store that can hand out all that it holds. */
export interface ReadableSessionStore extends SessionStore {
  /** The text of every session of this appid that has not expired, without its id, read as it is asked for. */
  texts (): AsyncIterable<string>
}

/** A store that has to be told to remove what has expired. */
export interface ReapableSessionStore extends SessionStore {
  /**
   * Removes, once, what has expired, and what crashed processes left behind. May take a while, but
   * stays out of the way of requests. When `signal` is aborted it ends early, with what it counted.
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
  /** Sessions once set aside, removed. */
  setAside: number
  /** How much could not be looked at or removed, and the first error of these. */
  failed: number
  error?: SessionError
}

export interface StoredSession {
  text: string
  /** Changes whenever the text is replaced. Opaque. */
  version: string
  /** Seconds, if this session has its own; `undefined`: the store's. */
  idleTimeout: number | undefined
  /** Whether its last access is long enough ago that it is worth a `touchSession`. */
  touchDue: boolean
  /** Milliseconds after which it ends if it is not used. Left out: the store does not know. */
  idleLeft?: number
}

export interface CreatedSession {
  sesid: string
  version: string
}

export type Replacement =
  | { result: 'replaced', version: string }
  | { result: 'conflict' }
  | { result: 'gone' }

/** What can be said of a session without its id, which the store may not know. */
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

export function isVersioned (store: SessionStore): store is VersionedSessionStore {
  return has(store, 'readSession') && has(store, 'createSession') && has(store, 'replaceSession')
}

export function isDated (store: SessionStore): store is DatedSessionStore {
  return has(store, 'readSession')
}

export function isTouchable (store: SessionStore): store is TouchableSessionStore {
  return has(store, 'touchSession')
}

export function isQuarantining (store: SessionStore): store is QuarantiningSessionStore {
  return has(store, 'setAsideSession')
}

export function isOpenable (store: SessionStore): store is OpenableSessionStore {
  return has(store, 'open')
}

export function isReapable (store: SessionStore): store is ReapableSessionStore {
  return has(store, 'reap')
}

export function isIterable (store: SessionStore): store is IterableSessionStore {
  return has(store, 'sessions') && has(store, 'clear')
}

export function isReadable (store: SessionStore): store is ReadableSessionStore {
  return has(store, 'texts')
}

function has (store: object, method: string): boolean {
  return typeof (store as Record<string, unknown>)[method] === 'function'
}
