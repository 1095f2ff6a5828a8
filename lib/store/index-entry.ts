import { hash } from 'node:crypto'
import { SessionError } from '../errors'
import { randomText } from '../random'
import { nameOfHandle } from './session-id'

/** What an index knows of one session. */
export interface IndexEntry {
  /** The session's handle. */
  readonly handle: string
  /** The tag of the login that brought the session into the index. It stays when the session moves to a new id. */
  readonly login: string
  /** When the entry was written, in milliseconds since 1970. */
  readonly at: number
  /** Whether the login was ended. Its sessions are being removed, or soon will be. */
  readonly isEnded: boolean
  /** What a device list shows, as text, encrypted if there is a secret. */
  readonly about: string | undefined
}

/** A place that a session is to have in an index. */
export interface Place {
  readonly label: string
  readonly login: string
  /** The label that the login had so far, under another secret of the server. Its list names the session until a sweep. */
  readonly former?: string | undefined
  /** How many logins the value may have; `undefined`: any number, or the login is not a new one. */
  readonly limit?: number | undefined
  readonly onLimit?: OnLimit | undefined
  /** The labels of the value under other secrets of the server, where logins count as well; left out: there are none. */
  readonly others?: readonly string[] | undefined
}

/** What becomes of a login that is one too many. */
export type OnLimit = 'end-oldest' | 'refuse'

const FORMAT = 1
/** Digits of base 36, until the year 5188. */
const TIME_SIZE = 9
const TAG_BYTES = 6
/** Where the origin begins in a tag. */
const ORIGIN = TIME_SIZE + TAG_BYTES * 4 / 3
const ORIGIN_SIZE = 8

/**
 * Returns the tag of a login that happens now. Tags sort by time. `origin` is the name of the session that it begins
 * with: a form that is sent twice makes two logins of one.
 */
export function newLogin (now: number, origin?: string): string {
  const tag = now.toString(36).padStart(TIME_SIZE, '0') + randomText(TAG_BYTES, 'base64url')
  return origin === undefined ? tag : tag + hash('sha256', origin, 'base64url').slice(0, ORIGIN_SIZE)
}

/** Whether two logins begin with one session: one of them at most can win. */
export function areTwins (one: string, other: string): boolean {
  return one !== other && originOf(one) === originOf(other)
}

/** Returns what stands for the session that a login begins with: the same for twins, and different for all others. */
export function originOf (login: string): string {
  return login.slice(ORIGIN) || login
}

export interface IndexList {
  readonly label: string
  readonly entries: readonly IndexEntry[]
}

/** Whether both are of one session and one login. */
export function isSameEntry (one: IndexEntry, other: Pick<IndexEntry, 'handle' | 'login'>): boolean {
  return one.handle === other.handle && one.login === other.login
}

export function encodeList ({ label, entries }: IndexList): string {
  return JSON.stringify([FORMAT, label, ...entries.map(({ handle, login, at, isEnded, about }) => [handle, login, at, isEnded ? 1 : 0, ...about === undefined ? [] : [about]])])
}

/** Whether logins of an encoded list may be ended. It costs less than to decode the list. */
export function mayBeMarked (text: string): boolean {
  return /,1[,\]]/.test(text)
}

/** @throws {DamagedList}, and {SessionError} SESSION_INDEX for a list of a newer version */
export function decodeList (text: string): IndexList {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw new DamagedList()
  }
  if (!Array.isArray(list)) throw new DamagedList()
  const [format, label, ...rows] = list as [number, string, ...Array<[string, string, number, number, string?]>]
  if (format !== FORMAT) throw new SessionError('SESSION_INDEX', 'an index was written by a newer version of fastify-file-sessions: update this process')
  if (typeof label !== 'string' || !rows.every(isRow)) throw new DamagedList()
  return { label, entries: rows.map(([handle, login, at, ended, about]) => ({ handle, login, at, isEnded: ended === 1, about })) }
}

function isRow (row: unknown): boolean {
  return Array.isArray(row) && nameOfHandle(row[0]) !== null && typeof row[1] === 'string' &&
    (row[4] === undefined || typeof row[4] === 'string')
}

/** What names sessions cannot be read. No session may seem not to be there for it. */
export class DamagedList extends SessionError {
  constructor () {
    super('SESSION_INDEX', 'a list of an index is damaged, and no session can enter it or be found by it: ' +
      'make it anew with app.reindexSessions(), or the command file-sessions reindex')
  }
}
