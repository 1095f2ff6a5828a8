import type { StoredSession } from '../store/session-record'
import type { SessionKey } from './opened-session'
import type { Shared } from './shared'

/** A session that a request had, still to be removed, or to be set aside at that version. */
export interface Leftover {
  key: SessionKey
  setAside: boolean
  version: string | undefined
  /** What was read of it. */
  stored: StoredSession | null
}

/**
 * Removes, or sets aside, the sessions that a request had and has no more, and takes them off the list. `ended` is told
 * the names of those that this has removed. What fails stays on the list, and is tried again at the request's end.
 */
export async function removeLeftovers (
  leftovers: Leftover[], { store, committer }: Pick<Shared, 'store' | 'committer'>, ended: (name: string) => void
): Promise<void> {
  for (let next = leftovers[0]; next !== undefined; next = leftovers[0]) {
    if (next.setAside) await store.setAside(next.key.name, next.version)
    else if (await committer.end(next.key, next.stored) !== null) ended(next.key.name)
    leftovers.shift()
  }
}
