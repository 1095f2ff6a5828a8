import { SessionError } from '../errors'
import type { IndexValue } from '../store/index-labels'
import { newLogin, type OnLimit, type Place } from '../store/index-entry'
import { indexOfLabel } from '../store/index-labels'
import type { SessionHeader } from '../store/session-header'
import { indexOf, placesIn, type SessionIndex } from '../store/session-index'
import type { StoredSession } from '../store/session-record'
import type { SessionStore } from '../store/session-store'
import type { SessionText } from './codec'
import type { PlainObject } from './plain-object'
import { headerOf, isPast, type PlainRecord, type Predecessor } from './opened-session'

/** Returns what a session with these data is found by; `undefined` or null for one that is not in the index. */
export type IndexFunction = (data: PlainObject) => IndexValue | undefined | null

export interface SettledIndexes {
  readonly indexes: Readonly<Record<string, IndexFunction>>
  readonly maxPerValue: Readonly<Record<string, number>>
  readonly onLimit: OnLimit
}

/** What a record that is to be stored means for the indexes. */
export interface IndexPlan {
  /** The record, with its labels in the header. */
  readonly record: PlainRecord
  /** Places to be written before the record is stored. */
  readonly enter: readonly Place[]
  /** Places to be given up after it is stored. */
  readonly leave: readonly Place[]
  /** Places to be given up if it is not stored. */
  readonly added: readonly Place[]
  /** The labels that the session has before and after. */
  readonly lasting: readonly string[]
  /** Whether the session is to take the place of another one: until then its new logins do not count. */
  readonly isMoving: boolean
  /** Called for what a device list shows, where neither the record nor the lists say it. */
  readonly spare: Predecessor['about']
}

/** By label. */
type Tags = Readonly<Record<string, string>>

/** The logins that a session may go on with. */
interface Logins {
  /** Those of the session whose place it takes. */
  readonly before: Tags
  /** Its own: it may have got them for a place that another request has changed since. */
  readonly own: Tags
  /** The name of the session that a new login begins with; `undefined`: it begins with none. */
  readonly origin: string | undefined
}

const NONE: Tags = {}

/** Works out which places a session has in the indexes, of the data that are about to be stored. */
export class Indexing {
  readonly #store: SessionStore
  readonly #settled: SettledIndexes | null
  readonly #text: SessionText | null
  /** Milliseconds since 1970. */
  readonly now: () => number

  /** Without indexes sessions keep the places that they have. */
  constructor (store: SessionStore, settled: SettledIndexes | null = null, text: SessionText | null = null, now: () => number = Date.now) {
    this.#store = store
    this.#settled = settled
    this.#text = text
    this.now = now
    if (settled !== null) this.index?.declare(Object.keys(settled.indexes))
  }

  get index (): SessionIndex | null {
    return indexOf(this.#store)
  }

  /**
   * Returns null for a session that is in no index, and was in none. `name` is the session's; `base` is null for a new one;
   * `from` is the one whose place it is to take. @throws {SessionError}
   */
  plan (name: string, record: PlainRecord, base: StoredSession | null, from?: Predecessor): IndexPlan | null {
    const header = record.header ?? (base === null ? {} : headerOf(base))
    // Logins go along with the header, which may be that of a session whose place this one takes: the places are the record's own.
    const before = header.indexed ?? NONE
    const own = base === null ? before : headerOf(base).indexed ?? NONE
    const origin = from?.name ?? (base === null ? undefined : name)
    const wanted = this.#settled === null || isIndexedSo(record, base, from)
      ? placesIn({ indexed: before })
      : this.#wanted(name, record.text, { before, own, origin }, this.#settled)
    if ((wanted.length === 0 && own === NONE) || this.index === null) return null
    const added = wanted.filter(({ label, login }) => base === null || own[label] !== login)
    const isLate = base !== null && (record.idleTimeout !== base.idleTimeout || isPast(base))
    return {
      record: { ...record, header: withPlaces(header, wanted) },
      enter: isLate ? wanted : added,
      added,
      leave: base === null ? [] : placesIn({ indexed: own }).filter(place => !wanted.some(next => goesOnIn(place, next))),
      lasting: wanted.map(({ label }) => label),
      isMoving: from !== undefined,
      spare: from?.about
    }
  }

  #wanted (session: string, text: string, { before, own, origin }: Logins, { indexes, maxPerValue, onLimit }: SettledIndexes): Place[] {
    // Another process may have indexes that this one does not know.
    const places = placesIn({ indexed: before }).filter(({ label }) => !Object.hasOwn(indexes, indexOfLabel(label)))
    // Made of the text: what is stored, and not an object of the app's. Of a large text those parts that the functions use.
    const { data } = (this.#text as SessionText).draft(session, text)
    for (const [name, find] of Object.entries(indexes)) {
      const value = valueOf(name, find, data)
      if (value === undefined || value === null) continue
      const labels = (this.index as SessionIndex).labels.of(name, value)
      const known = labels.find(label => before[label] !== undefined)
      const login = known === undefined ? own[labels[0]] : before[known]
      const former = known === labels[0] ? undefined : known
      const limit = login === undefined && Object.hasOwn(maxPerValue, name) ? maxPerValue[name] : undefined
      const others = limit === undefined ? undefined : labels.slice(1)
      places.push({ label: labels[0], login: login ?? newLogin(this.now(), limit === undefined ? undefined : origin), former, limit, onLimit, others })
    }
    return places
  }
}

function valueOf (name: string, find: IndexFunction, data: PlainObject): IndexValue | undefined | null {
  try {
    return find(data)
  } catch (error) {
    // An error of the app may quote the data.
    throw new SessionError('SESSION_INDEX', `the function of the index ${name} threw (${error instanceof Error ? error.name : typeof error}): ` +
      'it must take any data, such as data => data.user?.id')
  }
}

/**
 * Whether the record says what the one before says, which must open for that. A session that takes the place of another is
 * judged by its text: the other may have changed without a change of that.
 */
function isIndexedSo (record: PlainRecord, base: StoredSession | null, from?: Predecessor): boolean {
  return base !== null && from === undefined && record.text === base.text && record.isIndexedAnew !== true
}

/** Whether the next place is the same one, or takes its place under another secret. */
function goesOnIn ({ label, login }: Place, next: Place): boolean {
  return next.former === label || (next.label === label && next.login === login)
}

function withPlaces ({ indexed, ...header }: SessionHeader, places: readonly Place[]): SessionHeader {
  return places.length === 0 ? header : { indexed: Object.fromEntries(places.map(({ label, login }) => [label, login])), ...header }
}
