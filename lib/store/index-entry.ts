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

const FORMAT = 1
/** Digits of base 36, until the year 5188. */
const TIME_SIZE = 9
const TAG_BYTES = 6

/** Returns the tag of a login that happens now. Tags sort by time. */
export function newLogin (now: number): string {
  return now.toString(36).padStart(TIME_SIZE, '0') + randomText(TAG_BYTES, 'base64url')
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

/** @throws {SessionError} SESSION_INDEX */
export function decodeList (text: string): IndexList {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw damaged()
  }
  if (!Array.isArray(list)) throw damaged()
  const [format, label, ...rows] = list as [number, string, ...Array<[string, string, number, number, string?]>]
  if (format !== FORMAT) throw new SessionError('SESSION_INDEX', 'an index was written by a newer version of fastify-file-sessions: update this process')
  if (rows.some(([handle]) => nameOfHandle(handle) === null)) throw damaged()
  return { label, entries: rows.map(([handle, login, at, ended, about]) => ({ handle, login, at, isEnded: ended === 1, about })) }
}

function damaged (): SessionError {
  return new SessionError('SESSION_INDEX', 'a list of an index is damaged. Sessions that are in it do not enter it again: restore it from a backup, or end all sessions with clear()')
}
