import type { StoredSession } from '../store/session-store'
import type { SessionCopy } from './session-copy'
import type { SessionKey } from './opened-session'

/** A session that a request had, still to be removed, or to be set aside at that version. */
export interface Leftover {
  key: SessionKey
  setAside: boolean
  version: string | undefined
  /** What was read of it. */
  stored: StoredSession | null
}

/**
 * Removes, or sets aside, the sessions that the request had and has no more. `ended` is told the names of
 * those that this has removed. What fails is tried again at the request's end.
 */
export async function removeLeftovers (copy: SessionCopy, ended: (name: string) => void): Promise<void> {
  const { store, committer } = copy.shared
  for (let next = copy.leftovers?.[0]; next !== undefined; next = copy.leftovers?.[0]) {
    if (next.setAside) await store.setAside(next.key.name, next.version)
    else if (await committer.end(next.key, next.stored) !== null) ended(next.key.name)
    copy.leftovers?.shift()
  }
}
