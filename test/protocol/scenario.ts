import { constants } from 'node:fs'
import { hasCode, SessionFileError } from '../../lib/errors'
import { encodeRecord, fold, NO_RECORD } from '../../lib/store/files/journal'
import type { FileView } from '../../lib/store/files/file-view'
import type { FileLimits } from '../../lib/store/files/seen-file'
import { SessionFile } from '../../lib/store/files/session-file'
import { apply, EMPTY, fileBytes, kill, ROOT, type Call, type FileSystem } from './file-system'
import type { Moment, Rules } from './explorer'
import { NOW, Runner, type Local, type ModelDisk, type Program } from './process'
import { onWindows } from './windows-process'

export const PATH = '/s'
/** Two records fit, the third is a seal. A stalled holder is noticed at the second look. */
export const LIMITS: FileLimits = { size: 60, fewestRecords: 1, stale: 5, patience: 5 }
/** Every record but seals is a patch, and another one fits. */
export const patching: FileLimits = { ...LIMITS, size: 110, patchFrom: 0 }

export type FileMaker = (disk: ModelDisk, known: FileView | null, limits: FileLimits) => SessionFile
export const realFile: FileMaker = (disk, known, limits) => new SessionFile(PATH, disk, false, { limits, known })

/** With `durability: 'fsync'`: what others wrote is written again, at its place, before it is synced. */
export const durableFile: FileMaker = (disk, known, limits) => new SessionFile(PATH, disk, true, { limits, known })

/** No process needs more tries than others can win, and a seal in between. */
const MOST_TURNS = 24

interface WriterLocal extends Local {
  /** What it has still to do, a letter each. */
  updates: string
  view: FileView | null
}

/**
 * The session's text counts how often each update was applied, a digit for each: an update is there
 * once, was lost, or was applied twice. The last one is kept for the process that comes at the end.
 */
/** What a file says that holds no record. */
export const UNREADABLE = 'nothing that can be read'
const UPDATES = 'abcdefz'
export const NOTHING = '0'.repeat(UPDATES.length)

/** Reads the session, applies an update, stores it; again if another was first: as the store does. */
export function writer (name: string, updates: string, make: FileMaker = realFile, limits = LIMITS): Program<WriterLocal> {
  return {
    name,
    start: { turn: 0, ended: false, acknowledged: '', updates, view: null },
    async step (disk, local) {
      const turn = local.turn + 1
      if (turn > MOST_TURNS) throw new Error('never gets done')
      const file = make(disk, local.view, limits)
      const view = await unlessRefused(file.read())
      if (view === null || view.tip?.ended === true) return { ...local, turn, ended: true, view: null }
      if (view.tip === null) throw new Error('read a file without a record')
      checkText(view.tip.text, local.acknowledged)
      if (view.tip.seal) {
        // When it is refused, the request fails, and has stored nothing.
        const isDone = await unlessRefused(file.rewrite().then(() => true))
        return isDone === null ? { ...local, turn, ended: true, view: null } : { ...local, turn, view: remembered(file) }
      }
      const update = local.updates.charAt(0)
      const record = { ...view.tip, id: `${name}${turn}`.padEnd(8), text: applied(view.tip.text, update), seal: false }
      const outcome = await unlessRefused(file.append(record, view.tip.id))
      if (outcome === null || outcome === 'gone') return { ...local, turn, ended: true, view: null }
      if (outcome === 'conflict') return { ...local, turn, view: remembered(file) }
      const rest = local.updates.slice(1)
      return { turn, ended: rest === '', acknowledged: local.acknowledged + update, updates: rest, view: rest === '' ? null : remembered(file) }
    }
  }
}

/**
 * Whether a request fails because other processes took the lock from it each time, or on Windows because
 * they had the file open for longer than it waits. Nothing is stored then.
 */
export function isRefusal (error: unknown): boolean {
  return hasCode(error, 'EPERM') || (error instanceof SessionFileError && /again and again|EPERM/.test(error.message))
}

/** Returns null for a request that fails so. */
async function unlessRefused<T> (work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}

/** What the next step knows of the file. When it was seen makes no difference here, and would be another time in each run. */
function remembered ({ view }: SessionFile): FileView | null {
  return view === null ? null : { ...view, seenAt: 0 }
}

/** Removes the session. */
export function destroyer (make: FileMaker = realFile): Program {
  return {
    name: 'D',
    start: { turn: 0, ended: false, acknowledged: '' },
    async step (disk, local) {
      const isDone = await unlessRefused(make(disk, null, LIMITS).remove().then(() => true))
      return { ...local, ended: true, acknowledged: isDone === null ? NOT_DONE : '' }
    }
  }
}

/** Reads twice, the second time with what it knows from the first. */
export function reader (): Program<Local & { view: FileView | null }> {
  return {
    name: 'R',
    start: { turn: 0, ended: false, acknowledged: '', view: null },
    async step (disk, local) {
      const before = await disk.acknowledged()
      const file = realFile(disk, local.view, LIMITS)
      const view = await unlessRefused(file.read())
      if (view !== null && view.tip === null) throw new Error('read a file without a record')
      if (view?.tip != null && !view.tip.ended) checkText(view.tip.text, before)
      return { ...local, turn: local.turn + 1, ended: local.turn === 1, view: local.turn === 1 ? null : remembered(file) }
    }
  }
}

/** Acknowledged by a destroyer that failed. */
const NOT_DONE = '?'

export const DEAD_LOCK = 'a sealed file with the lock of a dead process'

/** How the session stands before any process comes. */
export const starts: Record<string, () => FileSystem> = {
  'a plain file': () => journal([record('1', NO_RECORD)]),
  'a file about to be sealed': () => journal([record('1', NO_RECORD), record('2', pad('1'))]),
  'a sealed file without a lock': () => journal([record('1', NO_RECORD), record('2', pad('1'), true)]),
  [DEAD_LOCK]: () => withLock(journal([record('1', NO_RECORD), record('2', pad('1'), true)])),
  'a file with a torn tail': () => journal([record('1', NO_RECORD), record('2', pad('1')).subarray(0, 43)])
}

/** The id of the last record of a session that is over. */
export const EARLIER = pad('2')

/** How a session stands that is over: the name is free to be used again. */
export const overStarts: Record<string, () => FileSystem> = {
  'no file': () => EMPTY,
  'a file with a tombstone': () => journal([record('1', NO_RECORD), encodeRecord({ ...ENDING, id: EARLIER }, pad('1'))]),
  'an expired session': () => journal([old('1', NO_RECORD), old('2', pad('1'))]),
  'an expired session in a sealed file': () => journal([old('1', NO_RECORD), old('2', pad('1'), true)])
}

const ENDING = { text: '', idleTimeout: 0, createdAt: 0, seal: false, ended: true, patches: 0 }

/** A record of a session that was made in 1970. */
function old (id: string, previous: string, seal = false): Buffer {
  return encodeRecord({ id: pad(id), text: NOTHING, idleTimeout: 0, createdAt: 0, seal, ended: false, patches: 0 }, previous)
}

/** The clock has not moved since the file was made: whatever is made next has the same birth time. */
export function coarse (): FileSystem {
  return perform(EMPTY, fileOf([record('1', NO_RECORD)]))
}

export function rules (programs: Program[]): Rules {
  const destroys = programs.some(({ name }) => name === 'D')
  const isDestroyed = (processes: Moment['processes']): boolean =>
    processes.some(({ name, ended, acknowledged }) => name === 'D' && ended && acknowledged !== NOT_DONE)
  return { always, finally: atEnd }

  function always ({ system, acknowledged, processes }: Moment): string | null {
    const text = liveText(system, PATH)
    const destroyed = isDestroyed(processes)
    if (text === null) return destroys ? null : 'the session is gone though no process destroyed it'
    if (destroyed) return 'the session is there again after it was destroyed'
    return faultOf(text, acknowledged)
  }

  async function atEnd ({ system, acknowledged, processes }: Moment): Promise<string | null> {
    const destroyed = isDestroyed(processes)
    // One more, who seals whatever it meets, so that it needs the lock.
    const after = await alone(writer('Z', 'z', realFile, { ...LIMITS, size: 0 }), allGone(system, processes))
    const text = liveText(after, PATH)
    if (text !== null && destroyed) return 'the last writer brought the session back'
    if (text !== null) {
      const fault = faultOf(text, `${acknowledged}z`)
      if (fault !== null) return `after one more writer ${fault}`
      if (after.names.has(`${PATH}.lock`)) return 'a lock is left that no process takes away'
    }
    // A process that is killed leaves its staging directory; the others leave nothing.
    const dead = ['dead', ...processes.filter(process => process.dead).map(({ name }) => name)]
    const left = [...after.names.keys()].filter(name => name !== PATH && name !== ROOT && name !== `${PATH}.lock`)
    const unexplained = left.filter(name => !dead.some(one => name.includes(`.${one}`) || name.includes(`/${one}`)))
    if (unexplained.length > 0) return `${unexplained.join(', ')} is left`
    const lockIsLeft = after.names.has(`${PATH}.lock`)
    return lockIsLeft && dead.length === 1 && !left.includes(`${PATH}.lock/dead`) ? 'a lock is left though no process died' : null
  }
}

/** Processes that have come to their end exit: what they have open is in no other's way any more. */
export function allGone (system: FileSystem, processes: Moment['processes']): FileSystem {
  return system.ntfs === null ? system : processes.reduce((system, { name }) => kill(system, name), system)
}

/** Runs one program by itself, with all the time that it needs. */
export async function alone (program: Program, system: FileSystem): Promise<FileSystem> {
  const runner = new Runner(system.ntfs === null ? program : onWindows(program, LIMITS))
  let point = await runner.start()
  for (let calls = 0; point.call !== null; calls++) {
    if (calls > 400) throw new Error(`${program.name}, all alone, never gets done`)
    const { after, result } = apply(system, program.name, point.call)
    system = after
    point = await runner.advance(point, result)
  }
  if (point.failure !== null) throw point.failure
  return system
}

/** The text of the session at a path; null when there is none, or when it has ended. */
export function liveText (system: FileSystem, path: string): string | null {
  const bytes = fileBytes(system, path)
  if (bytes === null) return null
  const { tip } = fold(bytes)
  if (tip === null) return UNREADABLE
  return tip.ended ? null : tip.text
}

export function checkText (text: string, acknowledged: string): void {
  const fault = faultOf(text, acknowledged)
  if (fault !== null) throw new Error(`read that ${fault}`)
}

export function faultOf (text: string, acknowledged: string): string | null {
  if (!/^\d{7}$/.test(text)) return `the session is ${text}`
  for (const [index, update] of [...UPDATES].entries()) {
    if (Number(text[index]) > 1) return `update ${update} was applied twice`
    if (text[index] === '0' && acknowledged.includes(update)) return `the acknowledged update ${update} is lost`
  }
  return null
}

export function applied (text: string, update: string): string {
  const index = UPDATES.indexOf(update)
  return text.slice(0, index) + String(Number(text[index]) + 1) + text.slice(index + 1)
}

function pad (id: string): string {
  return id.padEnd(8)
}

function record (id: string, previous: string, seal = false): Buffer {
  return encodeRecord({ id: pad(id), text: NOTHING, idleTimeout: 0, createdAt: NOW, seal, ended: false, patches: 0 }, previous)
}

function journal (records: Buffer[]): FileSystem {
  return perform(EMPTY, [...fileOf(records), { call: 'wait' }])
}

function fileOf (records: Buffer[]): Call[] {
  return [
    { call: 'open', path: PATH, flags: constants.O_CREAT | constants.O_WRONLY },
    { call: 'write', fd: 3, bytes: Buffer.concat(records).toString('latin1') },
    { call: 'close', fd: 3 }
  ]
}

function withLock (system: FileSystem): FileSystem {
  return perform(system, [
    { call: 'mkdir', path: `${PATH}.lock` },
    { call: 'open', path: `${PATH}.lock/dead`, flags: constants.O_CREAT | constants.O_WRONLY },
    { call: 'write', fd: 3, bytes: record('2', NO_RECORD).toString('latin1') },
    { call: 'close', fd: 3 }
  ])
}

function perform (system: FileSystem, calls: Call[]): FileSystem {
  return calls.reduce((before, call) => apply(before, 'start', call).after, system)
}
