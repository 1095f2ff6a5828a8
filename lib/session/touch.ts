import { publishError } from '../diagnostics'
import { sessionHandle } from '../store/session-id'
import type { SessionCopy } from './session-copy'

/**
 * Starts the session's idle time anew. Returns whether the store did it. If not, as on a disk that is
 * read-only by now, the session is served all the same.
 */
export async function touchSession ({ shared, log, name, key, stored }: SessionCopy): Promise<boolean> {
  try {
    if (stored !== null) await shared.committer.touch(key, stored)
    shared.touchFails = false
    return true
  } catch (error) {
    publishError('touch', shared.appid, error)
    if (!shared.touchFails) {
      log.warn({ err: error, session: sessionHandle(name) }, 'a session was used and the store cannot note it: ' +
        'sessions may end early. This is said once, until it works again')
    }
    shared.touchFails = true
    return false
  }
}
