import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { sessionPath } from '../../lib/store/files/file-names'
import { storageName } from '../../lib/store/session-id'
import { hasCode } from '../../lib/errors'

/** A session directory of the test's own. The store makes it, and it is removed with the test. */
export function sessionDirectory (t: Test): string {
  return join(t.testdir(), 'sessions')
}

/** A directory of the test's own that is there, for this user alone. */
export function privateDirectory (t: Test): string {
  const directory = t.testdir()
  chmodSync(directory, 0o700)
  return directory
}

/** The paths of all files below a directory: session files, set-aside ones and leftovers. There are none in one that is missing. */
export function filesIn (directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The paths of the session files alone. */
export function sessionFiles (directory: string): string[] {
  return filesIn(directory).filter(path => /\/[0-9a-f]{62}$/.test(path))
}

/** The path of the one session file below a directory that is not among others. */
export function newFile (directory: string, others: string[] = []): string {
  const [path, ...more] = sessionFiles(directory).filter(path => !others.includes(path))
  if (path === undefined || more.length > 0) throw new Error('not exactly one new file')
  return path
}

/** The path of the session with this id, whether there is one or not. `appid` is one that is its own directory's name. */
export function pathOf (sessionDir: string, sesid: string, appid = 'sid'): string {
  return sessionPath(join(sessionDir, appid), storageName(appid, sesid))
}

/** What tells whether a file was written to. Reading it may set its access time. */
export function contents (path: string): { bytes: string, ino: number } {
  return { bytes: readFileSync(path, 'latin1'), ino: statSync(path).ino }
}
