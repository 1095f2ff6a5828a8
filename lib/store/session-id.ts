import { hash } from 'node:crypto'
import { SessionError } from '../errors'
import { randomText } from '../random'

/**
 * Session ids: how they are made, and what stands for them. An id is in the visitor's cookie and
 * nowhere else. Stores know the session by a hash of it, its name, and people by its handle.
 */

/** Longer ids are refused: no generator needs them, and a cookie holds 4096 bytes. */
export const LONGEST_ID = 1024
/** Half of a character. UTF-8 has no bytes for it, so no cookie can carry it, and ids with different ones would have one name. */
const LONE_SURROGATE = /\p{Surrogate}/u
/** What is derived of longer ids (characters) is not remembered, so that requests cannot fill the memory with them. */
export const LONGEST_REMEMBERED = 128
const NAME = /^[0-9a-f]{64}$/
const HANDLE = /^[\w-]{43}$/

/** Returns a new id that cannot be guessed: 192 random bits. */
export function randomId (): string {
  return randomText(24, 'base64url')
}

/** Whether a session may have this id. */
export function isSessionId (sesid: unknown): sesid is string {
  return typeof sesid === 'string' && sesid !== '' && sesid.length <= LONGEST_ID && !LONE_SURROGATE.test(sesid)
}

/** The name under which stores keep the session: 64 hexadecimal digits. It gives nothing of the id away. */
export function storageName (appid: string, sesid: string): string {
  return hash('sha256', `name\0${appid}\0${sesid}`)
}

/** Returns the name if a session can have it. @throws {SessionError} SESSION_ID */
export function checkedName (name: string): string {
  if (!NAME.test(name)) throw new SessionError('SESSION_ID', 'the name of a session must be one that nameOf returns')
  return name
}

/**
 * Returns the public name of a session, safe to show and to log: useless as an id. It is the storage
 * name in 43 characters, on purpose: a session is found by its handle without a search, and the name
 * tells nothing of the id. Where the name is the id, as in a store with the five methods, the handle
 * is a hash of it, and leads to nothing.
 */
export function sessionHandle (name: string): string {
  return NAME.test(name) ? Buffer.from(name, 'hex').toString('base64url') : hash('sha256', `handle\0${name}`, 'base64url')
}

/** Returns the storage name of the session with this handle; null for what cannot be a handle. */
export function nameOfHandle (handle: unknown): string | null {
  if (typeof handle !== 'string' || !HANDLE.test(handle)) return null
  const name = Buffer.from(handle, 'base64url').toString('hex')
  return sessionHandle(name) === handle ? name : null
}
