import { performance } from 'node:perf_hooks'
import { touchInterval } from '../clock'
import { isForwarding } from '../forwarding'
import type { StoredSession } from '../session-record'
import type { PortableSession, SessionInfo } from '../store-abilities'
import type { Answer } from './answer'
import type { RowLifetimes } from './statements'
import { NO_VERSION } from '../index-lists'
import { DAMAGED_TEXT } from '../session-header'
import { versionOf } from './recent'
import { fromColumn } from './text-column'

/** A row that tells of a session: the words of `about` are clock, version, creation, last access, and its own idle timeout if it has one. */
export interface SessionRow extends Answer {
  /** Null for no session. */
  readonly text: string | null
}

export interface ListedRow extends Answer {
  readonly name: string
  readonly status: string
  readonly size: number | string
}

export interface TextRow extends Answer {
  readonly name: string
  readonly status: string
  readonly text: string
}

/** Returns the session as the store returns it; null when there is none, or it has expired. A row that has no record of ours has a text that does not open. */
export function storedSession (row: SessionRow, limits: RowLifetimes): StoredSession | null {
  const { version, idleTimeout, createdAt, lastAccess, idle, idleLeft, now } = seen(row, limits)
  if (row.text === null || idleLeft <= 0) return null
  return {
    text: textIn(version, row.text),
    version,
    idleTimeout,
    createdAt,
    touchDue: idle > touchInterval(idleTimeout ?? limits.idleTimeout),
    idleLeft,
    lastAccess,
    clock: now - performance.now()
  }
}

/** Returns what can be said of the session; null when there is none alive, or the row is damaged. */
export function sessionInfo (row: ListedRow, limits: RowLifetimes): SessionInfo | null {
  const { version, age, idle, idleLeft } = seen(row, limits)
  return row.status === 'live' && version !== NO_VERSION && idleLeft > 0 ? { age, idle, idleLeft, size: Number(row.size) } : null
}

/** Returns all that is known of the session; null when there is none alive. */
export function portableSession (row: TextRow, limits: RowLifetimes): PortableSession | null {
  const { version, idleTimeout, createdAt, lastAccess, idleLeft } = seen(row, limits)
  if (row.status !== 'live' || idleLeft <= 0 || isForwarding(row.text)) return null
  return { name: row.name, text: textIn(version, row.text), idleTimeout, createdAt, lastAccess }
}

function textIn (version: string, kept: string): string {
  return version === NO_VERSION ? DAMAGED_TEXT : fromColumn(kept)
}

interface Seen {
  /** {@link NO_VERSION} for one that no store of ours wrote. */
  version: string
  /** Seconds. */
  idleTimeout: number | undefined
  /** Milliseconds since 1970. */
  createdAt: number
  lastAccess: number
  /** Milliseconds, as are the next two. */
  age: number
  idle: number
  idleLeft: number
  /** What the server's clock showed, in milliseconds since 1970. */
  now: number
}

function seen ({ about }: Answer, { idleTimeout: own, absoluteTimeout, isLeast }: RowLifetimes): Seen {
  const [clock, version = '', created, accessed, idleTimeout] = about.split(' ')
  const now = Number(clock)
  const [createdAt, lastAccess] = [Math.round(Number(created)), Math.round(Number(accessed))]
  // A server's clock that was put back leaves times ahead of it.
  const [age, idle] = [Math.max(now - createdAt, 0), Math.max(now - lastAccess, 0)]
  const idleLeft = Math.max(Number(idleTimeout ?? own), isLeast === true ? own : 0) * 1000 - idle
  return {
    version: versionOf(version),
    idleTimeout: idleTimeout === undefined ? undefined : Number(idleTimeout),
    createdAt,
    lastAccess,
    now,
    age,
    idle,
    idleLeft: absoluteTimeout === undefined ? idleLeft : Math.min(idleLeft, absoluteTimeout * 1000 - age)
  }
}
