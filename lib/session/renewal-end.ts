import { publishError } from '../diagnostics'
import { sessionHandle } from '../store/session-id'
import { UnopenedError } from '../unopened'
import type { StoredSession } from '../store/session-record'
import type { RenewalTimes } from './renewal-times'
import type { SessionCopy } from './session-copy'
import { noteUnsettled } from './unsettled'
import { headerOf } from './opened-session'

/**
 * Gives the copy's session a new id by itself, at the end of a request. If another request renewed it
 * first, the copy goes on with what that one made. Never throws: a session that cannot be renewed now
 * keeps its id until the next request.
 */
export async function renewAtEnd (copy: SessionCopy, stored: StoredSession, times: RenewalTimes): Promise<void> {
  const { shared, life, key } = copy
  try {
    const to = await shared.committer.renew({ ...key, about: copy.about }, stored, newest => ({
      text: newest.text,
      idleTimeout: newest.idleTimeout,
      createdAt: newest.createdAt,
      header: { ...headerOf(newest), renewedAt: times.now() }
    }), times.grace)
    noteUnsettled(copy, 'renew', to)
    if (life !== copy.life) return
    if (to === null) return await copy.lookAgain()
    // What cannot be merged now is merged, or refused, by the next save.
    const isMerged = copy.opened === null || copy.mergeIn(stored.text, to.stored.text)
    copy.become(isMerged ? to : { ...to, stored })
  } catch (error) {
    // The next look at the session tells of it.
    if (error instanceof UnopenedError) return
    publishError('renew', shared.appid, error)
    copy.log.warn({ err: error, session: sessionHandle(key.name) }, 'a session could not get a new id: it keeps its own until the next request')
  }
}
