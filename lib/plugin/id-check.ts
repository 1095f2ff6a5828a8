import { SessionError } from '../errors'
import { check } from '../option-checks'
import { idBits, LEAST_ID_BITS, LEAST_KEY_BITS, SHORTEST_KEY_ID } from '../store/id-strength'
import type { RecordStore, SessionStore } from '../store/session-store'

/**
 * Draws a few ids of the store. `makesKeys`: whether the plugin encrypts under keys that are made of them.
 *
 * @throws {SessionError} SESSION_OPTION, when they are easy to guess or repeat, and SESSION_ID
 */
export async function checkIds (store: Pick<RecordStore, 'newId'>, makesKeys = false): Promise<void> {
  let bits: number
  try {
    bits = await idBits(() => store.newId())
  } catch (error) {
    if (error instanceof SessionError) throw error
    throw new SessionError('SESSION_ID', 'idGenerator failed when the app started', { cause: error })
  }
  check(bits > 0, 'idGenerator', 'must return a new random string each time: some ids were equal')
  check(bits >= LEAST_ID_BITS, 'idGenerator', `makes ids that are easy to guess: about ${bits} random bits, where ` +
    `${LEAST_ID_BITS} are the least and 128 are usual. Use randomBytes(24).toString('base64url') of node:crypto`)
  if (makesKeys) checkKeyBits(bits)
}

/**
 * The same, for a store with the five methods alone, which makes no id without a session: these are removed.
 *
 * @throws {SessionError} SESSION_ID, and what the store throws
 */
export async function checkMadeIds (store: SessionStore): Promise<void> {
  checkKeyBits(await idBits(async () => {
    const sesid = await store.newSession()
    await store.delSession(sesid)
    // A store without types may return anything.
    return String(sesid)
  }))
}

function checkKeyBits (bits: number): void {
  if (bits >= LEAST_KEY_BITS) return
  throw new SessionError('SESSION_ID', `the store makes ids of about ${bits} random bits, and the option encryption needs ${LEAST_KEY_BITS}, ` +
    `for keys are made of ids: have it make ids of ${SHORTEST_KEY_ID} or more random letters and digits`)
}
