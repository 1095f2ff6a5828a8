import type { Disk } from './disk'
import { walkDirectory, type WalkOptions } from './directory-walk'
import { holdsSession, type SessionView } from './session-age'
import { SessionFile } from './session-file'

/**
 * Every session file in the directory of one appid that holds a session, expired or not, read as it
 * is asked for. Rejects with the system's error for what cannot be read.
 */
export async function * storedSessions (directory: string, disk: Disk, options?: WalkOptions): AsyncGenerator<SessionView, void> {
  for await (const entry of walkDirectory(directory, options)) {
    if (entry.kind === 'unreadable') throw entry.error
    if (entry.kind !== 'session') continue
    const view = await new SessionFile(entry.path, disk, false).read()
    if (view !== null && holdsSession(view)) yield view
  }
}

/**
 * Removes all of them for good, one after the other: requests want the few threads that Node has
 * for files.
 */
export async function removeSessions (directory: string, disk: Disk): Promise<number> {
  let count = 0
  for await (const entry of walkDirectory(directory)) {
    if (entry.kind === 'unreadable') throw entry.error
    if (entry.kind !== 'session') continue
    await new SessionFile(entry.path, disk, false).remove()
    count++
  }
  return count
}
