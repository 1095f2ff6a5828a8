import { BaseRecordStore } from '../../lib/store/record-store'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headerOf } from '../../lib/store/session-header'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import type { Companion, PortableRecordStore, PortableSession } from '../../lib/store/store-abilities'
import type { Step } from './interleavings'

/** It encrypts nothing. To make one takes longer than to run a whole order. */
const CIPHER = new SessionCipher('sid', false)

interface Entry { text: string, version: number }

/** What all processes of an indexed world share. */
export class Shared {
  readonly sessions = new Map<string, Entry>()
  readonly lists = new Map<string, Entry>()
  readonly log: string[] = []
  now = 1_000_000_000_000
  /** What each process was answered: it remembers no more than that. */
  readonly answers: string[][] = []
  /** Versions go on when a record is made anew. */
  readonly versions = new Map<string, number>()
  /** The logins that a session has had, by its name. */
  readonly logins = new Map<string, Set<string>>()
  /** Called after each change. */
  changed = (): void => {}
}

/** Verbs on a map. A process waits before each call. */
export class SharedRecords extends BaseRecordStore implements PortableRecordStore {
  readonly features = { records: true, portable: true, indexable: true } as const

  constructor (readonly shared: Shared, readonly kind: 'sessions' | 'lists', readonly process: number, readonly step: Step, idGenerator: () => string) {
    super({ appid: 'sid', idGenerator }, CIPHER)
  }

  companion (): Companion {
    const records = new SharedRecords(this.shared, 'lists', this.process, this.step, () => '')
    return { records, idleTimeout: 7200, latest: name => this.read(name) }
  }

  async open (): Promise<void> {}
  async close (): Promise<void> {}
  async touch (): Promise<void> {}
  async setAside (): Promise<void> {}

  async read (name: string): Promise<StoredSession | null> {
    return await this.#call('read', name, entry => entry === undefined
      ? null
      : { text: entry.text, version: String(entry.version), idleTimeout: undefined, createdAt: 1, touchDue: false, idleLeft: undefined })
  }

  async create (name: string, { text }: SessionRecord): Promise<Creation> {
    return await this.#call('create', name, entry => entry !== undefined ? { result: 'taken' } : { result: 'created', version: this.#write(name, text) })
  }

  async replace (name: string, { text }: SessionRecord, version: string): Promise<Replacement> {
    return await this.#call('replace', name, entry => {
      if (entry === undefined) return { result: 'gone' }
      if (String(entry.version) !== version) return { result: 'conflict' }
      return { result: 'replaced', version: this.#write(name, text) }
    })
  }

  async remove (name: string, version?: string): Promise<Removal> {
    return await this.#call('remove', name, entry => {
      if (entry === undefined) return 'gone'
      if (version !== undefined && String(entry.version) !== version) return 'conflict'
      this.#map.delete(name)
      this.shared.changed()
      return 'removed'
    })
  }

  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    await this.step(`${this.kind} list`)
    for (const [name, { text }] of [...this.#map]) yield { name, text, idleTimeout: undefined, createdAt: 1, lastAccess: 1 }
  }

  async importSession (): Promise<Creation> {
    throw new Error('not here')
  }

  get #map (): Map<string, Entry> {
    return this.shared[this.kind]
  }

  #write (name: string, text: string): string {
    const version = (this.shared.versions.get(name) ?? 0) + 1
    this.shared.versions.set(name, version)
    this.#map.set(name, { text, version })
    if (this.kind === 'sessions') this.#noteLogins(name, text)
    this.shared.changed()
    return String(version)
  }

  #noteLogins (name: string, text: string): void {
    const { logins } = this.shared
    for (const login of Object.values(headerOf(text)?.indexed ?? {})) logins.set(name, (logins.get(name) ?? new Set()).add(login))
  }

  async #call<T> (verb: string, name: string, work: (entry: Entry | undefined) => T): Promise<T> {
    const label = `${this.kind} ${verb} ${name.slice(0, 6)}`
    await this.step(label)
    const answer = work(this.#map.get(name))
    const line = `${label}: ${withoutChance(typeof answer === 'string' ? answer : JSON.stringify(answer))}`
    this.shared.answers[this.process]?.push(line)
    this.shared.log.push(`${this.process} ${line}`)
    return answer
  }
}

/**
 * Leaves out what is drawn at random: the ends of logins, whose beginnings differ already, and what only the
 * old id opens of a record that forwards.
 */
export function withoutChance (text: string): string {
  return text.replaceAll(/(0cre6\w{4})[\w-]{8}|(\$ffs>1\$[0-9a-f]{64}\$)[\w-]+/g, '$1$2')
}
