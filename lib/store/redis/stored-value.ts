import { GRACE, touchInterval, type Lifetimes } from '../clock'
import { SessionStoreError } from '../../errors'
import { FOREIGN_KEY } from './failures'
import { MEMORY_SIZE } from './scripts'
import type { PortableSession, SessionInfo, StoredSession } from '../session-store'

/** A live session as its key holds it; see `scripts.ts` for the format. The times are the server's, in milliseconds. */
export interface StoredValue {
  readonly text: string
  /** Seconds; 0 for the store's own. */
  readonly idleTimeout: number
  readonly createdAt: number
  readonly lastAccess: number
  readonly version: string
  /** When the server read it. */
  readonly now: number
  /** Milliseconds, above 0. */
  readonly idleLeft: number
}

const FORMAT = 'S1'
const HEAD = 69

/**
 * Returns what the answer of the script `READ` says; null when there is no session, or it has
 * expired. The server's clock is not in the answer: it follows from when the key expires and from
 * how long that will be.
 *
 * @throws {SessionStoreError} when the key holds another thing
 */
export function storedValue (answer: unknown, limits: Lifetimes): StoredValue | null {
  if (answer === null || answer === undefined) return null
  const [value, left] = answer as [unknown, unknown]
  const text = String(value)
  if (!text.startsWith(FORMAT)) throw foreignValue()
  const lastAccess = Number(text.slice(2, 15))
  const createdAt = Number(text.slice(15, 28))
  const now = Number(text.slice(28, 41)) + GRACE - Number(left)
  const idleTimeout = Number(text.slice(41, 51))
  const idleLeft = Math.min(
    lastAccess + (idleTimeout || limits.idleTimeout) * 1000 - now,
    limits.absoluteTimeout === undefined ? Infinity : createdAt + limits.absoluteTimeout * 1000 - now)
  if (idleLeft <= 0) return null
  const version = text.slice(51, 67)
  return { text: text.slice(HEAD + MEMORY_SIZE * Number(text.slice(67, 69))), idleTimeout, createdAt, lastAccess, version, now, idleLeft }
}

export function foreignValue (): SessionStoreError {
  return new SessionStoreError(FOREIGN_KEY)
}

/** Returns the session as the store returns it. */
export function storedSession (value: StoredValue, limits: Lifetimes): StoredSession {
  const { text, version, idleTimeout, createdAt, lastAccess, now, idleLeft } = value
  return {
    text,
    version,
    idleTimeout: idleTimeout || undefined,
    createdAt,
    touchDue: now - lastAccess > touchInterval(idleTimeout || limits.idleTimeout),
    idleLeft,
    lastAccess
  }
}

export function sessionInfo ({ text, createdAt, lastAccess, now, idleLeft }: StoredValue): SessionInfo {
  return { age: now - createdAt, idle: now - lastAccess, idleLeft, size: Buffer.byteLength(text) }
}

export function portableSession (name: string, { text, idleTimeout, createdAt, lastAccess }: StoredValue): PortableSession {
  return { name, text, idleTimeout: idleTimeout || undefined, createdAt, lastAccess }
}
