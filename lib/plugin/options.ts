import { check, checkAppid, checkKnown, isTime } from '../option-checks'
import { checkCodec, JSON_CODEC, type SessionCodec } from '../session/codec'
import type { SessionCookieOptions } from '../session/cookie-options'
import { INDEX_OPTIONS, indexOptions, type IndexOptions } from '../session/index-options'
import type { SettledIndexes } from '../session/indexing'
import type { RenewalOptions } from '../session/renewal-times'
import { touchInterval } from '../store/clock'
import { FILE_STORE_OPTIONS, fileStoreOptions, type SessionFileStoreOptions, type SettledFileStoreOptions } from '../store/files/options'
import { encryptionOptions, type SettledEncryption } from '../store/encryption-options'
import { hasRecords, isIndexable } from '../store/features'
import type { SessionStore } from '../store/session-store'
import { cookieOptions } from './cookie-rules'
import type { FileSessionsOptions } from './file-sessions-options'
import { withPreset } from './presets'

/** The plugin's options as it uses them: checked, with all defaults. */
export type SettledOptions = {
  hook: NonNullable<FileSessionsOptions['hook']>
  cookie: SessionCookieOptions
  rolling: boolean
  reapInterval: number
  codec: SessionCodec
  sessionName: string
  onUnavailable: NonNullable<FileSessionsOptions['onUnavailable']>
  /** Null: ids are not renewed by themselves. */
  renewal: RenewalOptions | null
  cacheControl: NonNullable<FileSessionsOptions['cacheControl']>
  clearSiteData: NonNullable<FileSessionsOptions['clearSiteData']>
  indexes: SettledIndexes | null
  about: FileSessionsOptions['about']
  /** For a store that was given and does not encrypt by itself. */
  encryption: SettledEncryption | false
} & ({ store: SessionStore, fileStore: null } | { store: null, fileStore: SettledFileStoreOptions })

const PLUGIN_OPTIONS = [
  'hook', 'cookie', 'rolling', 'reapInterval', 'codec', 'sessionName', 'onUnavailable', 'renewAfter', 'renewGrace', 'cacheControl', 'clearSiteData',
  'preset', 'about', 'store', ...INDEX_OPTIONS
]
/** The options of Fastify's `register`, which Fastify passes on to the plugin. */
const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler']
const ON_UNAVAILABLE = ['fail', 'serve']
const CACHE_CONTROL = ['private', 'no-store']
const SITE_DATA = ['cache', 'cookies', 'storage']
/** Seconds. A thief of an old id can use it for so long. */
const LONGEST_GRACE = 600
/** Seconds. Node fires longer timers at once. */
const LONGEST_INTERVAL = 2147483

/** Checks the plugin's options and fills in the defaults. @throws {SessionError} */
export function pluginOptions (given: FileSessionsOptions): SettledOptions {
  checkKnown(given, [...FILE_STORE_OPTIONS, ...PLUGIN_OPTIONS, ...REGISTER_OPTIONS])
  const options = withPreset(given)
  const {
    hook = 'preHandler', rolling = true, reapInterval = 900, codec = JSON_CODEC, sessionName = 'session', onUnavailable = 'fail', about,
    cacheControl = 'private', clearSiteData = []
  } = options
  check(HOOKS.includes(hook), 'hook', `must be one of ${HOOKS.join(', ')}`)
  check(typeof rolling === 'boolean', 'rolling', 'must be true or false')
  check(isTime(reapInterval, 0) && reapInterval <= LONGEST_INTERVAL, 'reapInterval',
    `must be a number of seconds from 0 to ${LONGEST_INTERVAL}`)
  checkCodec(codec)
  check(typeof sessionName === 'string' && /^[A-Za-z_$][\w$]*$/.test(sessionName), 'sessionName',
    'must be a name that a property can have')
  check(ON_UNAVAILABLE.includes(onUnavailable), 'onUnavailable', `must be one of ${ON_UNAVAILABLE.join(', ')}`)
  check(CACHE_CONTROL.includes(cacheControl), 'cacheControl', `must be one of ${CACHE_CONTROL.join(', ')}`)
  check(Array.isArray(clearSiteData) && clearSiteData.every(word => SITE_DATA.includes(word)), 'clearSiteData',
    `must be an array of ${SITE_DATA.join(', ')}`)
  const indexes = indexOptions(options as IndexOptions<Record<string, unknown>>)
  check(about === undefined || typeof about === 'function', 'about', 'must be a function of the request')
  check(about === undefined || indexes !== null, 'about', 'has no effect without the option indexes')
  const cookie = cookieOptions(options.cookie)
  const encryption = options.store === undefined ? false : encryptionOptions(options.encryption)
  const settled = {
    hook, cookie, rolling, reapInterval, codec, sessionName, onUnavailable, indexes, about, renewal: renewalOptions(options), cacheControl, clearSiteData, encryption
  }
  if (options.store !== undefined) {
    const store = givenStore(options)
    if (rolling && hasRecords(store)) checkRenewal(cookie.maxAge, store.lifetimes?.idleTimeout)
    return { ...settled, store, fileStore: null }
  }
  const fileStore = fileStoreOptions(storeOptions(options, cookie))
  if (rolling) checkRenewal(cookie.maxAge, fileStore.idleTimeout)
  return { ...settled, store: null, fileStore }
}

/** Returns the options that are the file store's. A cookie that lasts longer lets the session idle as long. */
function storeOptions (options: FileSessionsOptions, cookie: SessionCookieOptions): SessionFileStoreOptions {
  const names = FILE_STORE_OPTIONS as Array<keyof SessionFileStoreOptions>
  const given: SessionFileStoreOptions = Object.fromEntries(names.map(name => [name, options[name]]))
  return given.idleTimeout === undefined ? { ...given, idleTimeout: cookie.maxAge } : given
}

/** A cookie is sent anew when the session is touched. Each is in seconds, or not known. */
function checkRenewal (maxAge: number | undefined, idleTimeout: number | undefined): void {
  if (maxAge === undefined || idleTimeout === undefined) return
  check(touchInterval(maxAge) >= touchInterval(idleTimeout), 'cookie.maxAge',
    'must not be below both idleTimeout and 600: the cookie would run out before it is sent again')
}

/** @throws {SessionError} SESSION_OPTION */
function renewalOptions ({ renewAfter, renewGrace: given }: FileSessionsOptions): RenewalOptions | null {
  check(given === undefined || renewAfter !== undefined, 'renewGrace', 'has no effect without the option renewAfter')
  const renewGrace = given ?? 10
  check(isTime(renewGrace, 1) && renewGrace <= LONGEST_GRACE, 'renewGrace', `must be a number of seconds from 1 to ${LONGEST_GRACE}`)
  if (renewAfter === undefined) return null
  check(isTime(renewAfter) && renewAfter >= 2 * renewGrace, 'renewAfter',
    `must be a number of seconds, and at least twice renewGrace (${renewGrace}): an id must not be renewed while the one before it still works`)
  return { after: renewAfter, grace: renewGrace }
}

/** Whether the store has the option `encryption`. */
function encryptsItself (store: SessionStore | undefined): boolean {
  return store?.sesAppid !== undefined && hasRecords(store) && store.cipher !== undefined
}

function givenStore (options: FileSessionsOptions): SessionStore {
  for (const name of FILE_STORE_OPTIONS) {
    if (name === 'encryption' && !encryptsItself(options.store)) continue
    check(options[name as keyof FileSessionsOptions] === undefined, name,
      'is the file store\'s, and has no effect beside the option store: give it to that store')
  }
  const store = options.store as SessionStore
  for (const method of ['sesAppid', 'getSession', 'newSession', 'putSession', 'delSession'] as const) {
    check(typeof store?.[method] === 'function', 'store', `must have the method ${method}`)
  }
  checkAppid(store.sesAppid(), 'store.sesAppid()')
  check(options.indexes === undefined || isIndexable(store), 'indexes', 'needs a store that can find sessions by what they hold, ' +
    'such as those of this package: the store that is given does not declare the feature indexable')
  return store
}
