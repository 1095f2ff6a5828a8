import { randomText } from '../../random'

/**
 * All names below a session directory: how they are made, and what they say. Nothing else in the
 * package makes or takes apart such a name.
 *
 *     .imported-<appid>                     what `file-sessions import` has imported
 *     .index-<appid>/                       the lists of an app's sessions, with the same names below it as an appid's
 *     <appid>/                              the directory of one app
 *     <appid>/check.<token>.tmp             written by a check of the disk, for a moment
 *     <appid>/probe.<token>.tmp/            written by the probe of the file system, for a moment
 *     <appid>/<shard>/                      a shard: 2 of the 64 digits of a session's name
 *     <appid>/<shard>/<digits>              a session: the other 62
 *     <appid>/<shard>/<digits>.<token>.tmp  what is to become a session or a lock: a file or a directory
 *     <appid>/<shard>/<digits>.lock/        the lock, with the next journal in it under a token
 *     <appid>/<shard>/<digits>.<ms>.aside   a session that was set aside, and when
 *
 * A token is 16 random hexadecimal digits.
 */
const IMPORT_MEMORY = '.imported-'
/** What Windows takes for a device, whatever directory it stands in. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/
const INDEX = '.index-'
const SHARD = /^[0-9a-f]{2}$/
const SESSION = /^[0-9a-f]{62}$/
const LOCK = /^[0-9a-f]{62}\.lock$/
const STAGING = /^[0-9a-f]{62}\.[0-9a-f]{16}\.tmp$/
const SET_ASIDE = /^[0-9a-f]{62}\.([0-9]+)\.aside$/
const CHECK = /^check\.[0-9a-f]{16}\.tmp$/
const PROBE = /^probe\.[0-9a-f]{16}\.tmp$/
const TOKEN = /^[0-9a-f]{16}$/
const TOKEN_BYTES = 8

/**
 * Returns the name of an appid's directory. A character that is not a small letter, a digit, `-` or
 * `_` is percent-encoded, so that no two appids share a name even where case does not count. So is the
 * first one of a name that Windows keeps for a device.
 */
export function directoryName (appid: string): string {
  return appid.replace(DEVICE.test(appid) ? /^./ : /[^a-z0-9_-]/g, character =>
    `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Returns the appid whose directory has this name; null when no appid's has. */
export function appidOf (name: string): string | null {
  const appid = name.replace(/%([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
  return appid !== '' && directoryName(appid) === name ? appid : null
}

/** Returns the name of the directory of an appid's index, which no appid's directory can have. */
export function indexDirectoryName (appid: string): string {
  return INDEX + directoryName(appid)
}

/** Whether a directory in a session directory has the name of an appid's index. */
export function isIndexDirectory (name: string): boolean {
  return name.startsWith(INDEX) && appidOf(name.slice(INDEX.length)) !== null
}

/** Returns the path of the file that remembers what was imported for an appid. */
export function importMemoryPath (sessionDir: string, appid: string): string {
  return `${sessionDir}/${IMPORT_MEMORY}${directoryName(appid)}`
}

/** Whether a file in a session directory has the name of an appid's memory of imports. */
export function isImportMemory (name: string): boolean {
  return name.startsWith(IMPORT_MEMORY) && appidOf(name.slice(IMPORT_MEMORY.length)) !== null
}

/** Returns the path of the shard that the session with this name is in. */
export function shardPath (directory: string, name: string): string {
  return `${directory}/${name.slice(0, 2)}`
}

/** Returns the path of a session: `name` is its storage name, 64 hexadecimal digits. */
export function sessionPath (directory: string, name: string): string {
  return `${directory}/${name.slice(0, 2)}/${name.slice(2)}`
}

/** Pattern of the names of all locks, for commands that look for files. */
export const LOCKS = '*.lock'

export function lockPath (session: string): string {
  return `${session}.lock`
}

export function stagingPath (session: string, token: string): string {
  return `${session}.${token}.tmp`
}

/** Returns the name of the session at a path that `sessionPath` returns. */
export function sessionNameOf (path: string): string {
  const digits = path.split('/').slice(-2)
  return digits.join('')
}

export function asidePath (session: string, moment: number): string {
  return `${session}.${moment}.aside`
}

export function checkPath (directory: string): string {
  return `${directory}/check.${newToken()}.tmp`
}

export function probePath (directory: string): string {
  return `${directory}/probe.${newToken()}.tmp`
}

/** Returns a token that no other process has. */
export function newToken (): string {
  return randomText(TOKEN_BYTES, 'hex')
}

export function isToken (name: string): boolean {
  return TOKEN.test(name)
}

export function isSessionName (name: string): boolean {
  return SESSION.test(name)
}

/** What a name stands for; a directory and a file of one name are different things. */
export type NameKind = 'shard' | 'check' | 'probe' | 'session' | 'lock' | 'staging' | 'setAside' | 'foreign'

/** Returns what a name in an appid's directory stands for. */
export function kindInDirectory (name: string, isDirectory: boolean): NameKind {
  if (isDirectory) return SHARD.test(name) ? 'shard' : PROBE.test(name) ? 'probe' : 'foreign'
  return CHECK.test(name) ? 'check' : 'foreign'
}

/** Returns what a name in a shard stands for. */
export function kindInShard (name: string, isDirectory: boolean): NameKind {
  if (STAGING.test(name)) return 'staging'
  if (isDirectory) return LOCK.test(name) ? 'lock' : 'foreign'
  return SESSION.test(name) ? 'session' : SET_ASIDE.test(name) ? 'setAside' : 'foreign'
}

/** Returns when a session was set aside, in milliseconds since 1970, by the name of its file. */
export function setAsideAt (name: string): number {
  return Number(SET_ASIDE.exec(name)?.[1])
}
