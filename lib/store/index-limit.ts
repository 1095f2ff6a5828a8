import { SessionLimitError } from '../errors'
import { areTwins, originOf, type IndexEntry, type Place } from './index-entry'
import { batches, type IndexEnding } from './index-ending'
import { indexOfLabel } from './index-labels'
import type { IndexLists } from './index-lists'

type Entries = readonly IndexEntry[]

/** Logins whose entries were written within this time (ms) may be under way at the same moment. */
const UNDER_WAY = 2 * 60_000
/** A session that moved between the looks at its two entries is found by the second look. */
const LOOKS = 2
const NONE: ReadonlySet<string> = new Set()

/** Tells which logins of a value are too many. */
export class IndexLimit {
  readonly #lists: IndexLists
  readonly #ending: IndexEnding
  readonly #now: () => number

  constructor (lists: IndexLists, ending: IndexEnding, now: () => number) {
    this.#lists = lists
    this.#ending = ending
    this.#now = now
  }

  /**
   * Refuses a login that is one too many, where it is to be refused. Its entry is among those of the list already. An
   * entry without a session counts for a while as a login that is under way. Returns the logins that do not count any
   * more: they are to be marked, for the process of one may go on yet. @throws {SessionLimitError}, and {SessionError}
   */
  async refuse (entries: Entries, place: Place): Promise<ReadonlySet<string>> {
    const { label, limit, onLimit } = place
    if (limit === undefined || onLimit !== 'refuse') return NONE
    const all = [...entries, ...await this.#all(place.others)]
    const groups = groupsOf(loginsOf(all))
    if (groups.length <= limit) return NONE
    const unused = await this.#unused(all, place, ({ at }) => this.#now() - at < UNDER_WAY)
    if (groups.filter(group => isUsed(group, unused)).length > limit) throw tooMany(label, limit)
    return unused
  }

  /**
   * Returns the logins that are to end because the one that has this place has a session now: those that are longest
   * ago. A login without a session does not count: when it gets one, it sees the session of this one. Of two in one
   * list the one that marks first stays. Two that write to different lists at one moment see both, and the tags tell
   * which stays. Its twins are among them, and do not count: that it has a session shows that they have lost. Twins of
   * another login count as one, and end together: it may not be known yet which of them goes on. @throws {SessionError}
   */
  async excess (entries: Entries, place: Place): Promise<ReadonlySet<string>> {
    const { login, limit, onLimit } = place
    if (limit === undefined) return NONE
    const elsewhere = await this.#all(place.others)
    const all = [...entries, ...elsewhere]
    const mine = entries.find(entry => entry.login === login)
    const unended = loginsOf(all)
    if (mine === undefined || !unended.includes(login)) return NONE
    const twins = unended.filter(each => areTwins(each, login))
    const groups = groupsOf(unended.filter(each => !areTwins(each, login)))
    if (onLimit === 'refuse' || groups.length <= limit) return new Set(twins)
    const unused = await this.#unused(all, place, () => false)
    const living = groups.filter(group => isUsed(group, unused))
    const logins = new Set(living.flat())
    const isLate = (entry: IndexEntry): boolean => Math.abs(entry.at - mine.at) < UNDER_WAY && logins.has(entry.login)
    const late = new Set(elsewhere.some(isLate) ? all.filter(isLate).map(entry => entry.login) : [login])
    const areLate = (group: string[]): boolean => group.some(each => late.has(each))
    const [newest, oldest] = [living.filter(areLate), living.filter(group => !areLate(group))]
    return new Set([...twins, ...[...oldest, ...newest].slice(0, Math.max(living.length - limit, 0)).flat()])
  }

  /** Returns the other logins of these entries that have no session, and none that `counts` without one. */
  async #unused (entries: Entries, place: Place, counts: (entry: IndexEntry) => boolean): Promise<Set<string>> {
    const labels = [place.label, ...place.others ?? []]
    const unused = new Set(loginsOf(entries))
    unused.delete(place.login)
    const seen = new Set<string>()
    for (let looks = 0, isNew = true; isNew || looks < LOOKS; looks++) {
      isNew = false
      const all = looks === 0 ? entries : await this.#all(labels)
      for (const batch of batches(all.filter(({ login }) => unused.has(login)))) {
        const areUsed = await Promise.all(batch.map(async entry => counts(entry) || await this.#ending.sessionOf(labels, entry) !== null))
        for (const [at, { handle, login }] of batch.entries()) {
          if (areUsed[at]) unused.delete(login)
          isNew ||= !seen.has(`${handle} ${login}`)
          seen.add(`${handle} ${login}`)
        }
      }
      if (unused.size === 0) break
    }
    return unused
  }

  /** Returns the entries of all these lists. */
  async #all (labels: readonly string[] = []): Promise<IndexEntry[]> {
    return (await Promise.all(labels.map(label => this.#lists.read(label)))).flat()
  }
}

/** Returns the logins that were not ended. */
export function loginsOf (entries: Entries): string[] {
  const ended = new Set(entries.filter(({ isEnded }) => isEnded).map(({ login }) => login))
  return [...new Set(entries.map(({ login }) => login))].filter(login => !ended.has(login))
}

/** Returns the logins with twins together, of which one at most goes on. The group of the oldest login comes first. */
function groupsOf (logins: readonly string[]): string[][] {
  const groups = new Map<string, string[]>()
  for (const login of logins.toSorted()) {
    const group = groups.get(originOf(login))
    if (group === undefined) groups.set(originOf(login), [login])
    else group.push(login)
  }
  return [...groups.values()]
}

function isUsed (group: readonly string[], unused: ReadonlySet<string>): boolean {
  return group.some(login => !unused.has(login))
}

function tooMany (label: string, limit: number): SessionLimitError {
  return new SessionLimitError(`there are ${limit} sessions of this ${indexOfLabel(label)} already (option maxPerValue): end one of them first`)
}
