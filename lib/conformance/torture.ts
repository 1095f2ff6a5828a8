import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RecordStore } from '../store/session-store'
import { newSession } from './bench'
import { judge, type Slot, type TortureReport, type Witness } from './torture-judge'
import { storeOf } from './torture-module'

/** What `torture` takes. */
export interface TortureOptions {
  /**
   * The path or the URL of a module that exports `makeStore`. Each process calls it, and gets a store
   * with records; all of them share their sessions.
   */
  store: string | URL
  /** For how long. @default 10 */
  seconds?: number | undefined
  /** How many processes work at once. @default 4 */
  processes?: number | undefined
  /** How many sessions they share. @default 4 */
  sessions?: number | undefined
}

interface Worker extends Witness {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
}

/** However short the time is, each kind of trouble is made. */
const FEWEST_STEPS = 4
const PROGRAM = require.resolve('./torture-process')

/**
 * Lets processes update a few sessions at once, kills them at random, and meanwhile moves sessions to
 * new names and ends some. Afterwards every update that the store has acknowledged must be there,
 * once, and no session that has moved or ended may be back.
 *
 * Returns what was counted: for a store that keeps its promises `lost`, `doubled` and `resurrected`
 * are 0, and `errors` is empty.
 */
export async function torture (options: TortureOptions): Promise<TortureReport> {
  const { seconds = 10, processes = 4, sessions = 4 } = options
  const module = String(options.store)
  const store = await storeOf(module)
  const directory = await mkdtemp(join(tmpdir(), 'session-torture-'))
  const run = new Torture(store, module, directory)
  try {
    await run.start(processes, sessions)
    const end = Date.now() + seconds * 1000
    for (let count = 0; count < FEWEST_STEPS || Date.now() < end; count++) await run.step(count)
    await run.stop()
    return await judge(store, run)
  } finally {
    await run.killAll()
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

class Torture {
  readonly slots: Slot[] = []
  /** All that ever worked. */
  readonly workers: Worker[] = []
  /** Names of the sessions that have moved or ended. */
  readonly ended = new Set<string>()
  readonly counts = { kills: 0, moves: 0, ends: 0 }

  constructor (private readonly store: RecordStore, private readonly module: string, private readonly directory: string) {}

  async start (processes: number, sessions: number): Promise<void> {
    while (this.slots.length < sessions) this.slots.push(await this.#newSlot())
    await Promise.all(Array.from({ length: processes }, () => this.#startWorker()))
  }

  /** Waits a moment, and then moves a session, ends one or kills a process, each in its turn. */
  async step (count: number): Promise<void> {
    await wait(20 + Math.random() * 80)
    const slot = Math.floor(Math.random() * this.slots.length)
    if (count % 2 === 0) await this.#move(slot)
    else if (count % 4 === 1) await this.#kill()
    else await this.#endSession(slot)
  }

  /** Lets the processes finish what they do. */
  async stop (): Promise<void> {
    for (const { child } of this.#running()) tell(child, { stop: true })
    await Promise.all(this.workers.map(({ exited }) => exited))
  }

  async killAll (): Promise<void> {
    for (const { child } of this.workers) child.kill('SIGKILL')
    await Promise.all(this.workers.map(({ exited }) => exited))
  }

  #running (): Worker[] {
    return this.workers.filter(({ child }) => child.exitCode === null && child.signalCode === null)
  }

  async #startWorker (): Promise<void> {
    const name = `process ${this.workers.length}`
    const notes = join(this.directory, name)
    const child = fork(PROGRAM, [this.module, name, notes])
    const worker: Worker = { name, notes, wasKilled: false, child, exited: once(child, 'exit') }
    this.workers.push(worker)
    await Promise.race([once(child, 'message'), worker.exited])
    tell(child, { slots: this.slots })
  }

  async #kill (): Promise<void> {
    // The oldest, so that each lives equally long. None is there when all have ended with an error.
    for (const worker of this.#running().slice(0, 1)) {
      worker.wasKilled = true
      worker.child.kill('SIGKILL')
      await worker.exited
      this.counts.kills++
      await this.#startWorker()
    }
  }

  /** Moves a session to a new name, while the processes go on updating it under the old one. */
  async #move (slot: number): Promise<void> {
    const { key, name } = this.slots[slot] as Slot
    for (let session = await this.store.read(name); session !== null; session = await this.store.read(name)) {
      const next = await newSession(this.store, { text: session.text, createdAt: session.createdAt })
      if (await this.store.remove(name, session.version) === 'removed') {
        this.#replaceSlot(slot, { key, name: next.name })
        this.counts.moves++
        return
      }
      await this.store.remove(next.name)
    }
  }

  async #endSession (slot: number): Promise<void> {
    const { name } = this.slots[slot] as Slot
    await this.store.remove(name)
    this.#replaceSlot(slot, await this.#newSlot())
    this.counts.ends++
  }

  async #newSlot (): Promise<Slot> {
    const { name } = await newSession(this.store, { text: '{}' })
    return { key: name, name }
  }

  #replaceSlot (slot: number, next: Slot): void {
    this.ended.add((this.slots[slot] as Slot).name)
    this.slots[slot] = next
    for (const { child } of this.#running()) tell(child, { slots: this.slots })
  }
}

/** A process that is about to end is told nothing, and that is not an error. */
function tell (child: ChildProcess, message: object): void {
  if (child.connected) child.send(message)
}
