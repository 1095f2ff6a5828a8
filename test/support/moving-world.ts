import './small-caches'
import { moveSession } from '../../lib/session/move'
import { SessionRecords } from '../../lib/session/session-records'
import { MovingSessionStore } from '../../lib/store/moving-store'
import { BaseRecordStore } from '../../lib/store/record-store'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { type Actor, type Step, type World } from './interleavings'

/**
 * Processes that use one session while it moves, in every order of their calls to the two stores, with
 * crashes between any two calls.
 */

const NAME = 'the session'
const NEXT = 'the session after regenerate'

type Entries = Map<string, { text: string, version: number }>

/** A store in memory that several processes share. A process waits before each of its calls. */
export class SharedStore extends BaseRecordStore {
  readonly features = { records: true } as const

  entries: Entries = new Map()
  step: Step = async () => {}
  log: string[] = []

  constructor (readonly label: string, process: number) {
    super({ appid: 'sid', idGenerator: () => `${NEXT} ${process}` })
  }

  /** Makes it what a process sees that begins now. */
  reset (entries: Entries, step: Step, log: string[]): void {
    Object.assign(this, { entries, step, log })
  }

  override nameOf (sesid: string): string {
    return sesid
  }

  async open (): Promise<void> {}
  async close (): Promise<void> {}
  async touch (): Promise<void> {}
  async setAside (): Promise<void> {}

  async read (name: string): Promise<StoredSession | null> {
    return await this.#call('read', name, () => {
      const entry = this.entries.get(name)
      return entry === undefined
        ? null
        : { text: entry.text, version: String(entry.version), idleTimeout: undefined, createdAt: 1, touchDue: false, idleLeft: undefined }
    })
  }

  async create (name: string, { text }: SessionRecord): Promise<Creation> {
    return await this.#call('create', name, () => this.entries.has(name) ? { result: 'taken' } : { result: 'created', version: this.#write(name, text) })
  }

  async replace (name: string, { text }: SessionRecord, version: string): Promise<Replacement> {
    return await this.#call('replace', name, () => {
      const entry = this.entries.get(name)
      if (entry === undefined) return { result: 'gone' }
      if (String(entry.version) !== version) return { result: 'conflict' }
      return { result: 'replaced', version: this.#write(name, text) }
    })
  }

  async remove (name: string, version?: string): Promise<Removal> {
    return await this.#call('remove', name, () => {
      const entry = this.entries.get(name)
      if (entry === undefined) return 'gone'
      if (version !== undefined && String(entry.version) !== version) return 'conflict'
      this.entries.delete(name)
      return 'removed'
    })
  }

  /** A version never comes back, also after the session was removed. */
  #write (name: string, text: string): string {
    const version = (this.entries.get('')?.version ?? 0) + 1
    this.entries.set('', { text: '', version })
    this.entries.set(name, { text, version })
    return String(version)
  }

  async #call<T> (verb: string, name: string, work: () => T): Promise<T> {
    await this.step(`${this.label}.${verb} ${name}`)
    const answer = work()
    this.log.push(`${this.label}.${verb} ${name}: ${JSON.stringify(answer)}`)
    return answer
  }
}

/** What the processes were told, and what they may be told from then on. */
export class Facts {
  /** Saves that were answered with success. */
  readonly saved: string[] = []
  /** Whether a process has begun to end the session. */
  mayEnd = false
  /** Whether a process was told that it has ended, or that it is not there. */
  hasEnded = false
  removals = 0
}

export interface Process { store: MovingSessionStore, from: SharedStore, facts: Facts, log: string[] }
export type Program = (process: Process) => Promise<void>

/** Reads the session, as each request does first, and holds the answer to the promises. */
async function read ({ store, facts, log }: Process): Promise<StoredSession | null> {
  const { hasEnded } = facts
  const saved = [...facts.saved]
  log.push(`read begins: ended ${hasEnded}, saved ${saved.join('')}`)
  const session = await store.read(NAME)
  if (session === null) {
    if (!facts.mayEnd) throw new Error('a session that no process ended is gone')
    facts.hasEnded = true
    return null
  }
  if (hasEnded) throw new Error('a session that had ended is back')
  for (const mark of saved) {
    if (!session.text.includes(mark)) throw new Error(`the save of ${mark} is lost`)
  }
  return session
}

export const visit: Program = async process => { await read(process) }

/** Loads the session and saves it, perhaps long after. */
export function save (mark: string): Program {
  return async process => {
    for (let session = await read(process); session !== null; session = await read(process)) {
      const { result } = await process.store.replace(NAME, { text: session.text + mark }, session.version)
      process.log.push(`saved: ${result}`)
      if (result === 'replaced') {
        process.facts.saved.push(mark)
        return
      }
    }
  }
}

/** A process of the release before, which knows the old store alone. */
export function saveInOldStore (mark: string): Program {
  return async ({ from, facts, log }) => {
    const session = await from.read(NAME)
    if (session === null || !session.text.startsWith('text')) return
    const { result } = await from.replace(NAME, { text: session.text + mark }, session.version)
    log.push(`saved: ${result}`)
    if (result === 'replaced') facts.saved.push(mark)
  }
}

export const logout: Program = async ({ store, facts, log }) => {
  facts.mayEnd = true
  const removal = await store.remove(NAME)
  log.push(`logout: ${removal}`)
  facts.hasEnded = true
  if (removal === 'removed') facts.removals++
}

export const regenerate: Program = async process => {
  const session = await read(process)
  process.facts.mayEnd = true
  const move = await moveSession(new SessionRecords(process.store, process.store.cipher), { sesid: NAME, name: NAME }, session, newest => ({ text: newest.text }))
  process.facts.hasEnded = true
  process.log.push(`regenerated: ${move !== null}`)
  if (move === null) return
  process.facts.removals++
  const next = await process.store.read(move.to?.name ?? '')
  for (const mark of process.facts.saved) {
    if (next?.text.includes(mark) !== true) throw new Error(`the save of ${mark} is not in the new session`)
  }
}

/** The stores of one process: to make them takes longer than to run a whole order. */
function storesOfProcess (process: number) {
  const [from, to] = [new SharedStore('old', process), new SharedStore('new', process)]
  return { from, to, store: new MovingSessionStore({ from, to }) }
}

/** Of these processes at most `most` may be told that they have ended the session. */
export function movingWorld (programs: Program[], most = 1): () => World {
  const made = [...programs, null].map((_, index) => storesOfProcess(index))
  return () => {
    const [old, fresh]: [Entries, Entries] = [new Map([[NAME, { text: 'text', version: 100 }]]), new Map()]
    const facts = new Facts()
    const logs: string[][] = programs.map(() => [])
    function processOf (index: number, step: Step, log: string[]): Process {
      const { from, to, store } = made[index] as ReturnType<typeof storesOfProcess>
      from.reset(old, step, log)
      to.reset(fresh, step, log)
      return { store, from, facts, log }
    }
    const actors: Actor[] = programs.map((program, index) => step => program(processOf(index, step, logs[index] as string[])))
    return {
      actors,
      state: () => renamed(JSON.stringify([entriesOf(old), entriesOf(fresh), facts, logs.map(remembered)])),
      history: () => JSON.stringify(logs, null, 2),
      async check () {
        if (facts.removals > most) throw new Error('two processes were told that they had ended the session')
        // As the next request finds it, and the one after that.
        const process = processOf(programs.length, async () => {}, [])
        const first = await read(process)
        const second = await read(process)
        if (first?.text !== second?.text) throw new Error('the session differs from one request to the next')
      }
    }
  }
}

/**
 * What a process still knows of what it saw: orders that differ in nothing else go on alike. Each
 * time that a step is taken anew, the new store is read first, and all that is kept is whether the
 * session was found in neither store.
 */
function remembered (log: string[]): string[] {
  let kept: string[] = []
  let wasAbsent = false
  for (const line of log) {
    if (!/^(old|new)\./.test(line)) {
      wasAbsent = false
      kept = line.startsWith('read begins') ? [] : kept
    } else if (line.startsWith(`new.read ${NAME}: `)) {
      kept = kept.filter(line => !/^(old|new)\./.test(line))
    } else if (/^old.read .*: (null|.*away )/.test(line) && kept.at(-1)?.endsWith('null') === true) {
      wasAbsent = true
    }
    kept.push(line)
  }
  return [...kept, `${wasAbsent}`]
}

/** The sessions, without the counter of versions. */
function entriesOf (entries: Entries): unknown {
  return [...entries].filter(([name]) => name !== '').sort().map(([name, { text, version }]) => ({ name, text, version: String(version) }))
}

/** Names tokens and versions by the order in which they appear: only which of them are the same makes a difference. */
function renamed (text: string): string {
  const names: string[] = []
  return text.replace(/((?:here|away) |version\\?":\\?")(\w+)/g, (_, before: string, name: string) => {
    if (!names.includes(name)) names.push(name)
    return `${before}${names.indexOf(name)}`
  })
}
