import type { CookieSerializeOptions } from '@fastify/cookie'
import { touchInterval } from './ageing'
import { SessionError } from './errors'
import { randomText } from './random'
import type { SessionStore } from './store/session-store'

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
  /** The longest text that a session may have, in bytes. @default 1048576 */
  maxSize?: number | undefined
  /** Makes a session id: random, of at most 1024 characters. @default 192 random bits, base64url */
  idGenerator?: (() => string) | undefined
}

/** How session data becomes text and back. `decode(encode(data))` must equal `data`. */
export interface SessionCodec {
  encode: (data: Record<string, unknown>) => string
  /** May throw: the session is then set aside, and the visitor gets a new one. */
  decode: (text: string) => Record<string, unknown>
}

/** What @fastify/cookie takes, `maxAge` in seconds. */
export type SessionCookieOptions = Omit<CookieSerializeOptions, 'encode'>

/** What `fastify.register(fileSessions, options)` takes. */
export interface FileSessionsOptions extends SessionFileStoreOptions {
  /**
   * When the session is loaded. Choose an earlier hook for plugins that need the session before
   * preHandler, such as @fastify/passport. @default 'preHandler'
   */
  hook?: 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler' | undefined
  /**
   * The session cookie. `secure: 'auto'` is on for https, also behind a proxy if Fastify's
   * `trustProxy` is set; `signed` needs @fastify/cookie to be registered with a secret. Without
   * `maxAge` the browser forgets it when it is closed.
   * @default { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }
   */
  cookie?: SessionCookieOptions | undefined
  /** Whether a cookie with `maxAge` is sent again when the session is touched. @default true */
  rolling?: boolean | undefined
  /**
   * Seconds between two rounds of removing expired sessions; 0 for none. A store that removes them
   * by itself, as databases do, has none anyway. @default 900
   */
  reapInterval?: number | undefined
  /** @default JSON */
  codec?: SessionCodec | undefined
  /**
   * Names the decorators: `request.session` and `fastify.sessionStore` by default, otherwise
   * `request.NAME` and `fastify.NAMEStore`. @default 'session'
   */
  sessionName?: string | undefined
  /** Another store than the files. Options that are the file store's may not be given with it. */
  store?: SessionStore | undefined
}

/** What `fromConnectStore()` takes beside the store. All times are in seconds. */
export interface FromConnectStoreOptions {
  /** The app's name, a cookie name. Apps that share the other store need a key prefix each there. @default 'sid' */
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

export interface SettledFileStoreOptions {
  appid: string
  sessionDir: string
  idleTimeout: number
  absoluteTimeout: number | undefined
  durability: 'os' | 'fsync'
  maxSize: number
  idGenerator: () => string
}

export type SettledOptions = {
  hook: NonNullable<FileSessionsOptions['hook']>
  cookie: SessionCookieOptions
  rolling: boolean
  reapInterval: number
  codec: SessionCodec
  sessionName: string
} & ({ store: SessionStore, fileStore: null } | { store: null, fileStore: SettledFileStoreOptions })

const FILE_STORE_OPTIONS = [
  'appid', 'sessionDir', 'idleTimeout', 'absoluteTimeout', 'durability', 'maxSize', 'idGenerator']
const CONNECT_STORE_OPTIONS = ['appid', 'idleTimeout', 'idGenerator', 'codec']
const PLUGIN_OPTIONS = ['hook', 'cookie', 'rolling', 'reapInterval', 'codec', 'sessionName', 'store']
/** Fastify hands its own register options on to the plugin. */
const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler']
const SAME_SITE = ['lax', 'strict', 'none']
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Its percent-encoded form must fit into a file name. */
const LONGEST_APPID = 80
/** Longer timers fire at once in Node. */
const LONGEST_INTERVAL = 2147483
const LARGEST_SIZE = 512 * 1024 * 1024
const DEFAULT_COOKIE: SessionCookieOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }

/** Checks the plugin's options and fills in the defaults. @throws {SessionError} */
export function pluginOptions (options: FileSessionsOptions): SettledOptions {
  checkKnown(options, [...FILE_STORE_OPTIONS, ...PLUGIN_OPTIONS, ...REGISTER_OPTIONS])
  const { hook = 'preHandler', rolling = true, reapInterval = 900, codec = JSON_CODEC, sessionName = 'session' } = options
  check(HOOKS.includes(hook), 'hook', `must be one of ${HOOKS.join(', ')}`)
  check(typeof rolling === 'boolean', 'rolling', 'must be true or false')
  check(isTime(reapInterval, 0) && reapInterval <= LONGEST_INTERVAL, 'reapInterval',
    `must be a number of seconds from 0 to ${LONGEST_INTERVAL}`)
  checkCodec(codec)
  check(typeof sessionName === 'string' && /^[A-Za-z_$][\w$]*$/.test(sessionName), 'sessionName',
    'must be a name that a property can have')
  const cookie = cookieOptions(options.cookie)
  const settled = { hook, cookie, rolling, reapInterval, codec, sessionName }
  if (options.store !== undefined) return { ...settled, store: givenStore(options), fileStore: null }

  const { appid, sessionDir, idleTimeout = cookie.maxAge, absoluteTimeout, durability, maxSize, idGenerator } = options
  const fileStore = fileStoreOptions({ appid, sessionDir, idleTimeout, absoluteTimeout, durability, maxSize, idGenerator })
  if (rolling && cookie.maxAge !== undefined) checkRenewal(cookie.maxAge, fileStore.idleTimeout)
  return { ...settled, store: null, fileStore }
}

/** A cookie is sent anew when the session is touched. */
function checkRenewal (maxAge: number, idleTimeout: number): void {
  check(touchInterval(maxAge) >= touchInterval(idleTimeout), 'cookie.maxAge',
    'must not be below both idleTimeout and 600: the cookie would run out before it is sent again')
}

/** Checks the file store's options and fills in the defaults. @throws {SessionError} */
export function fileStoreOptions (options: SessionFileStoreOptions): SettledFileStoreOptions {
  checkKnown(options, FILE_STORE_OPTIONS)
  const {
    appid = 'sid', sessionDir = './sessions', idleTimeout = 7200, absoluteTimeout, durability = 'os',
    maxSize = 1024 * 1024, idGenerator = randomId
  } = options
  checkAppid(appid)
  check(typeof sessionDir === 'string' && sessionDir !== '' && !sessionDir.includes('\0'), 'sessionDir',
    'must be the path of a directory')
  check(isTime(idleTimeout), 'idleTimeout', 'must be a number of seconds above 0')
  check(absoluteTimeout === undefined || isTime(absoluteTimeout), 'absoluteTimeout',
    'must be a number of seconds above 0, or left out')
  check(durability === 'os' || durability === 'fsync', 'durability', "must be 'os' or 'fsync'")
  check(Number.isInteger(maxSize) && maxSize > 0 && maxSize <= LARGEST_SIZE, 'maxSize',
    `must be a whole number of bytes from 1 to ${LARGEST_SIZE}`)
  check(typeof idGenerator === 'function', 'idGenerator', 'must be a function')
  return { appid, sessionDir, idleTimeout, absoluteTimeout, durability, maxSize, idGenerator }
}

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

/**
 * Browsers refuse a cookie whose name starts with `__Host-` or `__Secure-` unless it keeps that
 * prefix's rules; better the app does not start. Returns the options with what the rules imply.
 */
export function prefixedCookie (appid: string, cookie: SessionCookieOptions): SessionCookieOptions {
  const host = appid.toLowerCase().startsWith('__host-')
  if (!host && !appid.toLowerCase().startsWith('__secure-')) return cookie
  check(cookie.secure !== false, 'cookie.secure', `must not be false: the appid ${appid} asks for a Secure cookie`)
  check(!host || cookie.domain === undefined, 'cookie.domain', `must be left out: the appid ${appid} allows none`)
  check(!host || cookie.path === '/', 'cookie.path', `must be '/': the appid ${appid} allows no other`)
  return { ...cookie, secure: true }
}

function cookieOptions (given: SessionCookieOptions = {}): SessionCookieOptions {
  check(typeof given === 'object' && given !== null, 'cookie', 'must be an object')
  const cookie: SessionCookieOptions = { ...DEFAULT_COOKIE }
  for (const [name, value] of Object.entries(given)) {
    // Left out, as at the other options: it must not put away a default such as httpOnly.
    if (value !== undefined) Object.assign(cookie, { [name]: value })
  }
  for (const name of ['httpOnly', 'signed', 'partitioned'] as const) {
    check(cookie[name] === undefined || typeof cookie[name] === 'boolean', `cookie.${name}`, 'must be true or false')
  }
  for (const name of ['path', 'domain'] as const) {
    check(cookie[name] === undefined || typeof cookie[name] === 'string', `cookie.${name}`, 'must be a string')
  }
  check(typeof cookie.sameSite === 'boolean' || SAME_SITE.includes(String(cookie.sameSite).toLowerCase()), 'cookie.sameSite',
    `must be true, false or one of ${SAME_SITE.join(', ')}`)
  check(cookie.maxAge === undefined || (isTime(cookie.maxAge) && Number.isInteger(cookie.maxAge)), 'cookie.maxAge',
    'must be a whole number of seconds above 0')
  check(cookie.expires === undefined, 'cookie.expires', 'must be left out: a moment in time fits one visitor only; use maxAge')
  check(cookie.secure === 'auto' || typeof cookie.secure === 'boolean', 'cookie.secure', "must be true, false or 'auto'")
  check(String(cookie.sameSite).toLowerCase() !== 'none' || cookie.secure !== false, 'cookie.sameSite',
    "'none' needs cookie.secure: browsers refuse the cookie otherwise")
  return cookie
}

function givenStore (options: FileSessionsOptions): SessionStore {
  for (const name of FILE_STORE_OPTIONS) {
    check(options[name as keyof FileSessionsOptions] === undefined, name,
      'is the file store\'s, and has no effect beside the option store: give it to that store')
  }
  const store = options.store as SessionStore
  for (const method of ['sesAppid', 'getSession', 'newSession', 'putSession', 'delSession'] as const) {
    check(typeof store?.[method] === 'function', 'store', `must have the method ${method}`)
  }
  checkAppid(store.sesAppid(), 'store.sesAppid()')
  return store
}

function checkAppid (appid: string, name = 'appid'): void {
  check(typeof appid === 'string' && COOKIE_NAME.test(appid) && appid.length <= LONGEST_APPID, name,
    `must be a cookie name: 1 to ${LONGEST_APPID} letters, digits or any of !#$%&'*+-.^_\`|~`)
}

function checkCodec (codec: SessionCodec): void {
  check(typeof codec?.encode === 'function' && typeof codec.decode === 'function', 'codec',
    'must have the functions encode and decode')
}

function checkKnown (options: object, known: string[]): void {
  check(typeof options === 'object' && options !== null, 'options', 'must be an object')
  for (const name of Object.keys(options)) {
    check(known.includes(name), name, `is not known; the options are ${known.join(', ')}`)
  }
}

function check (isRight: boolean, name: string, rule: string): asserts isRight {
  if (!isRight) throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option ${name} ${rule}`)
}

function isTime (value: unknown, least = Number.MIN_VALUE): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= least
}

function randomId (): string {
  return randomText(24, 'base64url')
}

export const JSON_CODEC: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}
