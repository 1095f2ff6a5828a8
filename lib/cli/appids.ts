import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { asSessionError, SessionError } from '../errors'
import { unlessMissing } from '../store/files/disk'
import { appidOf, directoryName, isSessionName } from '../store/files/file-names'
import { checkPrivate, PrivateDirectory } from '../store/files/private-directory'
import { localDisk } from '../store/files/local-disk'
import { print, type Terminal } from './terminal'

export interface AppidDirectory {
  appid: string
  directory: string
}

/** What a command works on, and what stands among it that is not ours. */
export interface Selection {
  appids: AppidDirectory[]
  foreign: string[]
}

/** A thing that was asked for by name is not there: exit code 1. */
export class NotFound extends SessionError {
  constructor (message: string) {
    super('NOT_FOUND', message)
  }
}

/**
 * Returns the directories of all appids in a session directory, or of one.
 *
 * @throws the system's error when the session directory cannot be read; {SessionFileError} when it
 * belongs to another user or others may use it; {NotFound} when the one appid has no directory in it
 */
export async function selectAppids (sessionDir: string, appid: string | undefined): Promise<Selection> {
  if (appid !== undefined) return { appids: [{ appid, directory: await appidDirectory(sessionDir, appid) }], foreign: [] }
  await checkSessionDir(sessionDir)
  const selection: Selection = { appids: [], foreign: [] }
  // There are as many as apps, so a listing is no burden.
  for (const entry of await readdir(sessionDir, { withFileTypes: true })) {
    const path = join(sessionDir, entry.name)
    const appid = entry.isDirectory() ? appidOf(entry.name) : null
    if (appid === null) selection.foreign.push(path)
    else selection.appids.push({ appid, directory: path })
  }
  const [first] = selection.appids
  if (first !== undefined && await holdsSessionFiles(first.directory)) {
    throw new NotFound(`${sessionDir} is the directory of one appid: name the directory that it is in`)
  }
  selection.appids.sort((a, b) => a.appid.localeCompare(b.appid))
  return selection
}

/** Whether it is a shard: an appid's directory holds directories, and these hold the session files. */
async function holdsSessionFiles (directory: string): Promise<boolean> {
  // One that cannot be read is for the command to report.
  return (await readdir(directory).catch(() => [])).some(isSessionName)
}

/**
 * Does the work for each of the directories. Trouble with one is printed, and the others are done all
 * the same. Returns the exit code.
 */
export async function forEachAppid (
  { appids }: Selection, terminal: Terminal, work: (each: AppidDirectory) => Promise<void>
): Promise<number> {
  let exitCode = 0
  for (const each of appids) {
    try {
      await work(each)
    } catch (error) {
      print(terminal.err, `file-sessions: ${asSessionError('list the sessions', each.directory, error).message}`)
      exitCode = 2
    }
  }
  return exitCode
}

/** Returns the directory of one appid. Throws as above. */
export async function appidDirectory (sessionDir: string, appid: string): Promise<string> {
  await checkSessionDir(sessionDir)
  const directory = join(sessionDir, directoryName(appid))
  if (await unlessMissing(localDisk.lstat(directory)) === null) {
    throw new NotFound(`${sessionDir} holds no sessions of appid ${appid}`)
  }
  await new PrivateDirectory(directory).checkAgain()
  return directory
}

async function checkSessionDir (sessionDir: string): Promise<void> {
  // A directory that is not there is an error here.
  await localDisk.stat(sessionDir)
  await checkPrivate(sessionDir, true)
}
