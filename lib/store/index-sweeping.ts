import type { SessionError } from '../errors'
import { isReapable } from './features'
import { batches, STALE, type IndexEnding } from './index-ending'
import type { IndexEntry, IndexList } from './index-entry'
import type { IndexLists } from './index-lists'
import type { IndexReapCounts } from './session-finder'
import type { Companion } from './store-abilities'
import { Stints } from './stints'

/** Removes what the lists hold of sessions that are gone. */
export class IndexSweeping {
  readonly #lists: IndexLists
  readonly #ending: IndexEnding
  readonly #records: Companion['records']
  readonly #now: () => number
  readonly #pause: (milliseconds: number) => Promise<unknown>

  constructor (lists: IndexLists, ending: IndexEnding, records: Companion['records'], now: () => number, pause: (milliseconds: number) => Promise<unknown>) {
    this.#lists = lists
    this.#ending = ending
    this.#records = records
    this.#now = now
    this.#pause = pause
  }

  /** Does it once, list by list. A list that cannot be swept is counted, and the sweep goes on. @throws {SessionError} */
  async sweep (signal?: AbortSignal): Promise<IndexReapCounts> {
    const counts: IndexReapCounts = { seen: 0, removed: 0, failed: 0 }
    const stints = new Stints(this.#pause)
    for await (const { list, error } of this.#lists.all()) {
      if (signal?.aborted === true) break
      counts.seen += list?.entries.length ?? 0
      try {
        if (list === null) throw error
        counts.removed += await this.#sweepList(list)
      } catch (error) {
        counts.failed++
        counts.error ??= error as SessionError
      }
      await stints.goOn()
    }
    if (isReapable(this.#records)) await this.#records.reap(signal)
    return counts
  }

  async #sweepList ({ label, entries }: IndexList): Promise<number> {
    await this.#ending.finish(label, entries, 'revoked')
    const old = entries.filter(({ at, isEnded }) => !isEnded && this.#now() - at > STALE)
    const stale = new Set<string>()
    for (const batch of batches(old)) {
      await Promise.all(batch.map(async entry => { if (await this.#ending.sessionOf([label], entry) === null) stale.add(stamp(entry)) }))
    }
    if (stale.size > 0) {
      // One that was written again since stays.
      await this.#lists.change(label, newest => newest.some(entry => stale.has(stamp(entry))) ? newest.filter(entry => !stale.has(stamp(entry))) : null)
    }
    return stale.size
  }
}

function stamp ({ handle, login, at }: IndexEntry): string {
  return `${handle} ${login} ${at}`
}
