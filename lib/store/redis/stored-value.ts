import { performance } from 'node:perf_hooks'
import { touchInterval, type Lifetimes } from '../clock'
import type { StoredSession } from '../session-record'
import type { PortableSession, SessionInfo } from '../store-abilities'
import { NO_VERSION } from '../index-lists'
import { DAMAGED_TEXT } from '../session-header'
import { HEAD, MEMORY_SIZE, REMEMBERED, WHOLE_HEAD, WHOLE_MEMORIES } from './value-format'

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
 * Returns the session in the value of a key, by the server's clock `now`; null when it has expired. A value that was
 * cut off or changed has a text that does not open.
 */
export function storedValue (text: string, now: number, limits: Lifetimes): StoredValue | null {
  const start = startOfText(text)
  if (start === null) return damaged(now, limits)
  const lastAccess = Number(text.slice(2, 15))
  const createdAt = Number(text.slice(15, 28))
  const idleTimeout = Number(text.slice(41, 51))
  const idleLeft = Math.min(
    lastAccess + (idleTimeout || limits.idleTimeout) * 1000 - now,
    limits.absoluteTimeout === undefined ? Infinity : createdAt + limits.absoluteTimeout * 1000 - now)
  if (idleLeft <= 0) return null
  const version = text.slice(51, 67)
  return { text: text.slice(start), idleTimeout, createdAt, lastAccess, version, now, idleLeft }
}

export function isDamaged ({ text }: StoredValue): boolean {
  return text === DAMAGED_TEXT
}

/** Returns where the text begins in a value; null for one that is not whole. */
function startOfText (value: string): number | null {
  if (!WHOLE_HEAD.test(value)) return null
  const count = Number(value.slice(67, HEAD))
  if (count === 0) return HEAD
  const start = HEAD + MEMORY_SIZE * count
  return count <= REMEMBERED && value.length >= start && WHOLE_MEMORIES.test(value.slice(HEAD, start)) ? start : null
}

/** Its times are not known. */
function damaged (now: number, { idleTimeout }: Lifetimes): StoredValue {
  return { text: DAMAGED_TEXT, idleTimeout: 0, createdAt: now, lastAccess: now, version: NO_VERSION, now, idleLeft: idleTimeout * 1000 }
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
