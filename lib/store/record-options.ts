import { SessionError } from '../errors'
import { check, checkAppid, isTime } from '../option-checks'
import { encryptionOptions, type EncryptionOptions, type SettledEncryption } from './encryption-options'
import { plainSize } from './sealed-text'
import { randomId } from './session-id'
import type { SessionRecord } from './session-record'

/** The options that every store of this package has. All times are in seconds. */
export interface RecordStoreOptions {
  /**
   * The app's name, a cookie name. Apps with the same appid share their sessions, apps with
   * different ones never see each other's, in one place or not. @default 'sid'
   */
  appid?: string | undefined
  /** Seconds without access after which a session ends. @default 7200; of the plugin: cookie.maxAge, if that is given */
  idleTimeout?: number | undefined
  /** Seconds after which a session ends however much it is used. @default none */
  absoluteTimeout?: number | undefined
  /** The longest text that a session may have, in bytes, counted before it is encrypted: at most 536870912. @default 1048576 */
  maxSize?: number | undefined
  /** Makes a session id: random, of at most 1024 characters. @default 192 random bits, base64url */
  idGenerator?: (() => string) | undefined
  /**
   * Encrypts sessions under keys that are made of their ids, and so of what is in the visitors' cookies
   * only. An object has options of its own, such as secrets of the server. @default false
   */
  encryption?: boolean | EncryptionOptions | undefined
}

export interface SettledRecordStoreOptions {
  appid: string
  idleTimeout: number
  absoluteTimeout: number | undefined
  maxSize: number
  idGenerator: () => string
  encryption: SettledEncryption | false
}

export const RECORD_STORE_OPTIONS = ['appid', 'idleTimeout', 'absoluteTimeout', 'maxSize', 'idGenerator', 'encryption']
const LARGEST_SIZE = 512 * 1024 * 1024
/** The largest number of seconds that a record has room for, in every store. */
export const LONGEST_IDLE_TIMEOUT = 2 ** 32 - 1
/** The largest number of milliseconds since 1970 that a record has room for, in every store. */
export const LATEST = 2 ** 48 - 1

/** Checks the options that all stores have and fills in the defaults. @throws {SessionError} */
export function recordStoreOptions (options: RecordStoreOptions): SettledRecordStoreOptions {
  const { appid = 'sid', idleTimeout = 7200, absoluteTimeout, maxSize = 1024 * 1024, idGenerator = randomId } = options
  checkAppid(appid)
  check(isTime(idleTimeout), 'idleTimeout', 'must be a number of seconds above 0')
  check(absoluteTimeout === undefined || isTime(absoluteTimeout), 'absoluteTimeout',
    'must be a number of seconds above 0, or left out')
  check(Number.isInteger(maxSize) && maxSize > 0 && maxSize <= LARGEST_SIZE, 'maxSize',
    `must be a whole number of bytes from 1 to ${LARGEST_SIZE}`)
  check(typeof idGenerator === 'function', 'idGenerator', 'must be a function')
  return { appid, idleTimeout, absoluteTimeout, maxSize, idGenerator, encryption: encryptionOptions(options.encryption) }
}

/**
 * Checks what is to be stored. Returns the idle timeout in whole seconds, 0 for the store's own.
 *
 * @throws {SessionError} SESSION_OPTION or SESSION_TOO_BIG
 */
export function checkRecord ({ text, idleTimeout }: Pick<SessionRecord, 'text' | 'idleTimeout'>, maxSize: number): number {
  if (typeof text !== 'string') throw new SessionError('SESSION_OPTION', 'the text of a session must be a string')
  // A code unit takes three bytes at most: most texts need not be counted.
  if (3 * text.length > maxSize && plainSize(text) > maxSize) {
    throw new SessionError('SESSION_TOO_BIG',
      `the session's text is longer than maxSize (${maxSize} bytes): keep less in it, or raise maxSize`)
  }
  if (idleTimeout === undefined) return 0
  if (!(idleTimeout > 0)) throw new SessionError('SESSION_OPTION', 'idleTimeout must be a number of seconds above 0')
  return Math.min(Math.ceil(idleTimeout), LONGEST_IDLE_TIMEOUT)
}
