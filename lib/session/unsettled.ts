import { publishError } from '../diagnostics'
import { sessionHandle } from '../store/session-id'
import type { NewSession } from './opened-session'
import type { SessionCopy } from './session-copy'

/** Tells of the trouble of a new session beside which too many logins may be left: it is served all the same. */
export function noteUnsettled ({ shared, log }: SessionCopy, operation: 'regenerate' | 'authenticated' | 'renew', to: NewSession | null): void {
  if (to?.unsettled === undefined) return
  publishError(operation, shared.appid, to.unsettled)
  log.warn({ err: to.unsettled, session: sessionHandle(to.name) }, 'a session has a new id, and the logins of its value that are too many could not be ended: ' +
    'there may be one too many until the next login')
}
