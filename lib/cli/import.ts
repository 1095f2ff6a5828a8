import { opendir } from 'node:fs/promises'
import { importFromSessionFileStore } from '../connect/import-from-session-file-store'
import type { SettledEncryption } from '../store/encryption-options'
import { SessionFileStore } from '../store/files/session-file-store'
import { importMemoryPath } from '../store/files/file-names'
import { print, printJson, Progress, type Terminal } from './terminal'

export interface ImportCommandOptions {
  appid: string
  /** Seconds. */
  ttl: number
  extension: string
  json?: boolean
  /** How the sessions are encrypted; left out: they are plain until the app saves them. */
  encryption?: SettledEncryption
}

/** So long (seconds) that no session in our directory is taken for expired and replaced: what its app says is not known here. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** Makes sessions of those in a directory of session-file-store's. */
export async function importSessions (
  from: string, sessionDir: string, { appid, ttl, extension, json = false, encryption }: ImportCommandOptions, terminal: Terminal
): Promise<number> {
  const files = await countFiles(from, extension)
  const store = new SessionFileStore({ appid, sessionDir, idleTimeout: UNLIMITED, encryption })
  const progress = new Progress(terminal, appid)
  let done = 0
  const { imported, expired, present, ended, failed } = await importFromSessionFileStore(from, store, {
    ttl,
    fileExtension: extension,
    memory: importMemoryPath(sessionDir, appid),
    onProgress: () => { progress.report(++done, files) }
  }).finally(() => { progress.stop() })
  for (const { path, reason } of failed) print(terminal.err, `failed  ${path}: ${reason}`)
  if (json) printJson(terminal.out, { appid, imported, expired, present, ended, failed: failed.length })
  else print(terminal.out, `${appid}: ${imported} imported, ${expired} expired, ${present} present, ${ended} ended, ${failed.length} failed`)
  return failed.length > 0 ? 1 : 0
}

async function countFiles (directory: string, extension: string): Promise<number> {
  let count = 0
  for await (const { name } of await opendir(directory)) {
    if (name.endsWith(extension)) count++
  }
  return count
}
