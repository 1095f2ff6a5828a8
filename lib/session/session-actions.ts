import type { SessionCookieOptions } from './cookie-options'
import type { PlainObject } from './plain-object'

/** What a session cannot know and do by itself. The request's visit does it. */
export interface SessionActions {
  /** Null while nothing is stored. */
  readonly sesid: string | null
  /** The name under which the store keeps it; '' while nothing is stored. */
  readonly name: string
  readonly isDeleted: boolean
  /** In milliseconds since 1970; `undefined`: never. */
  readonly freshAt: number | undefined
  isFresh (maxAge: number): boolean
  isModified (): boolean
  save (): Promise<void>
  reload (): Promise<void>
  destroy (): Promise<void>
  delete (): void
  regenerate (keepKeys: readonly string[]): Promise<void>
  authenticated (keepKeys: readonly string[] | null): Promise<void>
  update<T> (change: (draft: PlainObject) => T | Promise<T>): Promise<T | undefined>
  touch (): void
  /** `idleTimeout` is in seconds. */
  options (options: SessionCookieOptions, idleTimeout: number | undefined): void
  skipSave (): void
}
