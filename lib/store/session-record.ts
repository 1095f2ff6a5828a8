/** What is stored of one session. A record replaces the one before it as a whole. */
export interface SessionRecord {
  readonly text: string
  /** Seconds without access after which this session ends; `undefined`: the store's own idle timeout. */
  readonly idleTimeout?: number | undefined
  /**
   * When the visitor's session began, in milliseconds since 1970 by the store's clock; the absolute
   * timeout counts from here. `undefined`: now for a new session, as before for one that is replaced.
   * A session that moves to a new id takes this along.
   */
  readonly createdAt?: number | undefined
  /**
   * Whether the records that this one takes the place of must not stay at rest, because they are plain
   * text and this one is encrypted. A store that keeps earlier records rewrites the session at once.
   */
  readonly forgetEarlier?: boolean | undefined
  /**
   * Whether the session's last use stays when it was, because no visitor asks for this record. `replace`
   * heeds it; for `create` it means nothing. A crash in the middle may count as use.
   */
  readonly keepLastUse?: boolean | undefined
}

/** A live session as a store returns it. */
export interface StoredSession {
  readonly text: string
  readonly idleTimeout: number | undefined
  /** `undefined`: the store does not know. */
  readonly createdAt: number | undefined
  /** Changes with every record; no record of another session has it either. Opaque: compare it for equality only. */
  readonly version: string
  /** Whether the last access is long enough ago for a `touch`: see `RecordStore.touch`. */
  readonly touchDue: boolean
  /** Milliseconds after which the session ends if it is not used. `undefined`: the store does not know. */
  readonly idleLeft: number | undefined
  /** When the session was last used, in milliseconds since 1970. Left out: the store does not know. */
  readonly lastAccess?: number | undefined
  /**
   * What the store's clock shows more than `performance.now()` in this process, in milliseconds: so the store's time is
   * known at any later moment. Left out: the store goes by the clock of this machine.
   */
  readonly clock?: number | undefined
}

/** What became of a record that a session was to begin with. */
export type Creation =
  | { readonly result: 'created', readonly version: string }
  | { readonly result: 'taken' }

export type Replacement =
  | { readonly result: 'replaced', readonly version: string }
  | { readonly result: 'conflict' }
  | { readonly result: 'gone' }

export type Removal = 'removed' | 'conflict' | 'gone'
