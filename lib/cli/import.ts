import { opendir } from 'node:fs/promises'
import { fileError, hasCode, SessionFileError } from '../errors'
import { importFromSessionFileStore } from '../connect/import-from-session-file-store'
import type { SettledEncryption } from '../store/encryption-options'
import { SessionFileStore } from '../store/files/session-file-store'
import { indexesIn } from './index-module'
import { serverUrl } from './server-url'
import { selectAppids } from './session-directory'
import { print, printJson, Progress, type Terminal } from './terminal'
import { UsageError } from './usage'

export interface ImportCommandOptions {
  appid: string
  /** Seconds. */
  ttl: number
  extension: string
  /** The path of a module that exports `indexes`, and `codec` if the app has one. */
  module?: string
  json?: boolean
  /** How the sessions are encrypted; left out: they are plain until the app saves them. */
  encryption?: SettledEncryption
}

/** So long (seconds) that no session in our directory is taken for expired and replaced: what its app says is not known here. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** Makes sessions of those in a directory of session-file-store's. @throws {UsageError} when it is not one, as far as can be seen */
export async function importSessions (
  from: string, sessionDir: string, { appid, ttl, extension, module, json = false, encryption }: ImportCommandOptions, terminal: Terminal
): Promise<number> {
  // The URL may hold a password, so it is not repeated.
  if (serverUrl(from) !== null) throw new UsageError('import reads a directory of session-file-store, not a server: copy takes sessions of this package from one place to another')
  const { files, others } = await count(from, extension)
  if (files === 0 && others > 0) throw await notForeign(from, extension)
  const ofApp = module === undefined ? {} : await indexesIn(module)
  const store = new SessionFileStore({ appid, sessionDir, idleTimeout: UNLIMITED, encryption })
  const progress = new Progress(terminal, appid)
  let done = 0
  const { imported, expired, present, ended, failed } = await importFromSessionFileStore(from, store, {
    ...ofApp,
    ttl,
    fileExtension: extension,
    onProgress: () => { progress.report(++done, files) }
  }).finally(() => { progress.stop() })
  for (const { path, reason } of failed) print(terminal.err, `failed  ${path}: ${reason}`)
  if (json) printJson(terminal.out, { appid, imported, expired, present, ended, failed: failed.length })
  else print(terminal.out, `${appid}: ${imported} imported, ${expired} expired, ${present} present, ${ended} ended, ${failed.length} failed`)
  if (!json && imported > 0 && module === undefined) print(terminal.out, encryption === undefined ? TO_REINDEX : TO_BE_SAVED)
  return failed.length > 0 ? 1 : 0
}

const TO_REINDEX = 'If the app has the option indexes, run "file-sessions reindex" now: revokeAll and sessionsOf miss imported sessions until then, or until their next save'
const TO_BE_SAVED = 'If the app has the option indexes: revokeAll and sessionsOf miss these sessions until their next save, because "file-sessions reindex" cannot look into encrypted ones. ' +
  'With --module they enter the indexes as they are imported'

interface Counts {
  files: number
  /** What has another name, and is not hidden. */
  others: number
}

async function count (from: string, extension: string): Promise<Counts> {
  const counts = { files: 0, others: 0 }
  try {
    for await (const { name } of await opendir(from)) {
      if (name.endsWith(extension)) counts.files++
      else if (!name.startsWith('.')) counts.others++
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new SessionFileError(`there is no directory ${from}: name the one that is session-file-store's path`, { cause: error })
    throw fileError('look', from, error)
  }
  return counts
}

/** Says why a directory is not session-file-store's. The likeliest mistake is to name the new directory first. */
async function notForeign (from: string, extension: string): Promise<UsageError> {
  const isOurs = await selectAppids(from).then(({ appids }) => appids.length > 0, () => false)
  return new UsageError(isOurs
    ? `${from} is a session directory of this package: name session-file-store's directory first, and the session directory after it`
    : `no file in ${from} ends in ${extension}: name session-file-store's directory first, and its fileExtension with --extension if it is another`)
}
