import type { Disk, FileStatus } from '../../lib/store/files/disk'
import { TO_APPEND } from '../../lib/store/files/private-file'
import { sameWhenRepeated } from './drawn'
import type { Call, Result, Status } from './file-system'
import { modelPath, tokenOf } from './model-paths'

/** The disk that a virtual process sees, with what only the model can do. */
export interface ModelDisk extends Disk {
  truncate (path: string, length: number): Promise<void>
  /** Which updates have been acknowledged so far, by anyone: their letters. */
  acknowledged (): Promise<string>
}

/** Milliseconds since 1970: it is always this time, and every file was used just now. */
export const NOW = 10_000_000

/** What a process carries from one step to the next, as JSON. A step that ends it sets `ended`. */
export interface Local { turn: number, ended: boolean, acknowledged: string }

export interface Program<L extends Local = Local> {
  name: string
  /** What the rules expect of it. */
  role?: string
  /** The update that its session begins with. */
  update?: string
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
    const key = JSON.stringify(local, (_, value: unknown) => typeof value === 'bigint' ? `${value}n` : value)
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
  #drawn = 0
  /** The descriptor that was opened to append a moment ago. */
  #opened: number | null = null

  constructor (readonly program: Program, readonly local: Local) {}

  async begin (): Promise<Outcome> {
    return await new Promise(resolve => {
      this.#report = resolve
      sameWhenRepeated(() => this.#draw())
      this.program.step(this.#disk(), structuredClone(this.local)).then(
        local => { this.#report({ local }) }, failure => { this.#report({ failure }) })
    })
  }

  async resume (result: Result): Promise<Outcome> {
    return await new Promise(resolve => {
      this.#report = resolve
      sameWhenRepeated(() => this.#draw())
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

  /** What is random elsewhere is named after the process and the step that draw it, so that a run can be repeated. */
  #draw (): string {
    return `${this.program.name}${this.local.turn}.${this.#drawn++}`
  }

  #disk (): ModelDisk {
    const ask = async <T>(call: Call): Promise<T> => await this.#ask(call) as T
    return {
      open: async (path, flags) => {
        const fd = await ask<number>({ call: 'open', path: modelPath(path), flags })
        this.#opened = flags === TO_APPEND ? fd : null
        return fd
      },
      close: fd => ask({ call: 'close', fd }),
      write: (fd, bytes, position) => ask({
        call: 'write', fd, bytes: bytes.toString('latin1'), ...position === undefined ? {} : { position }
      }),
      read: async (fd, bytes, position) => {
        const read = await ask<string>({ call: 'read', fd, position, length: bytes.length })
        return bytes.write(read, 'latin1')
      },
      fsync: fd => ask({ call: 'fsync', fd }),
      fdatasync: fd => ask({ call: 'fdatasync', fd }),
      fstat: async fd => {
        const isJustOpened = fd === this.#opened
        this.#opened = null
        return isJustOpened ? OWNED : fileStatus(await ask({ call: 'fstat', fd }))
      },
      lstat: async path => fileStatus(await ask({ call: 'lstat', path: modelPath(path) })),
      lutimes: path => ask({ call: 'lutimes', path: modelPath(path) }),
      futimes: async () => {},
      unlink: path => ask({ call: 'unlink', path: modelPath(path) }),
      link: (path, to) => ask({ call: 'link', path: modelPath(path), to: modelPath(to) }),
      rename: (path, to) => ask({ call: 'rename', path: modelPath(path), to: modelPath(to) }),
      mkdir: path => ask({ call: 'mkdir', path: modelPath(path) }),
      rmdir: path => ask({ call: 'rmdir', path: modelPath(path) }),
      readdir: async path => (await ask<string[]>({ call: 'readdir', path: modelPath(path) })).map(tokenOf),
      wait: () => ask({ call: 'wait' }),
      truncate: (path, length) => ask({ call: 'truncate', path, length }),
      acknowledged: () => ask({ call: 'acknowledged' })
    }
  }
}

function fileStatus ({ ino, unique, born, links, size, directory }: Status): FileStatus {
  const mode = directory ? 0o40700 : 0o100600
  const times = { atimeMs: NOW, mtimeMs: NOW, ctimeMs: NOW, birthtimeMs: born }
  return { ino: unique ? BigInt(ino) : ino, size, nlink: links, mode, uid: process.geteuid?.() ?? 0, ...times }
}

/**
 * A file that is opened to append is looked at for its owner and its mode first. Those never change
 * here, so that look is no call: the search would only become longer. Whatever else is taken from it is wrong.
 */
const OWNED: FileStatus = fileStatus({ ino: NaN, unique: false, born: NaN, links: NaN, size: NaN, directory: false })
