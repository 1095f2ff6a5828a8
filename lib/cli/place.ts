import { SessionError } from '../errors'
import type { Lifetimes } from '../store/clock'
import type { SettledEncryption } from '../store/encryption-options'
import type { PortableRecordStore, PortableSession, ReapCounts } from '../store/store-abilities'
import { UsageError } from './usage'

/** Where sessions are kept: a session directory, or a server. The commands know no more of it than this. */
export interface Place {
  /** For messages. Holds no password. */
  readonly title: string
  /** Yields what `doctor` finds about the place. */
  findings (limits: Lifetimes): AsyncIterable<Finding>
  /** Returns the sessions of all appids, or of one. @throws {NotFound} when the one appid has none */
  appids (appid?: string): Promise<AppidPlace[]>
  /** Returns what stands among the appids and is not ours. */
  foreign (appid?: string): Promise<string[]>
  /** Returns a store that works on the sessions of one appid. It need not have any yet. `encryption`: that of the app, because index values are hashed under its secrets. */
  store (appid: string, limits: Lifetimes, encryption?: SettledEncryption): PortableRecordStore
  close (): Promise<void>
}

/** The sessions of one appid. */
export interface AppidPlace {
  readonly appid: string
  /** For messages. Holds no password. */
  readonly title: string
  /**
   * Returns every session and every file or key that cannot be read. In a directory that includes
   * expired ones; of a server, only sessions that no store would have expired yet.
   */
  sessions (onProgress: OnProgress): AsyncIterable<PortableSession | Unreadable>
  /** Returns the session, expired or not; null when there is none. */
  find (name: string): Promise<PortableSession | null>
  /** Ends the session, and returns whether there was one. */
  remove (name: string): Promise<boolean>
  clean (limits: Lifetimes, options: { dryRun: boolean, onProgress: OnProgress }): Promise<ReapCounts>
  /** Looks at everything that is kept. Changes nothing. */
  verify (onProgress: OnProgress): AsyncIterable<Verified>
}

/** `of` is left out when it is not known. */
export type OnProgress = (done: number, of?: number) => void

/** What cannot be read. It is told apart from a session by having no name. */
export interface Unreadable { readonly name?: never, readonly error: SessionError }

export interface Verified {
  readonly isSession: boolean
  /** Null: nothing is wrong. */
  readonly problem: { readonly kind: 'torn' | 'foreign' | 'unreadable', readonly what: string, readonly reason?: string } | null
}

/** What `doctor` finds about a place. */
export interface Finding {
  readonly subject: string
  readonly isGood: boolean
  readonly text: string
}

/** A thing that was asked for by name is not there: exit code 1. */
export class NotFound extends SessionError {
  constructor (message: string) {
    super('NOT_FOUND', message)
  }
}

export interface PlaceOptions {
  /** The longest text (bytes) that is read. */
  maxSize: number
}

/** Returns the sessions of the appid that was named; of the only one, when none was. @throws {UsageError} when there are several */
export async function onlyAppid (place: Place, appid: string | undefined): Promise<AppidPlace | null> {
  const [only = null, ...others] = await place.appids(appid)
  if (others.length === 0) return only
  throw new UsageError(`there are sessions of several apps (${[only as AppidPlace, ...others].map(({ appid }) => appid).join(', ')}): name one with --appid`)
}
