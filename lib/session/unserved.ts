import { publishError } from '../diagnostics'
import type { SessionCipher } from '../store/session-cipher'
import { sessionHandle } from '../store/session-id'
import type { StoredSession } from '../store/session-record'
import type { UnopenedCause } from '../diagnostics'
import { unopened, type UnopenedError } from '../unopened'
import type { SessionLog } from './session-log'
import { sealedText, type SessionKey } from './opened-session'

const DAMAGED = 'it is set aside, and a new session begins'
const KEPT = 'it stays where it is, and its visitor has no session'
const ONCE = 'This is said once; unopenedSessions() counts'
const ACCEPTED = 'a session that is not encrypted, or not with a secret, is served, and encrypted at its next save. ' +
  'Set encryption.acceptPlain to false once there are no more: until then a session can be made by writing to the store. This is said once'

/** The stored sessions that are not served because they do not open: the log says so once for each cause. */
export class Unserved {
  readonly #appid: string
  readonly #cipher: SessionCipher
  readonly #told = new Set<UnopenedCause | 'accepted'>()

  constructor (appid: string, cipher: SessionCipher) {
    this.#appid = appid
    this.#cipher = cipher
  }

  /** Whether the session can be served, as far as its heading tells. One that cannot is left alone. */
  admits (log: SessionLog, { name }: SessionKey, stored: StoredSession): boolean {
    const sealed = sealedText(stored)
    const refusal = this.#cipher.refusal(sealed)
    if (refusal === 'damaged') return true
    if (refusal !== null) {
      this.tell(log, name, unopened(this.#appid, refusal))
      return false
    }
    if (this.#cipher.isWeak(sealed) && this.#isFirst('accepted')) log.warn({ session: sessionHandle(name) }, ACCEPTED)
    return true
  }

  /** Says why a session is not served. */
  tell (log: SessionLog, name: string, error: UnopenedError): void {
    publishError('decode', this.#appid, error)
    if (!this.#isFirst(error.reason)) return
    log.warn({ err: error, session: sessionHandle(name) }, `a stored session is not served: ${error.reason === 'damaged' ? DAMAGED : KEPT}. ${ONCE}`)
  }

  #isFirst (cause: UnopenedCause | 'accepted'): boolean {
    if (this.#told.has(cause)) return false
    this.#told.add(cause)
    return true
  }
}
