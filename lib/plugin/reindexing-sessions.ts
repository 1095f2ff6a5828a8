import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from '../errors'
import type { SettledIndexes } from '../session/indexing'
import { Reindexing, type ReindexCounts } from '../session/reindexing'
import type { SessionCodec } from '../session/codec'
import { isPortable } from '../store/features'
import type { SessionStore } from '../store/session-store'
import { Stints } from '../store/stints'

/**
 * Enters all sessions that the store holds in the app's indexes, and in lists that have lost them. Stays
 * out of the way of requests. When `signal` is aborted it ends early.
 *
 * @throws {SessionError} SESSION_INDEX, without the option `indexes`
 */
export async function reindexSessions (store: SessionStore, settled: SettledIndexes | null, codec: SessionCodec, signal?: AbortSignal): Promise<ReindexCounts> {
  if (settled === null) throw new SessionError('SESSION_INDEX', 'there is nothing to enter sessions in: the option indexes is not given')
  if (!isPortable(store)) throw new SessionError('SESSION_INDEX', 'this store cannot list its sessions: it does not declare the feature portable')
  const stints = new Stints(pause)
  return await new Reindexing(store, settled.indexes, codec).run(async work => {
    for await (const session of store.exportSessions()) {
      if (signal?.aborted === true) return false
      await work(session)
      await stints.goOn()
    }
    return true
  })
}
