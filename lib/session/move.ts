import { setTimeout as sleep } from 'node:timers/promises'
import { mayBeDone, SessionError, type SessionStoreError } from '../errors'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import type { Removal, StoredSession } from '../store/session-record'
import type { NewSession, PlainRecord, Predecessor, SessionKey } from './opened-session'
import type { SessionRecords } from './session-records'

/** What a move needs of the records. */
export type MovingRecords = Pick<SessionRecords, 'newKey' | 'read' | 'create' | 'replace' | 'remove' | 'settle'>

export interface Move {
  /** Null when nothing is kept: then there is no new session. */
  readonly to: NewSession | null
  /** How often another request was first, and the move was done over. */
  readonly conflicts: number
  /** The store's error, when the old session has ended, and too few replicas know. */
  readonly unconfirmed?: SessionStoreError
}

interface Removed {
  readonly removal: Removal
  readonly unconfirmed?: SessionStoreError
}

/** Ids are random; a generator that returns a taken one this often is broken. */
const ATTEMPTS = 5

/** Milliseconds before a store is asked again that does not know what it did, or whose replicas do not, or that could not settle. */
const PAUSES = [100, 200, 400, 800]

/**
 * Moves a session to a new id: makes the new session, then removes the old one at the version that
 * the new one was made of. So every update that was stored before the move is in the new session,
 * and every later one finds the old session gone. Returns null when another request or process ended
 * the old session first. Of several moves at once exactly one wins; the others, and a move that
 * fails, leave no session behind. A move whose outcome stays unknown fails, and the store's error says so:
 * the visitor then has the old session, or none. One that replicas do not confirm is done, and says so.
 *
 * `newest` is the old session as the caller read it; null: it is read here. `keep` returns the record
 * of the new session, or null when nothing is kept. It runs again after each conflict. The logins beside a new one
 * that are too many end when the move is won.
 *
 * @throws {SessionError}
 */
export async function moveSession (
  records: MovingRecords, from: SessionKey, newest: StoredSession | null, keep: (newest: StoredSession) => PlainRecord | null
): Promise<Move | null> {
  let to: NewSession | null = null
  try {
    for (let conflicts = 0; ; conflicts++) {
      const old = newest ?? await records.read(from)
      if (old === null) break
      if (conflicts === MOST_CONFLICTS) throw tooManyConflicts()
      const record = keep(old)
      to = await prepare(records, from, to, record)
      // All sessions of its kind are being ended, this one among them.
      if (to === null && record !== null) break
      const { removal, ...confirmation } = await removeSurely(records, from, old)
      if (removal === 'removed') {
        const settled = to === null ? null : await settleSurely(records, to)
        if (to === null || settled !== null) return { to: settled, conflicts, ...confirmation }
        if (confirmation.unconfirmed !== undefined) throw confirmation.unconfirmed
      }
      // All sessions of its kind were ended at this moment, or another request has ended this one.
      if (removal !== 'conflict') break
      newest = null
    }
  } catch (error) {
    await discard(records, to)
    throw error
  }
  await discard(records, to)
  return null
}

/**
 * Makes a session under a new id; null when all sessions of its kind were ended meanwhile. One that the store made,
 * or may have made, and failed all the same is removed again if that can be done now: no visitor is told its id.
 *
 * @throws {SessionError}
 */
export async function createSession (records: MovingRecords, record: PlainRecord, from?: Predecessor): Promise<NewSession | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const key = await records.newKey()
    const stored = await records.create(key, record, from).catch(async (error: unknown) => {
      if (mayBeDone(error)) await records.remove(key).catch(() => undefined)
      throw error
    })
    if (stored === 'ended') return null
    if (stored !== 'taken') return { ...key, stored }
  }
  throw new SessionError('SESSION_ID', 'idGenerator must return a new random string each time: it returned ids of live sessions')
}

/**
 * Removes the old session. When a store does not know what became of that, it is asked again, because the new
 * session is all that is left if the old one was removed: a store recognises the call that it is asked for again.
 * Once it has said that the old session is removed, and too few replicas know, no later trouble takes that back.
 *
 * @throws {SessionError} the store's error, when it refuses, or still does not know
 */
async function removeSurely (records: MovingRecords, from: SessionKey, old: StoredSession, attempt = 0, unconfirmed?: SessionStoreError): Promise<Removed> {
  try {
    const removal = await records.remove(from, old.version, old)
    return removal === 'gone' && unconfirmed !== undefined ? { removal: 'removed', unconfirmed } : { removal }
  } catch (error) {
    const known = unconfirmed ?? (mayBeDone(error) && error.outcome === 'unconfirmed' ? error : undefined)
    const pause = mayBeDone(error) ? PAUSES[attempt] : undefined
    if (pause !== undefined) {
      await sleep(pause)
      return await removeSurely(records, from, old, attempt + 1, known)
    }
    if (known === undefined) throw error
    return { removal: 'removed', unconfirmed: known }
  }
}

/**
 * Ends the logins that are too many beside a session that has taken the place of another one. Returns null when it
 * may not stay itself. It is all that its visitor has: when the lists cannot be read or written it stays, and there may
 * be one login too many until the next one. `revokeAll` finds it, because it was confirmed when it was made.
 */
export async function settleSurely (records: MovingRecords, to: NewSession, attempt = 0): Promise<NewSession | null> {
  try {
    return await records.settle(to) ? to : null
  } catch (error) {
    const pause = PAUSES[attempt]
    if (pause === undefined) return { ...to, unsettled: error }
    await sleep(pause)
    return await settleSurely(records, to, attempt + 1)
  }
}

/** Brings the session that is to take the place of `from` to this record, which is null when there is to be none. */
export async function prepare (records: MovingRecords, from: Predecessor, to: NewSession | null, record: PlainRecord | null): Promise<NewSession | null> {
  if (to !== null && record !== null) {
    const replacement = await records.replace(to, record, to.stored, from)
    if (replacement.result === 'replaced') return { ...to, stored: replacement.stored }
  }
  await discard(records, to)
  return record === null ? null : await createSession(records, record, from)
}

/** No visitor was told its id: if it cannot be removed now, it expires. */
export async function discard (records: MovingRecords, to: NewSession | null): Promise<void> {
  if (to !== null) await records.remove(to, undefined, to.stored).catch(() => undefined)
}
