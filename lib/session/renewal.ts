import { mayBeDone } from '../errors'
import type { StoredSession } from '../store/session-record'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import { discard, prepare, settleSurely, type MovingRecords } from './move'
import type { NewSession, PlainRecord, Predecessor } from './opened-session'
import type { SessionRecords } from './session-records'

/** What a renewal needs of the records. */
type RenewingRecords = MovingRecords & Pick<SessionRecords, 'forward' | 'movedTo'>

/**
 * Gives a session a new id by itself, because the old one has been in use for long: makes the new
 * session, then replaces the old one, at the version that the new one was made of, by a record that
 * forwards to the new id for `grace` seconds. So every update that was stored before the renewal is in
 * the new session, and requests with the old id find it there.
 *
 * Returns null when another request or process ended or moved the session first. Of several renewals
 * at once exactly one wins; the others, and one that fails, leave no session behind. A crash between
 * the two steps leaves a session whose id no visitor has: it expires.
 *
 * `newest` is the old session as the caller read it; null: it is read here. `renewed` returns the record
 * of the new session. It runs again after each conflict.
 *
 * @throws {SessionError}
 */
export async function renewSession (
  records: RenewingRecords, from: Predecessor, newest: StoredSession | null, renewed: (newest: StoredSession) => PlainRecord, grace: number
): Promise<NewSession | null> {
  let to: NewSession | null = null
  try {
    for (let conflicts = 0; ; conflicts++) {
      const old = newest ?? await records.read(from)
      if (old === null) break
      if (conflicts === MOST_CONFLICTS) throw tooManyConflicts()
      to = await prepare(records, from, to, renewed(old))
      // All sessions of its kind are being ended, this one among them.
      if (to === null) break
      const result = await records.forward(from, old, to, grace)
      const settled = result === 'replaced' ? await settleSurely(records, to) : null
      if (settled !== null) return settled
      if (result !== 'conflict') break
      newest = null
    }
  } catch (error) {
    if (to !== null && (await records.movedTo(from).catch(() => null))?.sesid === to.sesid) return to
    // A server may still do what it has not answered: then the old id leads to the new session.
    if (!mayBeDone(error)) await discard(records, to)
    throw error
  }
  await discard(records, to)
  return null
}
