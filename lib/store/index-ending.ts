import { areTwins, type IndexEntry } from './index-entry'
import { NO_LONGER, type IndexLists } from './index-lists'
import { publishEnded } from './session-events'
import { headerOf } from './session-header'
import { nameOfHandle } from './session-id'
import type { StoredSession } from './session-record'
import type { RecordStore } from './session-store'
import type { Companion } from './store-abilities'

type Entries = readonly IndexEntry[]
type Reason = 'revoked' | 'limit'

/** An entry without a session is stale when it is older than this (ms). */
export const STALE = 10 * 60_000
/** Sessions that are looked at at the same time. */
const BATCH = 16

/** Ends the sessions whose entries are marked. */
export class IndexEnding {
  readonly #store: RecordStore
  readonly #latest: Companion['latest']
  readonly #lists: IndexLists
  readonly #now: () => number

  constructor (store: RecordStore, latest: Companion['latest'], lists: IndexLists, now: () => number) {
    this.#store = store
    this.#latest = latest
    this.#lists = lists
    this.#now = now
  }

  /** Returns the session of an entry if it has one of these labels by the entry's login; otherwise null. @throws {SessionError} */
  async sessionOf (labels: readonly string[], entry: IndexEntry): Promise<StoredSession | null> {
    const session = await this.#latest(nameOf(entry))
    return session !== null && hasLogin(session, labels, entry) ? session : null
  }

  /**
   * Ends what is marked among these entries of a list. Returns the logins that this has ended. An entry stays as
   * long as a process may be about to store its session: if that process dies then, the mark ends the session later.
   * `reason` is what events say of them. `labels`: those under which the sessions may stand by now. `winner`: a login
   * whose twins end without an event, because no event told of their sessions before. @throws {SessionError}
   */
  async finish (label: string, entries: Entries, reason: Reason, labels: readonly string[] = [label], winner?: string): Promise<Set<string>> {
    const marked = entries.filter(({ isEnded }) => isEnded)
    const ended = new Set<string>()
    const over: IndexEntry[] = []
    const failures: unknown[] = []
    if (marked.length === 0) return ended
    const end = async (entry: IndexEntry): Promise<void> => {
      const isTold = winner === undefined || !areTwins(winner, entry.login)
      const isEnded = await this.#end(labels, entry, isTold ? reason : null)
      if (isEnded) ended.add(entry.login)
      if (isEnded || this.#now() - entry.at > STALE) over.push(entry)
    }
    for (const batch of batches(marked)) {
      await Promise.all(batch.map(entry => end(entry).catch((error: unknown) => { failures.push(error) })))
      // One session that cannot be removed keeps no other from its end; a store that is down is not asked again and again.
      if (failures.length >= BATCH) break
    }
    if (over.length > 0) await this.#lists.change(label, newest => without(newest, over), NO_LONGER)
    if (failures.length > 0) throw failures[0]
    return ended
  }

  async #end (labels: readonly string[], entry: IndexEntry, reason: Reason | null): Promise<boolean> {
    const name = nameOf(entry)
    for (;;) {
      const session = await this.#latest(name)
      // One that has expired a moment ago may be saved by a request that loaded it in time.
      if (session === null) return await this.#store.remove(name) === 'removed'
      if (!hasLogin(session, labels, entry)) return false
      const removal = await this.#store.remove(name, session.version)
      if (removal === 'removed' && reason !== null) publishEnded(this.#store.sesAppid(), name, reason)
      if (removal !== 'conflict') return removal === 'removed'
    }
  }
}

/** Returns the entries without these; null when none of them is there. */
export function without (entries: Entries, those: ReadonlyArray<Pick<IndexEntry, 'handle' | 'login'>>): Entries | null {
  const gone = new Set(those.map(keyOf))
  const left = entries.filter(entry => !gone.has(keyOf(entry)))
  return left.length === entries.length ? null : left
}

/** Returns the entries with the chosen ones marked as ended; null when nothing is to change. */
export function marked (entries: Entries, isChosen: (entry: IndexEntry) => boolean): Entries | null {
  if (!entries.some(entry => !entry.isEnded && isChosen(entry))) return null
  return entries.map(entry => isChosen(entry) ? { ...entry, isEnded: true } : entry)
}

export function * batches<T> (all: readonly T[]): Generator<T[], void> {
  for (let start = 0; start < all.length; start += BATCH) yield all.slice(start, start + BATCH)
}

/** `decodeList` lets no entry in whose handle is wrong. */
function nameOf ({ handle }: IndexEntry): string {
  return nameOfHandle(handle) as string
}

function keyOf ({ handle, login }: Pick<IndexEntry, 'handle' | 'login'>): string {
  return `${handle} ${login}`
}

function hasLogin (session: StoredSession, labels: readonly string[], { login }: IndexEntry): boolean {
  const { indexed } = headerOf(session.text) ?? {}
  return labels.some(label => indexed?.[label] === login)
}
