import type { Disk, FileStatus } from '../../lib/store/files/disk'
import type { Call, Result, Status } from './file-system'

/** The disk that a virtual process sees, with what only the model can do. */
export interface ModelDisk extends Disk {
  truncate (path: string, length: number): Promise<void>
  /** Which updates have been acknowledged so far, by anyone: their letters. */
  acknowledged (): Promise<string>
}

/** What a process carries from one step to the next, as JSON. A step that ends it sets `ended`. */
export interface Local { turn: number, ended: boolean, acknowledged: string }

export interface Program<L extends Local = Local> {
  name: string
  start: L
  /** Must do the same again when it is given the same, and the disk answers the same. */
  step (disk: ModelDisk, local: L): Promise<L>
}

/**
 * A process stopped at one of its calls. What it was answered in this step so far decides all that
 * it does, so equal histories are one point, in whichever order the others ran.
 */
export class Point {
  /** By the answer's number. */
  readonly next = new Map<number, Point>()
  /** The real code, stopped here; null once it went on from here. */
  run: Run | null = null
  failure: Error | null = null
  /** Equal for equal calls, once it is needed. */
  callId = -1

  constructor (
    readonly id: number,
    readonly local: Local,
    /** Null when the process has ended, or failed. */
    readonly call: Call | null,
    readonly before: Point | null,
    readonly answer: Result | null
  ) {}

  /** What happened in this step before this point. */
  history (): Array<{ call: Call, result: Result }> {
    const history = []
    for (let at: Point = this; at.before !== null; at = at.before) {
      history.unshift({ call: at.before.call as Call, result: at.answer as Result })
    }
    return history
  }
}

/** Runs one program's real code, a call at a time, and remembers every point that it gets to. */
export class Runner {
  readonly #starts = new Map<string, Point>()
  readonly points: Point[] = []

  constructor (readonly program: Program) {}

  async start (): Promise<Point> {
    return await this.#begin(this.program.start)
  }

  /** Where the process gets to when its call at `point` is answered so. */
  async advance (point: Point, answer: Result): Promise<Point> {
    const run = point.run ?? await this.#again(point)
    point.run = null
    return await this.#arrive(run, await run.resume(answer), point, answer)
  }

  async #begin (local: Local): Promise<Point> {
    const key = JSON.stringify(local)
    let point = this.#starts.get(key)
    if (point === undefined) {
      const run = new Run(this.program, local)
      point = local.ended ? this.#make(local, null, null, null) : await this.#arrive(run, await run.begin(), null, null)
      this.#starts.set(key, point)
    }
    return point
  }

  async #arrive (run: Run, outcome: Outcome, before: Point | null, answer: Result | null): Promise<Point> {
    if ('local' in outcome) return await this.#begin(outcome.local)
    const point = this.#make(run.local, 'call' in outcome ? outcome.call : null, before, answer)
    if ('failure' in outcome) point.failure = outcome.failure
    else point.run = run
    return point
  }

  #make (local: Local, call: Call | null, before: Point | null, answer: Result | null): Point {
    const point = new Point(this.points.length, local, call, before, answer)
    this.points.push(point)
    return point
  }

  async #again (point: Point): Promise<Run> {
    const run = new Run(this.program, point.local)
    let outcome = await run.begin()
    for (const { call, result } of point.history()) {
      if (!('call' in outcome) || JSON.stringify(outcome.call) !== JSON.stringify(call)) {
        throw new Error(`${this.program.name} did not do the same again`)
      }
      outcome = await run.resume(result)
    }
    return run
  }
}

type Outcome = { call: Call } | { local: Local } | { failure: Error }

/** One run of one step, which stops at each call until it is answered. */
class Run {
  #answer: ((result: Result) => void) | null = null
  #report: (outcome: Outcome) => void = () => undefined
  readonly #tokens = new Map<string, string>()

  constructor (readonly program: Program, readonly local: Local) {}

  async begin (): Promise<Outcome> {
    return await new Promise(resolve => {
      this.#report = resolve
      this.program.step(this.#disk(), structuredClone(this.local)).then(
        local => { this.#report({ local }) }, failure => { this.#report({ failure }) })
    })
  }

  async resume (result: Result): Promise<Outcome> {
    return await new Promise(resolve => {
      this.#report = resolve
      this.#answer?.(result)
    })
  }

  async #ask (call: Call): Promise<unknown> {
    if (this.#answer !== null) throw new Error('two calls at once')
    const result = await new Promise<Result>(resolve => {
      this.#answer = resolve
      this.#report({ call })
    })
    this.#answer = null
    if ('error' in result) throw Object.assign(new Error(`${result.error}: ${call.call}`), { code: result.error })
    return result.value
  }

  /** Random names are named after who drew them and when, so that a run can be repeated. */
  #path (path: string): string {
    return path.replace(/[0-9a-f]{16}/g, random => {
      const token = this.#tokens.get(random) ?? `${this.program.name}${this.local.turn}.${this.#tokens.size}`
      this.#tokens.set(random, token)
      return token
    })
  }

  /** A name in a lock or a staging directory, as it was drawn: 16 hexadecimal digits, the same for the same name. */
  #token (name: string): string {
    const token = Buffer.from(name, 'latin1').toString('hex').padEnd(16, '0')
    this.#tokens.set(token, name)
    return token
  }

  #disk (): ModelDisk {
    const ask = async <T>(call: Call): Promise<T> => await this.#ask(call) as T
    return {
      open: (path, flags) => ask({ call: 'open', path: this.#path(path), flags }),
      close: fd => ask({ call: 'close', fd }),
      write: (fd, bytes) => ask({ call: 'write', fd, bytes: bytes.toString('latin1') }),
      read: async (fd, bytes, position) => {
        const read = await ask<string>({ call: 'read', fd, position, length: bytes.length })
        return bytes.write(read, 'latin1')
      },
      fsync: fd => ask({ call: 'fsync', fd }),
      fdatasync: fd => ask({ call: 'fdatasync', fd }),
      fstat: async fd => fileStatus(await ask({ call: 'fstat', fd })),
      lstat: async path => fileStatus(await ask({ call: 'lstat', path: this.#path(path) })),
      lutimes: path => ask({ call: 'lutimes', path: this.#path(path) }),
      unlink: path => ask({ call: 'unlink', path: this.#path(path) }),
      link: (path, to) => ask({ call: 'link', path: this.#path(path), to: this.#path(to) }),
      rename: (path, to) => ask({ call: 'rename', path: this.#path(path), to: this.#path(to) }),
      mkdir: path => ask({ call: 'mkdir', path: this.#path(path) }),
      rmdir: path => ask({ call: 'rmdir', path: this.#path(path) }),
      readdir: async path => (await ask<string[]>({ call: 'readdir', path: this.#path(path) })).map(name => this.#token(name)),
      wait: () => ask({ call: 'wait' }),
      truncate: (path, length) => ask({ call: 'truncate', path, length }),
      acknowledged: () => ask({ call: 'acknowledged' })
    }
  }
}

function fileStatus ({ ino, born, links, size, directory }: Status): FileStatus {
  const mode = directory ? 0o40700 : 0o100600
  return { ino, size, nlink: links, mode, uid: process.geteuid?.() ?? 0, atimeMs: 0, mtimeMs: 0, ctimeMs: 0, birthtimeMs: born }
}
