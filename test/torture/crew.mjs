// Processes that are killed and stopped at random, and started again. Each has a file of notes of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { tell } from './tell.mjs'

/** Past the time after which a lock is taken away (ms). */
const STALL = 2500

export class Crew {
  kills = 0
  stops = 0
  /** The files of notes of all processes that there ever were. */
  notes = []
  #workers = new Set()
  #options

  /**
   * `program`: its path. `argumentsOf(index)`: what it is given after its number, the kind of the store, the
   * settings and the path of its notes. `commandFor(index)`: the command before it, that takes it to a host.
   * `hear(message)`: called for each message. `greet()`: the first message to it; none.
   */
  constructor ({ program, directory, kind, settings, argumentsOf = () => [], commandFor = () => undefined, hear, greet = () => undefined }) {
    this.#options = { program, directory, kind, settings, argumentsOf, commandFor, hear, greet }
  }

  async start () {
    const { program, directory, kind, settings, argumentsOf, commandFor, hear, greet } = this.#options
    const index = this.notes.length
    const path = join(directory, `w${index}.notes`)
    this.notes.push(path)
    const [execPath, ...before] = [...commandFor(index) ?? [], process.execPath]
    const child = fork(program, [String(index), kind, JSON.stringify(settings), path, ...argumentsOf(index)], { execPath, execArgv: before })
    const worker = { child, exited: once(child, 'exit'), stopped: null, last: {} }
    this.#workers.add(worker)
    child.on('message', message => {
      worker.last = message
      hear?.(message)
    })
    await Promise.race([once(child, 'message'), worker.exited])
    const greeting = greet()
    if (greeting !== undefined) tell(child, greeting)
  }

  /** Kills one, and starts another. */
  async kill (worker = this.#one()) {
    clearTimeout(worker.stopped)
    worker.child.kill('SIGKILL')
    await worker.exited
    this.#workers.delete(worker)
    this.kills++
    await this.start()
  }

  async killAll () {
    for (const worker of [...this.#workers]) await this.kill(worker)
  }

  /** Stops one for a while. */
  stop (worker = this.#one()) {
    // Windows stops no process.
    if (worker.stopped !== null || process.platform === 'win32') return
    this.stops++
    worker.child.kill('SIGSTOP')
    worker.stopped = setTimeout(() => { this.#resume(worker) }, STALL)
  }

  tell (message) {
    for (const { child } of this.#workers) tell(child, message)
  }

  /** Lets all come to their end. Returns the exit code of each, with its last message. */
  async end () {
    const workers = [...this.#workers]
    for (const worker of workers) {
      if (worker.stopped !== null) this.#resume(worker)
      tell(worker.child, { stop: true })
    }
    const ends = []
    for (const worker of workers) {
      const [code] = await worker.exited
      ends.push({ code, last: worker.last })
    }
    this.#workers.clear()
    return ends
  }

  /** Kills those that are left. */
  async destroy () {
    for (const { child } of this.#workers) child.kill('SIGKILL')
    await Promise.all([...this.#workers].map(({ exited }) => exited))
  }

  #one () {
    return [...this.#workers][Math.floor(Math.random() * this.#workers.size)]
  }

  #resume (worker) {
    clearTimeout(worker.stopped)
    worker.stopped = null
    worker.child.kill('SIGCONT')
  }
}

/** Returns what one process has noted. */
export function notesIn (path) {
  if (!fs.existsSync(path)) return []
  // The last line may be cut short: then it was not acknowledged.
  return fs.readFileSync(path, 'utf8').split('\n').filter(line => line.endsWith('}')).map(line => JSON.parse(line))
}
