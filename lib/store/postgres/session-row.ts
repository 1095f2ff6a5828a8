import { touchInterval, type Lifetimes } from '../clock'
import type { PortableSession, SessionInfo, StoredSession } from '../session-store'
import type { Row } from './server'
import { fromColumn } from './text-column'

/** The times of a session's row. A client may return numbers as text. */
export interface TimesRow extends Row {
  /** Seconds. */
  readonly idle_timeout: number | string | null
  /** Milliseconds since 1970, by the server's clock. */
  readonly created_at: number | string
  readonly accessed_at: number | string
}

export interface SessionRow extends TimesRow {
  readonly text: string
  readonly version: string
}

export interface ListedRow extends TimesRow {
  readonly name: string
  readonly status: string
  readonly size: number | string
}

export interface TextRow extends TimesRow {
  readonly name: string
  readonly status: string
  readonly text: string
}

/** Returns the session as the store returns it; null when it has expired. */
export function storedSession (row: SessionRow, limits: Lifetimes): StoredSession | null {
  const { idleTimeout, createdAt, idle, idleLeft } = times(row, limits)
  if (idleLeft <= 0) return null
  return {
    text: fromColumn(row.text),
    version: row.version,
    idleTimeout,
    createdAt,
    touchDue: idle > touchInterval(idleTimeout ?? limits.idleTimeout),
    idleLeft
  }
}

/** Returns what can be said of the session; null when there is none alive. */
export function sessionInfo (row: ListedRow, limits: Lifetimes): SessionInfo | null {
  const { age, idle, idleLeft } = times(row, limits)
  return row.status === 'live' && idleLeft > 0 ? { age, idle, idleLeft, size: Number(row.size) } : null
}

/** Returns all that is known of the session; null when there is none alive. */
export function portableSession (row: TextRow, limits: Lifetimes): PortableSession | null {
  const { idleTimeout, createdAt, lastAccess, idleLeft } = times(row, limits)
  if (row.status !== 'live' || idleLeft <= 0) return null
  return { name: row.name, text: fromColumn(row.text), idleTimeout, createdAt, lastAccess }
}

interface Times {
  idleTimeout: number | undefined
  createdAt: number
  lastAccess: number
  /** Milliseconds, as are the next two. */
  age: number
  idle: number
  idleLeft: number
}

function times (row: TimesRow, { idleTimeout: own, absoluteTimeout }: Lifetimes): Times {
  const now = Number(row.now)
  const idleTimeout = row.idle_timeout === null ? undefined : Number(row.idle_timeout)
  const [createdAt, lastAccess] = [Math.round(Number(row.created_at)), Math.round(Number(row.accessed_at))]
  // A server's clock that was put back leaves times ahead of it.
  const [age, idle] = [Math.max(now - createdAt, 0), Math.max(now - lastAccess, 0)]
  const idleLeft = (idleTimeout ?? own) * 1000 - idle
  return {
    idleTimeout,
    createdAt,
    lastAccess,
    age,
    idle,
    idleLeft: absoluteTimeout === undefined ? idleLeft : Math.min(idleLeft, absoluteTimeout * 1000 - age)
  }
}
