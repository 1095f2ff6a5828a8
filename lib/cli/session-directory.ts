import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError, hasCode, SessionFileError } from '../errors'
import { unlessMissing } from '../store/files/disk'
import { appidOf, directoryName, isImportMemory, isIndexDirectory, isSessionName, kindInDirectory, kindInShard } from '../store/files/file-names'
import { localDisk } from '../store/files/local-disk'
import { checkPrivateDirectory, PrivateDirectory } from '../store/files/private-directory'
import { NotFound } from './place'

export interface AppidDirectory {
  appid: string
  directory: string
}

/** What a session directory holds, and what stands in it that is not ours. */
export interface Selection {
  appids: AppidDirectory[]
  foreign: string[]
}

type Kind = 'appid' | 'empty' | 'shard' | 'other'

/**
 * Returns the directories of all appids in a session directory.
 *
 * @throws {SessionFileError} when the directory is missing, cannot be read, holds something else than
 * sessions, belongs to another user, or may be used by others
 */
export async function selectAppids (sessionDir: string): Promise<Selection> {
  const selection: Selection = { appids: [], foreign: [] }
  const kinds = new Set<Kind>()
  for (const entry of await entriesOf(sessionDir)) {
    if (entry.isFile() ? isImportMemory(entry.name) : isIndexDirectory(entry.name)) continue
    const path = join(sessionDir, entry.name)
    const appid = entry.isDirectory() ? appidOf(entry.name) : null
    kinds.add(appid === null ? 'other' : await kindOf(path))
    if (appid === null) selection.foreign.push(path)
    else selection.appids.push({ appid, directory: path })
  }
  // Before the user is told to close it to others: it may be any directory.
  if (kinds.has('shard') && !kinds.has('appid')) throw tooDeep(sessionDir, dirname(sessionDir), 'the directory of one appid')
  if (kinds.has('other') && !kinds.has('appid')) throw await notSessions(sessionDir)
  await checkPrivateDirectory(sessionDir, true)
  selection.appids.sort((a, b) => a.appid.localeCompare(b.appid))
  return selection
}

/** Returns the directory of one appid. @throws {NotFound} when the appid has none, and as above */
export async function appidDirectory (sessionDir: string, appid: string): Promise<string> {
  // A directory that is not there is an error here.
  await described(sessionDir, localDisk.stat(sessionDir))
  const directory = join(sessionDir, directoryName(appid))
  const status = await described(sessionDir, unlessMissing(localDisk.lstat(directory)))
  if (status === null) {
    // It may be the wrong directory altogether.
    await selectAppids(sessionDir)
    throw new NotFound(`${sessionDir} holds no sessions of appid ${appid}`)
  }
  await checkPrivateDirectory(sessionDir, true)
  await new PrivateDirectory(directory).checkAgain()
  return directory
}

async function entriesOf (sessionDir: string): Promise<Dirent[]> {
  // There are as many as apps, so a listing costs little.
  return await described(sessionDir, readdir(sessionDir, { withFileTypes: true }))
}

/** What a directory with a name that an appid's may have is, by what is in it. */
async function kindOf (path: string): Promise<Kind> {
  let entries: Dirent[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch {
    // The command itself finds out and says so.
    return 'appid'
  }
  if (entries.length === 0) return 'empty'
  if (entries.some(({ name }) => isSessionName(name))) return 'shard'
  for (const entry of entries) {
    const kind = kindInDirectory(entry.name, entry.isDirectory())
    if (kind !== 'foreign' && (kind !== 'shard' || await isShard(join(path, entry.name)))) return 'appid'
  }
  return 'other'
}

/** Whether a directory of two digits is one of ours. Others have such names as well. */
async function isShard (path: string): Promise<boolean> {
  const [entries, status] = await Promise.all([readdir(path, { withFileTypes: true }), localDisk.lstat(path)]).catch(() => [[], null] as const)
  if (entries.length === 0) return status !== null && (status.mode & 0o077) === 0
  return entries.some(entry => kindInShard(entry.name, entry.isDirectory()) !== 'foreign')
}

async function notSessions (directory: string): Promise<SessionFileError> {
  const names = await readdir(directory)
  if (names.some(isSessionName)) return tooDeep(directory, dirname(dirname(directory)), 'inside of the directory of one appid')
  const inside = names.includes('sessions') ? `, perhaps ${join(directory, 'sessions')}` : ''
  return new SessionFileError(`${directory} is not a session directory: name the one that is the app's sessionDir${inside}`)
}

function tooDeep (directory: string, right: string, what: string): SessionFileError {
  return new SessionFileError(`${directory} is ${what}: name the session directory, ${right}`)
}

/** Says in words what the system says of a directory that was named. */
async function described<T> (directory: string, look: Promise<T>): Promise<T> {
  try {
    return await look
  } catch (error) {
    if (hasCode(error, 'ENOENT') && await unlessMissing(localDisk.lstat(directory)) !== null) {
      throw trouble(`${directory} is a symbolic link that leads nowhere: name the directory that is the app's sessionDir, or correct the link`, error)
    }
    if (hasCode(error, 'ENOENT')) throw trouble(`there is no directory ${directory}: name the one that is the app's sessionDir`, error)
    if (hasCode(error, 'ENOTDIR')) throw trouble(`${directory} is not a directory, or lies below something that is none`, error)
    if (hasCode(error, 'EACCES')) {
      throw trouble(`this user may not look into ${directory}: run the command as the user that the app runs as, such as with sudo -u`, error)
    }
    throw fileError('look', directory, error)
  }
}

function trouble (message: string, error: unknown): SessionFileError {
  const { code, syscall } = error as NodeJS.ErrnoException
  return new SessionFileError(message, { cause: Object.assign(new Error(code), { code, syscall }) })
}
