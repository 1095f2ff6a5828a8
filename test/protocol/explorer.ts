import { apply, beginWrite, hasOpen, inodeAt, isOpenElsewhere, keyOf, kill, namesOf, writerOf, type Call, type FileSystem, type Result } from './file-system'
import { Runner, type Point, type Program } from './process'
import { StateTable } from './state-table'

export interface Bounds {
  /** How many processes may stop for ever, each at any point. */
  crashes: number
  /** How often a process may lose patience with a lock whose holder is alive but stalled. */
  stalls: number
  /** How many writes may be seen half done, or stay so when their process crashes. */
  tears: number
  /** How often a call may be refused for no reason that is known here: another program has the file open for a moment. */
  refusals?: number
  /** How often a process may be interrupted where it could have gone on; left out: any number. */
  preemptions?: number
}

interface Left extends Required<Bounds> {
  /** Who went last; null where it does not matter. */
  last: number | null
}

export interface Moment {
  system: FileSystem
  /** The letters of the updates that were acknowledged. */
  acknowledged: string
  processes: Array<{ name: string, ended: boolean, dead: boolean, acknowledged: string }>
}

export interface Rules {
  /** Asked at every moment; what it returns is what is wrong. */
  always: (moment: Moment) => string | null
  /** Asked when no process goes on any more. */
  finally: (moment: Moment) => Promise<string | null>
  /** In a word, how things stand; and what is wrong with it when they go from one to another. */
  label?: (system: FileSystem) => string
  comesBack?: (before: string, after: string) => string | null
}

export interface Exploration {
  states: number
  steps: number
  endings: number
  /** The shortest way to something wrong. */
  fault: { what: string, trace: string[] } | null
}

interface Unknown { process: number, point: Point, answer: number }

/** A search this large has gone astray. */
const GIVEN_UP = 30_000_000
const HEADER = 40
/** What NTFS says when a file is open elsewhere, or about to go. */
const REFUSED = 'EPERM'
const UNLIMITED = 15
/** How a state came about, beside by a crash or a torn write of so many bytes. */
const CALL = 0
const PATIENCE = -1
const CRASH = -2
const REFUSAL = -3

/**
 * Runs the programs in every order, breadth first: what it finds wrong it finds on a shortest way.
 *
 * Calls that no other process can notice or disturb (in a staging directory of one's own, closing,
 * reading bytes that are only ever appended to) are done at once after the call before: their
 * place among the calls of others makes no difference.
 */
export async function explore (programs: Program[], start: FileSystem, bounds: Bounds, rules: Rules): Promise<Exploration> {
  return await new Explorer(programs, bounds, rules).run(start)
}

class Explorer {
  readonly #runners: Runner[]
  readonly #systems: FileSystem[] = []
  readonly #systemIds = new Map<string, number>()
  readonly #answers: Result[] = []
  readonly #answerIds = new Map<string, number>()
  readonly #callIds = new Map<string, number>()
  readonly #applied = new Map<number, { system: number, answer: number }>()
  readonly #private = new Map<number, boolean>()
  /**
   * By column: filesystem; point of each process, or what it had acknowledged when it died (below
   * zero); bounds left, packed into one number; then how it came about: from which state, by which process, what it did.
   */
  readonly #states: StateTable
  #steps = 0
  #endings = 0
  readonly #labels: string[] = []
  #wrongStep: Exploration['fault'] = null
  readonly #always = new Map<string, string | null>()
  readonly #finally = new Map<string, string | null>()

  constructor (readonly programs: Program[], readonly bounds: Bounds, readonly rules: Rules) {
    this.#runners = programs.map(program => new Runner(program))
    this.#states = new StateTable(programs.length + 5, programs.length + 2)
  }

  async run (start: FileSystem): Promise<Exploration> {
    const { crashes, stalls, tears, preemptions = UNLIMITED, refusals = 0 } = this.bounds
    const first = [this.#intern(start)]
    for (const runner of this.#runners) first.push((await runner.start()).id)
    this.#states.add([...first, pack({ crashes, stalls, tears, preemptions, refusals, last: null }), -1, 0, 0])
    for (let at = 0; at < this.#states.count; at++) {
      if (at > GIVEN_UP) throw new Error('too many states')
      const state = this.#states.row(at).slice()
      const wrong = this.#wrong(state) ?? (this.#isOver(state) ? await this.#wrongAtEnd(state) : null)
      if (wrong !== null) return this.#report({ what: wrong, trace: this.#trace(at) })
      // Where no process has been yet the real code must go first; then it is the same again.
      for (let unknown = this.#expand(at, state); unknown !== null; unknown = this.#expand(at, state)) {
        const { process, point, answer } = unknown
        point.next.set(answer, await (this.#runners[process] as Runner).advance(point, this.#answers[answer] as Result))
      }
      if (this.#wrongStep !== null) return this.#report(this.#wrongStep)
    }
    return this.#report(null)
  }

  #report (fault: Exploration['fault']): Exploration {
    return { states: this.#states.count, steps: this.#steps, endings: this.#endings, fault }
  }

  /** Adds all that can come next; answers where it could not, for what follows was never run. */
  #expand (at: number, state: Int32Array): Unknown | null {
    const left = unpack(state[this.programs.length + 1] as number)
    const system = this.#systems[state[0] as number] as FileSystem
    const ready: number[] = []
    const waiting: number[] = []
    for (let process = 0; process < this.programs.length; process++) {
      const point = this.#point(state, process)
      if (point?.call == null) continue
      if (point.call.call === 'wait' && !this.#isWorthALook(point, system, process)) waiting.push(process)
      else if (!this.#isBlocked(system, process, point.call)) ready.push(process)
    }
    // Until here a process that never goes on is the same, dead or stalled. But on NTFS what it has open is in the way of others.
    for (const process of left.crashes === 0 ? [] : ready) {
      if (ready.length > 1 && (system.ntfs === null || !hasOpen(system, this.#name(process)))) continue
      this.#crash(at, state, process, { ...left, crashes: left.crashes - 1 })
    }
    let unknown: Unknown | null = null
    const interrupts = (process: number): boolean =>
      left.last !== null && left.last !== process && ready.includes(left.last)
    const next = (process: number): Left => left.preemptions === UNLIMITED
      ? left
      : { ...left, last: process, preemptions: left.preemptions - (interrupts(process) ? 1 : 0) }
    for (const process of ready) {
      if (next(process).preemptions < 0) continue
      unknown ??= this.#go(at, state, process, next(process), CALL)
      if (left.refusals > 0 && isRefusable((this.#point(state, process) as Point).call as Call)) {
        unknown ??= this.#go(at, state, process, { ...next(process), refusals: left.refusals - 1 }, REFUSAL)
      }
      if (left.tears > 0) this.#tear(at, state, process, { ...next(process), tears: left.tears - 1 })
    }
    // Time passes by itself when all processes wait. Otherwise one has stalled.
    const stalls = left.stalls - (ready.length > 0 ? 1 : 0)
    for (const process of waiting) {
      if (stalls < 0 || next(process).preemptions < 0) continue
      unknown ??= this.#go(at, state, process, { ...next(process), stalls }, PATIENCE)
    }
    return unknown
  }

  /** One call of a process, and those after it that concern no other process. */
  #go (at: number, state: Int32Array, process: number, left: Left, how: number): Unknown | null {
    const first = this.#point(state, process) as Point
    let point = first
    let system = state[0] as number
    do {
      this.#steps++
      const call = point.call as Call
      const { system: after, answer } = how === REFUSAL && point === first
        ? { system, answer: this.#answerId({ error: REFUSED }) }
        : this.#apply(system, process, point, call, state)
      const next = point.next.get(answer)
      if (next === undefined) return { process, point, answer }
      point = next
      system = after
    } while (point.call !== null && this.#isPrivate(system, process, point, point.call))
    this.#push(at, state, process, system, point.id, left, how)
    return null
  }

  #crash (at: number, state: Int32Array, process: number, left: Left): void {
    const system = this.#intern(kill(this.#systems[state[0] as number] as FileSystem, this.#name(process)))
    const { local } = this.#point(state, process) as Point
    this.#push(at, state, process, system, -1 - this.#answerId({ value: local.acknowledged }), left, CRASH)
  }

  #tear (at: number, state: Int32Array, process: number, left: Left): void {
    const { call } = this.#point(state, process) as Point
    if (call?.call !== 'write') return
    if (writerOf(this.#systems[state[0] as number] as FileSystem, this.#name(process), call.fd) !== null) return
    for (const taken of new Set([1, HEADER, call.bytes.length - 1])) {
      const torn = beginWrite(this.#systems[state[0] as number] as FileSystem, this.#name(process), call.fd, call.bytes, taken)
      this.#push(at, state, process, this.#intern(torn), state[process + 1] as number, left, taken)
    }
  }

  #push (at: number, state: Int32Array, process: number, system: number, point: number, left: Left, how: number): void {
    const { comesBack } = this.rules
    const what = comesBack === undefined || state[0] === system ? null : comesBack(this.#label(state[0] as number), this.#label(system))
    if (what !== null) {
      const call = describe(this.#point(state, process)?.call ?? null)
      this.#wrongStep ??= { what, trace: [...this.#trace(at), `${this.#name(process)}: ${call}`] }
    }
    const next = [...state]
    next[0] = system
    next[process + 1] = point
    next[this.programs.length + 1] = pack(left)
    next[this.programs.length + 2] = at
    next[this.programs.length + 3] = process
    next[this.programs.length + 4] = how
    this.#states.add(next)
  }

  #label (system: number): string {
    let label = this.#labels[system]
    if (label === undefined) {
      label = this.rules.label?.(this.#systems[system] as FileSystem) ?? ''
      this.#labels[system] = label
    }
    return label
  }

  /** Waiting is over when the call that was refused, or what was seen of the lock, has another answer. */
  #isWorthALook (point: Point, system: FileSystem, process: number): boolean {
    const history = point.history()
    const since = history.slice(history.findLastIndex(({ call }) => call.call === 'wait') + 1)
    const look = since.findLast(({ result }) => 'error' in result && result.error === REFUSED) ?? history.findLast(({ call }) =>
      (call.call === 'readdir' || call.call === 'lstat') && call.path.endsWith('.lock'))
    if (look === undefined) return true
    const { result } = apply(system, this.#name(process), look.call)
    return JSON.stringify(result) !== JSON.stringify(look.result)
  }

  #isBlocked (system: FileSystem, process: number, call: Call): boolean {
    if (call.call !== 'write') return false
    const writer = writerOf(system, this.#name(process), call.fd)
    return writer !== null && writer !== this.#name(process)
  }

  #apply (system: number, process: number, point: Point, call: Call, state: Int32Array): { system: number, answer: number } {
    if (call.call === 'acknowledged') return { system, answer: this.#answerId({ value: this.#acknowledged(state) }) }
    const key = this.#keyOf(system, process, point, call)
    let applied = this.#applied.get(key)
    if (applied === undefined) {
      const before = this.#systems[system] as FileSystem
      const { after, result } = apply(before, this.#name(process), call)
      applied = { system: after === before ? system : this.#intern(after), answer: this.#answerId(result) }
      this.#applied.set(key, applied)
    }
    return applied
  }

  #isPrivate (system: number, process: number, point: Point, call: Call): boolean {
    const key = this.#keyOf(system, process, point, call)
    let answer = this.#private.get(key)
    if (answer === undefined) {
      answer = isPrivate(this.#systems[system] as FileSystem, this.#name(process), call)
      this.#private.set(key, answer)
    }
    return answer
  }

  /** One number for a call of a process on a filesystem. */
  #keyOf (system: number, process: number, point: Point, call: Call): number {
    if (point.callId === -1) {
      const key = `${process} ${JSON.stringify(call)}`
      point.callId = this.#callIds.get(key) ?? this.#callIds.size
      this.#callIds.set(key, point.callId)
    }
    return system * 2 ** 20 + point.callId
  }

  #wrong (state: Int32Array): string | null {
    for (let process = 0; process < this.programs.length; process++) {
      const failure = this.#point(state, process)?.failure
      if (failure != null) return `${this.#name(process)} failed: ${failure.stack ?? failure.message}`
    }
    const key = this.#momentKey(state)
    let wrong = this.#always.get(key)
    if (wrong === undefined) {
      wrong = this.rules.always(this.#moment(state))
      this.#always.set(key, wrong)
    }
    return wrong
  }

  #isOver (state: Int32Array): boolean {
    for (let process = 0; process < this.programs.length; process++) {
      if (this.#point(state, process)?.call != null) return false
    }
    return true
  }

  async #wrongAtEnd (state: Int32Array): Promise<string | null> {
    this.#endings++
    const key = this.#momentKey(state)
    if (!this.#finally.has(key)) this.#finally.set(key, await this.rules.finally(this.#moment(state)))
    return this.#finally.get(key) ?? null
  }

  #momentKey (state: Int32Array): string {
    let key = `${state[0] as number} `
    for (let process = 0; process < this.programs.length; process++) {
      const point = this.#point(state, process)
      key += this.#acknowledgedBy(state, process) + (point === null ? 'D' : point.local.ended ? 'E' : '-')
    }
    return key
  }

  #moment (state: Int32Array): Moment {
    return {
      system: this.#systems[state[0] as number] as FileSystem,
      acknowledged: this.#acknowledged(state),
      processes: this.programs.map(({ name }, process) => {
        const point = this.#point(state, process)
        const acknowledged = this.#acknowledgedBy(state, process)
        return { name, ended: point?.local.ended === true, dead: point === null, acknowledged }
      })
    }
  }

  #acknowledged (state: Int32Array): string {
    let letters = ''
    for (let process = 0; process < this.programs.length; process++) letters += this.#acknowledgedBy(state, process)
    return letters
  }

  #acknowledgedBy (state: Int32Array, process: number): string {
    const id = state[process + 1] as number
    return id < 0 ? (this.#answers[-1 - id] as { value: string }).value : this.#point(state, process)?.local.acknowledged ?? ''
  }

  /** The way to a state, a line for each call. */
  #trace (at: number): string[] {
    const trace: string[] = []
    for (let state = this.#states.row(at); ; state = this.#states.row(at)) {
      const [from, process, how] = state.subarray(this.programs.length + 2) as unknown as [number, number, number]
      if (from < 0) return trace.reverse()
      const call = this.#point(this.#states.row(from), process)?.call
      const done = how === CALL ? '' : how === PATIENCE ? ' (out of patience)' : how === CRASH ? ' - dies before this' : how === REFUSAL ? ' - refused' : ` - only ${how} bytes so far`
      trace.push(`${this.#name(process)}: ${describe(call ?? null)}${done}`)
      at = from
    }
  }

  #point (state: Int32Array, process: number): Point | null {
    const id = state[process + 1] as number
    return id < 0 ? null : (this.#runners[process] as Runner).points[id] as Point
  }

  #name (process: number): string {
    return (this.programs[process] as Program).name
  }

  #intern (system: FileSystem): number {
    const key = keyOf(system)
    let id = this.#systemIds.get(key)
    if (id === undefined) {
      id = this.#systems.push(system) - 1
      this.#systemIds.set(key, id)
    }
    return id
  }

  #answerId (result: Result): number {
    const key = JSON.stringify(result)
    let id = this.#answerIds.get(key)
    if (id === undefined) {
      id = this.#answers.push(result) - 1
      this.#answerIds.set(key, id)
    }
    return id
  }
}

function describe (call: Call | null): string {
  const shown = Object.entries(call ?? {}).filter(([name]) => name !== 'call').map(([name, value]) =>
    name === 'bytes' ? `${String(value).length} bytes` : String(value))
  return `${call?.call ?? 'nothing'}(${shown.join(', ')})`
}

/** Whether no other process can notice the call, nor the call notice another process. */
function isPrivate (system: FileSystem, process: string, call: Call): boolean {
  switch (call.call) {
    case 'close':
    case 'read':
    case 'fsync':
    case 'fdatasync':
      return true
    case 'write':
    case 'fstat': {
      const ino = inodeAt(system, process, call.fd)
      return ino === undefined || isOwn(system, process, ino)
    }
    case 'open':
    case 'link':
    case 'readdir':
    case 'rename':
      return isHidden(call.path, process)
    case 'mkdir':
    case 'rmdir':
      return isHidden(call.path, process) || call.path.includes('.tmp')
    case 'lstat':
    case 'unlink': {
      const ino = system.names.get(call.path)
      return isHidden(call.path, process) || (call.path.includes('.tmp') && (ino === undefined || isOwn(system, process, ino)))
    }
    default:
      return false
  }
}

/** Whether the path is that of a session whose id this process alone knows. */
function isHidden (path: string, process: string): boolean {
  return path.startsWith(hiddenPath(process))
}

/** Returns how the paths of sessions begin whose ids this process alone knows. */
export function hiddenPath (process: string): string {
  return `/t${process}`
}

/** Whether no other process can find the file, nor has it open. */
function isOwn (system: FileSystem, process: string, ino: number): boolean {
  const names = namesOf(system, ino)
  return names.length > 0 && !isOpenElsewhere(system, process, ino) &&
    names.every(name => name.includes('.tmp') || isHidden(name, process))
}

/** Whether another program can be in the way of the call. */
function isRefusable ({ call }: Call): boolean {
  return ['open', 'lstat', 'unlink', 'link', 'rename', 'mkdir', 'rmdir', 'readdir'].includes(call)
}

function pack ({ crashes, stalls, tears, preemptions, refusals, last }: Left): number {
  return refusals << 20 | crashes | stalls << 4 | tears << 8 | preemptions << 12 | (last === null ? 15 : last) << 16
}

function unpack (packed: number): Left {
  const part = (shift: number): number => packed >> shift & 15
  return { crashes: part(0), stalls: part(4), tears: part(8), preemptions: part(12), refusals: part(20), last: part(16) === 15 ? null : part(16) }
}
