import { check, checkAppid, checkKnown, isTime } from '../option-checks'
import { checkCodec, JSON_CODEC, type SessionCodec } from '../session/codec'
import { randomId } from '../store/session-id'

/** What `fromConnectStore()` takes beside the store. All times are in seconds. */
export interface FromConnectStoreOptions {
  /** The app's name, a cookie name. Apps that share the other store need a key prefix each in it. @default 'sid' */
  appid?: string | undefined
  /** Seconds without access after which a session ends. @default 7200 */
  idleTimeout?: number | undefined
  /** Makes a session id: random, of 1 to 1024 letters, digits, `-` and `_`. @default 192 random bits, base64url */
  idGenerator?: (() => string) | undefined
  /** The plugin's, if it has one: the other store takes data, not text. @default JSON */
  codec?: SessionCodec | undefined
}

export interface SettledConnectStoreOptions {
  appid: string
  idleTimeout: number
  idGenerator: () => string
  codec: SessionCodec
}

const CONNECT_STORE_OPTIONS = ['appid', 'idleTimeout', 'idGenerator', 'codec']

/** Checks the options of a store of another kind and fills in the defaults. @throws {SessionError} */
export function connectStoreOptions (options: FromConnectStoreOptions): SettledConnectStoreOptions {
  checkKnown(options, CONNECT_STORE_OPTIONS)
  const { appid = 'sid', idleTimeout = 7200, idGenerator = randomId, codec = JSON_CODEC } = options
  checkAppid(appid)
  check(isTime(idleTimeout), 'idleTimeout', 'must be a number of seconds above 0')
  check(typeof idGenerator === 'function', 'idGenerator', 'must be a function')
  checkCodec(codec)
  return { appid, idleTimeout, idGenerator, codec }
}
