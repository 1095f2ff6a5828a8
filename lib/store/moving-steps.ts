import { SessionStoreError } from '../errors'
import { departed, departure, newMoveToken, reservation, reservedBy } from './moving-marks'
import { DAMAGED_TEXT } from './session-header'
import type { Removal, SessionRecord, StoredSession } from './session-record'
import type { RecordStore } from './session-store'

type Verbs = Pick<RecordStore, 'read' | 'create' | 'replace' | 'remove'>

/** The two stores of a move. */
export interface Stores {
  readonly from: Verbs
  readonly to: Verbs
}

/** A step that another process came first with is taken anew. More often than this, a store does not keep its promises. */
const MOST_STEPS = 1000

/**
 * The steps of a move. A process that finds a move unfinished takes the next step, whichever process
 * began it:
 *
 * 1. A reservation with a random token is made in the new store. It holds no data.
 * 2. In the old store the session is replaced, at the version that was read, by a departure: the token
 *    and the text. The session moves at this moment. A save or an end that comes first makes the step fail.
 * 3. The reservation with this token is replaced by the session.
 * 4. The departure is removed.
 *
 * A reservation is void when the old store has no session to give, or has a departure with another
 * token: it was made by a process that had read the old store long before. A void one is removed.
 *
 * The new store is always read first. What is found in neither was perhaps between the two reads on
 * its way, so the new store is read once more.
 */

/** Returns the live session, which is in the new store then; null when there is none. @throws {SessionError} */
export async function findSession ({ from, to }: Stores, name: string): Promise<StoredSession | null> {
  for (let wasAbsent = false, steps = 0; steps < MOST_STEPS; steps++) {
    const here = await to.read(name)
    const token = here === null ? null : reservedBy(here.text)
    if (here !== null && token === null) return here
    if (wasAbsent && here === null) return null
    const found = await from.read(name)
    // What is damaged does not move: it is set aside where it is.
    if (found?.text === DAMAGED_TEXT) return found
    // A reservation in the old store is that of another move, to that store: it holds no session.
    const there = found === null || reservedBy(found.text) !== null ? null : found
    const left = there === null ? null : departed(there.text)
    if (here === null) {
      wasAbsent = there === null || left !== null
      if (!wasAbsent) await to.create(name, withText(there as StoredSession, reservation(newMoveToken())))
    } else if (there === null || (left !== null && left.token !== token)) {
      await to.remove(name, here.version)
    } else if (left === null) {
      await from.replace(name, withText(there, departure(token as string, there.text)), there.version)
    } else {
      const { result } = await to.replace(name, withText(there, left.text), here.version)
      // The session is in the new store. A departure that cannot be removed expires.
      if (result === 'replaced') await from.remove(name, there.version).catch(() => undefined)
    }
  }
  throw restless()
}

/** Ends the session wherever it is. @throws {SessionError} */
export async function endSession ({ from, to }: Stores, name: string): Promise<Removal> {
  for (let wasAbsent = false, steps = 0; steps < MOST_STEPS; steps++) {
    const here = await to.read(name)
    const token = here === null ? null : reservedBy(here.text)
    if (here !== null && token === null) {
      // An older copy in the old store must not follow.
      await from.remove(name)
      if (await to.remove(name, here.version) === 'removed') return 'removed'
      continue
    }
    if (wasAbsent && here === null) break
    const there = await from.read(name)
    const left = there === null ? null : departed(there.text)
    if (there !== null && left === null) {
      if (await from.remove(name, there.version) !== 'removed') continue
      // The reservation is void now.
      if (here !== null) await to.remove(name, here.version).catch(() => undefined)
      return 'removed'
    }
    if (here === null) {
      // A departure is not a session: the one that it speaks of has ended in the new store.
      if (there !== null) await from.remove(name, there.version)
      wasAbsent = true
      continue
    }
    const isVoid = left === null || left.token !== token
    if (await to.remove(name, here.version) !== 'removed' || isVoid) continue
    await from.remove(name, (there as StoredSession).version).catch(() => undefined)
    return 'removed'
  }
  return await endExpired({ from, to }, name)
}

/** Requests that loaded a session in time may still save it: see `GRACE`. The old store comes first, so that nothing follows from there. */
async function endExpired ({ from, to }: Stores, name: string): Promise<Removal> {
  const removals = [await from.remove(name), await to.remove(name)]
  return removals.includes('removed') ? 'removed' : 'gone'
}

function withText ({ idleTimeout, createdAt }: StoredSession, text: string): SessionRecord {
  return { text, idleTimeout, createdAt }
}

function restless (): SessionStoreError {
  return new SessionStoreError('a session could not be moved from one store to the other: ' +
    `its record changed ${MOST_STEPS} times meanwhile, so one of the stores does not compare versions`)
}
