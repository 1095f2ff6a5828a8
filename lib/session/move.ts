import { SessionError } from '../errors'
import { MOST_CONFLICTS, tooManyConflicts } from './conflicts'
import type { RecordStore, SessionRecord, StoredSession } from '../store/session-store'

/** What a move needs of a store. */
type MovingStore = Pick<RecordStore, 'newId' | 'nameOf' | 'read' | 'create' | 'replace' | 'remove'>

/** A session that was just made. */
export interface NewSession {
  readonly sesid: string
  readonly name: string
  readonly stored: StoredSession
}

export interface Move {
  /** Null when nothing is kept: then there is no new session. */
  readonly to: NewSession | null
  /** How often another request was first, and the move was done over. */
  readonly conflicts: number
}

/** Ids are random; a generator that returns a taken one this often is broken. */
const ATTEMPTS = 5

/**
 * Moves a session to a new id: makes the new session, then removes the old one at the version that
 * the new one was made of. So every update that was stored before the move is in the new session,
 * and every later one finds the old session gone. Returns null when another request or process ended
 * the old session first. Of several moves at once exactly one wins; the others, and a move that
 * fails, leave no session behind.
 *
 * `newest` is the old session as the caller read it; null: it is read here. `keep` returns the record
 * of the new session, or null when nothing is kept. It runs again after each conflict.
 *
 * @throws {SessionError}
 */
export async function moveSession (
  store: MovingStore, from: string, newest: StoredSession | null, keep: (newest: StoredSession) => SessionRecord | null
): Promise<Move | null> {
  let to: NewSession | null = null
  try {
    for (let conflicts = 0; ; conflicts++) {
      const old = newest ?? await store.read(from)
      if (old === null) break
      if (conflicts === MOST_CONFLICTS) throw tooManyConflicts()
      to = await prepare(store, to, keep(old))
      const removal = await store.remove(from, old.version)
      if (removal === 'removed') return { to, conflicts }
      if (removal === 'gone') break
      newest = null
    }
  } catch (error) {
    await discard(store, to)
    throw error
  }
  await discard(store, to)
  return null
}

/** Makes a session under a new id. @throws {SessionError} */
export async function createSession (store: MovingStore, record: SessionRecord): Promise<NewSession> {
  const { text, idleTimeout, createdAt } = record
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sesid = await store.newId()
    const name = store.nameOf(sesid)
    const creation = await store.create(name, record)
    if (creation.result === 'taken') continue
    const { version } = creation
    return { sesid, name, stored: { text, idleTimeout, createdAt, version, touchDue: false, idleLeft: undefined } }
  }
  throw new SessionError('SESSION_ID', 'idGenerator must return a new random string each time: it returned ids of live sessions')
}

/** Brings the new session to this record, which is null when there is to be none. */
async function prepare (store: MovingStore, to: NewSession | null, record: SessionRecord | null): Promise<NewSession | null> {
  if (to !== null && record !== null) {
    const replacement = await store.replace(to.name, record, to.stored.version)
    if (replacement.result === 'replaced') {
      const { text, idleTimeout, createdAt } = record
      return { ...to, stored: { ...to.stored, text, idleTimeout, createdAt, version: replacement.version } }
    }
  }
  await discard(store, to)
  return record === null ? null : await createSession(store, record)
}

/** No visitor was told its id: if it cannot be removed now, it expires. */
async function discard (store: MovingStore, to: NewSession | null): Promise<void> {
  if (to !== null) await store.remove(to.name).catch(() => undefined)
}
