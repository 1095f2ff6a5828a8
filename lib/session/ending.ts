import type { StoredSession } from '../store/session-record'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import type { SessionKey } from './opened-session'
import type { SessionRecords } from './session-records'

/** What an end needs of the records. */
type EndingRecords = Pick<SessionRecords, 'read' | 'revive' | 'remove' | 'movedTo'>

/**
 * Ends a session wherever it has moved to by now, and returns the key that it had; null when another call
 * has ended it. `known` is what was read of it.
 *
 * @throws {SessionError}
 */
export async function endSession (records: EndingRecords, key: SessionKey, known: StoredSession | null = null): Promise<SessionKey | null> {
  let newest = known
  let isRevived = false
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    newest ??= await records.read(key)
    if (newest !== null) {
      const removal = await records.remove(key, newest.version, newest)
      if (removal !== 'conflict') return removal === 'removed' ? key : null
      newest = null
      continue
    }
    const to = await records.movedTo(key)
    if (to !== null) return await endMoved(records, key, to)
    if (isRevived) return await records.remove(key) === 'removed' ? key : null
    // A request that loaded the session before it expired, a moment ago, may be moving it: what is removed must be what was read.
    await records.revive(key, known)
    isRevived = true
  }
  throw tooManyConflicts()
}

/** The new session first: after a crash in between, the old id leads nowhere. */
async function endMoved (records: EndingRecords, from: SessionKey, to: SessionKey): Promise<SessionKey | null> {
  const ended = await endSession(records, to)
  // What is left of the old id leads nowhere, and expires.
  await records.remove(from).catch(() => {})
  return ended
}
