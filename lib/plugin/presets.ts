import { check, given } from '../option-checks'
import { hasRecords } from '../store/features'
import type { SessionStore } from '../store/session-store'
import type { FileSessionsOptions, PresetName } from './file-sessions-options'

type PresetOptions = Pick<FileSessionsOptions, 'appid' | 'idleTimeout' | 'absoluteTimeout' | 'cookie' | 'cacheControl' | 'clearSiteData'>

const PRESETS: Readonly<Record<PresetName, PresetOptions>> = {
  'asvs-l2': {
    appid: '__Host-sid',
    idleTimeout: 3600,
    absoluteTimeout: 24 * 3600,
    cookie: { path: '/', httpOnly: true, sameSite: 'lax', secure: true },
    cacheControl: 'no-store',
    clearSiteData: ['cache', 'storage']
  }
}
/** What a store that is given has options of its own for. */
const OF_STORE: ReadonlyArray<keyof PresetOptions> = ['appid', 'idleTimeout', 'absoluteTimeout']

/**
 * Returns the options with those of the preset where nothing else is said: each can be overridden by its
 * own option, those of the cookie one by one.
 *
 * @throws {SessionError} SESSION_OPTION, for a preset that is not known, or a store that does not go with it
 */
export function withPreset (options: FileSessionsOptions): FileSessionsOptions {
  const { preset } = options
  if (preset === undefined) return options
  check(Object.hasOwn(PRESETS, preset), 'preset', `must be ${Object.keys(PRESETS).join(' or ')}, or left out`)
  const chosen: PresetOptions = { ...PRESETS[preset] }
  if (options.store !== undefined) {
    for (const name of OF_STORE) delete chosen[name]
    checkStore(preset, options.store)
  }
  const { cookie } = options
  // A cookie that is not an object is told so by the check of that option.
  const isObject = cookie === undefined || (typeof cookie === 'object' && cookie !== null)
  return { ...chosen, ...given(options), cookie: isObject ? { ...chosen.cookie, ...given(cookie ?? {}) } : cookie }
}

/** The store was made before: what the preset says of it cannot be filled in any more. */
function checkStore (preset: PresetName, store: SessionStore): void {
  const { idleTimeout, absoluteTimeout } = PRESETS[preset]
  const appid = typeof store?.sesAppid === 'function' ? String(store.sesAppid()) : ''
  check(/^__(host|secure)-/i.test(appid), 'preset', `needs a store whose appid begins with __Host- or __Secure-, which names the cookie, not ${appid}: ` +
    'give the store the appid __Host-sid')
  const lifetimes = hasRecords(store) ? store.lifetimes : undefined
  check(lifetimes === undefined || lifetimes.absoluteTimeout !== undefined, 'preset', 'needs a store whose sessions end some day: ' +
    `give the store absoluteTimeout: ${absoluteTimeout} and idleTimeout: ${idleTimeout}, or times of your own`)
}
