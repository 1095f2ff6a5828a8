import { SessionError } from '../errors'
import { check } from '../option-checks'
import { idBits, LEAST_ID_BITS } from '../store/id-strength'
import type { RecordStore } from '../store/session-store'

/** Draws a few ids of the store. @throws {SessionError} SESSION_OPTION, when they are easy to guess or repeat, and SESSION_ID */
export async function checkIds (store: Pick<RecordStore, 'newId'>): Promise<void> {
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
}
