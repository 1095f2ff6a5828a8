import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileError, SessionFileError } from '../../errors'
import { syncDirectory } from './disk'
import { localDisk } from './local-disk'

const OPEN_TO_OTHERS = 0o007

/**
 * The name of an appid's directory. Whatever is not a small letter, a digit, `-` or `_` is
 * percent-encoded, so that no two appids share a name even where case does not count.
 */
export function directoryName (appid: string): string {
  return appid.replace(/[^a-z0-9_-]/g, character =>
    `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** The appid whose directory has this name; null when no appid's has. */
export function appidOf (name: string): string | null {
  const appid = name.replace(/%([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
  return appid !== '' && directoryName(appid) === name ? appid : null
}

/** Where in an appid's directory a session is kept. The name gives nothing of the id away. */
export function sessionPath (directory: string, appid: string, sesid: string): string {
  const digits = hash('sha256', `${appid}\0${sesid}`)
  return `${directory}/${digits.slice(0, 2)}/${digits.slice(2)}`
}

/**
 * Makes a directory, and those above it, for this user alone (0700). One that is there already
 * must be a directory that this process can use and that others cannot enter.
 *
 * @throws {SessionFileError} that says what to do.
 */
export async function makePrivateDirectory (path: string, durable: boolean): Promise<void> {
  // Without `..`: what a path only passes through is not made.
  const directory = resolve(path)
  let mode: number
  try {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 })
    if (durable && first !== undefined) await syncUpTo(directory, dirname(first))
    mode = (await stat(directory)).mode
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw fileError('make or use the session directory', path, error)
  }
  if ((mode & OPEN_TO_OTHERS) !== 0) {
    throw new SessionFileError(`others may use the session directory ${path}: run chmod 700 ${path}`)
  }
}

/** Makes the entries of new directories survive a power loss, from the innermost outwards. */
async function syncUpTo (path: string, top: string): Promise<void> {
  while (path !== top) {
    path = dirname(path)
    await syncDirectory(localDisk, path)
  }
}
