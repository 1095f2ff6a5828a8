import { dirname } from 'node:path'
import { syncDirectory, unlessMissing, type Disk } from './disk'
import { walkDirectory, type WalkOptions } from './directory-walk'
import { sessionNameOf } from './file-names'
import type { FileView } from './file-view'
import { isOurs } from './ours'
import { PrivateDirectory } from './private-directory'
import { holdsSession, type SessionView } from './session-age'
import { LIMITS, type FileLimits } from './seen-file'
import { SessionFile } from './session-file'

/** What was seen of a file in a listing. */
export type ListedFile = FileView & { name: string }
export type ListedSession = SessionView & { name: string }

export function isSession (file: ListedFile): file is ListedSession {
  return holdsSession(file)
}

/**
 * Every session file in the directory of one appid, whatever it holds, read as it is asked for. With `withDamaged` also those
 * of this user that do not begin as a session file does, as after a power loss. Rejects with the system's error for what
 * cannot be read, and with a SessionFileError for a directory that others may use.
 */
export async function * storedFiles (
  directory: string, disk: Disk, { limits = LIMITS, withDamaged = false, ...options }: WalkOptions & { limits?: FileLimits, withDamaged?: boolean } = {}
): AsyncGenerator<ListedFile, void> {
  for await (const entry of walkDirectory(directory, options)) {
    if (entry.kind === 'unreadable') throw entry.error
    if (entry.kind !== 'session' || !await isOurs(disk, entry.path, withDamaged)) continue
    const view = await new SessionFile(entry.path, disk, false, { limits }).read()
    if (view !== null) yield { ...view, name: sessionNameOf(entry.path) }
  }
}

/**
 * Removes all of them for good and returns how many, one after the other: requests want the few
 * threads that Node has for files. With `durable` each shard is synced when its sessions are removed,
 * so that none comes back after a power loss.
 */
export async function removeSessions (directory: string, disk: Disk, durable = false, limits = LIMITS): Promise<number> {
  const guard = new PrivateDirectory(directory)
  let count = 0
  let unsynced: string | null = null
  const sync = async (): Promise<void> => {
    if (durable && unsynced !== null) await unlessMissing(syncDirectory(disk, unsynced))
  }
  for await (const entry of walkDirectory(directory)) {
    if (entry.kind === 'unreadable') throw entry.error
    if (entry.kind !== 'session') continue
    const shard = dirname(entry.path)
    if (shard !== unsynced) await sync()
    // The listing may be old by now.
    await guard.checkShardAgain(shard)
    if (!await isOurs(disk, entry.path)) continue
    await new SessionFile(entry.path, disk, false, { limits }).remove()
    unsynced = shard
    count++
  }
  await sync()
  return count
}
