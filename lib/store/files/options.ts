import { resolve } from 'node:path'
import { check, checkAppid, checkKnown, isTime } from '../../option-checks'
import { randomId } from '../session-id'

/** What `new SessionFileStore()` takes. All times are in seconds. */
export interface SessionFileStoreOptions {
  /**
   * The app's name, a cookie name. Apps with the same appid share their sessions, apps with
   * different ones never see each other's, in one directory or not. @default 'sid'
   */
  appid?: string | undefined
  /** Where the sessions are kept; made (0700) if missing. @default './sessions' */
  sessionDir?: string | undefined
  /** Seconds without access after which a session ends. @default cookie.maxAge, or 7200 */
  idleTimeout?: number | undefined
  /** Seconds after which a session ends however much it is used. @default none */
  absoluteTimeout?: number | undefined
  /**
   * `'os'`: a save survives a crash of the process; after a power loss the last seconds may be
   * missing. `'fsync'`: a save is on the disk before the response is sent. @default 'os'
   */
  durability?: 'os' | 'fsync' | undefined
  /**
   * Starts also on a file system that cannot keep the promises of this package, such as NFS, with a
   * warning in place of the error. @default false
   */
  allowUnsafeDirectory?: boolean | undefined
  /** The longest text that a session may have, in bytes. @default 1048576 */
  maxSize?: number | undefined
  /** Makes a session id: random, of at most 1024 characters. @default 192 random bits, base64url */
  idGenerator?: (() => string) | undefined
}

export interface SettledFileStoreOptions {
  appid: string
  /** Absolute: what the process does with its working directory later makes no difference. */
  sessionDir: string
  idleTimeout: number
  absoluteTimeout: number | undefined
  durability: 'os' | 'fsync'
  allowUnsafeDirectory: boolean
  maxSize: number
  idGenerator: () => string
}

export const FILE_STORE_OPTIONS = [
  'appid', 'sessionDir', 'idleTimeout', 'absoluteTimeout', 'durability', 'allowUnsafeDirectory', 'maxSize', 'idGenerator']
const LARGEST_SIZE = 512 * 1024 * 1024

/** Checks the file store's options and fills in the defaults. @throws {SessionError} */
export function fileStoreOptions (options: SessionFileStoreOptions): SettledFileStoreOptions {
  checkKnown(options, FILE_STORE_OPTIONS)
  const {
    appid = 'sid', sessionDir = './sessions', idleTimeout = 7200, absoluteTimeout, durability = 'os',
    allowUnsafeDirectory = false, maxSize = 1024 * 1024, idGenerator = randomId
  } = options
  checkAppid(appid)
  check(typeof sessionDir === 'string' && sessionDir !== '' && !sessionDir.includes('\0'), 'sessionDir',
    'must be the path of a directory')
  check(isTime(idleTimeout), 'idleTimeout', 'must be a number of seconds above 0')
  check(absoluteTimeout === undefined || isTime(absoluteTimeout), 'absoluteTimeout',
    'must be a number of seconds above 0, or left out')
  check(durability === 'os' || durability === 'fsync', 'durability', "must be 'os' or 'fsync'")
  check(typeof allowUnsafeDirectory === 'boolean', 'allowUnsafeDirectory', 'must be true or false')
  check(Number.isInteger(maxSize) && maxSize > 0 && maxSize <= LARGEST_SIZE, 'maxSize',
    `must be a whole number of bytes from 1 to ${LARGEST_SIZE}`)
  check(typeof idGenerator === 'function', 'idGenerator', 'must be a function')
  return { appid, sessionDir: resolve(sessionDir), idleTimeout, absoluteTimeout, durability, allowUnsafeDirectory, maxSize, idGenerator }
}
