import { performance } from 'node:perf_hooks'
import { touchInterval, type Lifetimes } from '../clock'
import type { PortableSession, SessionInfo, StoredSession } from '../session-store'
import { HEAD, MEMORY_SIZE } from './value-format'

/** A live session as its key holds it; see `value-format.ts` for the format. The times are the server's, in milliseconds. */
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

/**
 * Returns the session in the value of a key, by the server's clock `now`; null when it has expired.
 */
export function storedValue (text: string, now: number, limits: Lifetimes): StoredValue | null {
  const lastAccess = Number(text.slice(2, 15))
  const createdAt = Number(text.slice(15, 28))
  const idleTimeout = Number(text.slice(41, 51))
  const idleLeft = Math.min(
    lastAccess + (idleTimeout || limits.idleTimeout) * 1000 - now,
    limits.absoluteTimeout === undefined ? Infinity : createdAt + limits.absoluteTimeout * 1000 - now)
  if (idleLeft <= 0) return null
  const version = text.slice(51, 67)
  return { text: text.slice(HEAD + MEMORY_SIZE * Number(text.slice(67, 69))), idleTimeout, createdAt, lastAccess, version, now, idleLeft }
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
    lastAccess,
    clock: now - performance.now()
  }
}

export function sessionInfo ({ text, createdAt, lastAccess, now, idleLeft }: StoredValue): SessionInfo {
  return { age: now - createdAt, idle: now - lastAccess, idleLeft, size: Buffer.byteLength(text) }
}

export function portableSession (name: string, { text, idleTimeout, createdAt, lastAccess }: StoredValue): PortableSession {
  return { name, text, idleTimeout: idleTimeout || undefined, createdAt, lastAccess }
}
