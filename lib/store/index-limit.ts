import { SessionLimitError } from '../errors'
import type { IndexEntry } from './index-entry'
import { batches, type IndexEnding } from './index-ending'
import type { Place } from './index-entering'
import { indexOfLabel } from './index-labels'

type Entries = readonly IndexEntry[]

/** An entry without a session counts for this long (ms) as a login that is under way. */
const UNDER_WAY = 2 * 60_000

/** Tells which logins of a value are too many. */
export class IndexLimit {
  readonly #ending: IndexEnding
  readonly #now: () => number

  constructor (ending: IndexEnding, now: () => number) {
    this.#ending = ending
    this.#now = now
  }

  /**
   * Returns the logins that are to end beside the one that has this place, which is the newest: those that are longest
   * ago. Stale entries do not count. Logins that are `late` came at the same moment as this one: the tags tell which
   * is the older.
   *
   * @throws {SessionLimitError} when the login is to be refused instead
   */
  async excess (entries: Entries, place: Place, late: readonly string[] = []): Promise<Set<string>> {
    const { label, login, limit, onLimit, others = [] } = place
    if (limit === undefined || loginsOf(entries).length <= limit) return new Set()
    const living: IndexEntry[] = []
    for (const batch of batches(entries)) {
      const counts = await Promise.all(batch.map(async entry => entry.isEnded || entry.login === login || this.#now() - entry.at < UNDER_WAY ||
        await this.#ending.sessionOf([label, ...others], entry) !== null))
      living.push(...batch.filter((_, at) => counts[at]))
    }
    const logins = loginsOf(living).sort()
    if (logins.length > limit && onLimit === 'refuse') throw tooMany(label, limit)
    const isLate = (each: string): boolean => late.includes(each)
    const newest = late.length === 0 ? [] : logins.filter(each => each === login || isLate(each))
    const oldest = logins.filter(each => each !== login && !isLate(each))
    return new Set([...oldest, ...newest].slice(0, Math.max(logins.length - limit, 0)))
  }
}

/** Returns the logins that were not ended. */
export function loginsOf (entries: Entries): string[] {
  const ended = new Set(entries.filter(({ isEnded }) => isEnded).map(({ login }) => login))
  return [...new Set(entries.map(({ login }) => login))].filter(login => !ended.has(login))
}

/** Returns the entries with those of these logins marked as ended; null when nothing is to change. */
export function marked (entries: Entries, logins: ReadonlySet<string>): Entries | null {
  if (!entries.some(({ login, isEnded }) => !isEnded && logins.has(login))) return null
  return entries.map(entry => logins.has(entry.login) ? { ...entry, isEnded: true } : entry)
}

function tooMany (label: string, limit: number): SessionLimitError {
  return new SessionLimitError(`there are ${limit} sessions of this ${indexOfLabel(label)} already (option maxPerValue): end one of them first`)
}
