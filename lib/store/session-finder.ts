import type { SessionError } from '../errors'
import type { About } from './index-about'
import type { IndexValue } from './index-labels'

/** The methods of a store that finds and ends sessions by what they hold, and by their handles. */
export interface SessionFinder {
  /**
   * Every live session with this value of an index of the plugin's option `indexes`, read as it is asked for.
   *
   * @throws {SessionError} SESSION_INDEX, for a store that can have no indexes
   */
  sessionsOf (index: string, value: IndexValue): AsyncIterable<FoundSession>

  /**
   * Ends the session with this handle for good: no request that is under way brings it back. Returns
   * whether this has ended it. @throws {SessionError}
   */
  revoke (handle: string): Promise<boolean>

  /**
   * Ends every session with this value of an index, and returns how many logins that were: a session that moved
   * to a new id meanwhile counts once. None that had the value, and was
   * answered before the call, works after it. A login during the call is after it, or is ended as well.
   *
   * @throws {SessionError}
   */
  revokeAll (index: string, value: IndexValue, options?: RevokeAllOptions): Promise<number>

  /** Removes, once, what the indexes hold of sessions that are gone. The plugin calls it every `reapInterval`. @throws {SessionError} */
  reapIndexes (signal?: AbortSignal): Promise<IndexReapCounts>
}

/** A session that an index found. The times are in milliseconds since 1970; `undefined`: the store does not know. */
export interface FoundSession {
  /** Names the session for `revoke`. Useless as an id. */
  readonly handle: string
  /** When it was first made, before the login perhaps: `regenerate()` and `authenticated()` leave it as it is. */
  readonly createdAt: number | undefined
  /** When it was last used, to a minute or a tenth of the idle timeout. */
  readonly lastUsed: number | undefined
  /** When it ends if it is not used. */
  readonly expiresAt: number | undefined
  /** What the option `about` returned; `undefined`: nothing, or it was encrypted with a secret that is not listed. */
  readonly about: About | undefined
}

export interface RevokeAllOptions {
  /** The session that stays, or its handle, with all that becomes of it by `regenerate`. */
  except?: string | { readonly handle: string | undefined } | undefined
}

export interface IndexReapCounts {
  /** Entries looked at. */
  seen: number
  /** Entries whose sessions are gone, removed. */
  removed: number
  /** Lists that could not be swept, and the first error of these. */
  failed: number
  error?: SessionError
}
