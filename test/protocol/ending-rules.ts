import { fold } from '../../lib/store/files/journal'
import { creator, ENDED, MADE, REFUSED } from './ending-actors'
import { hiddenPath, type Moment, type Rules } from './explorer'
import { fileBytes, ROOT, type FileSystem } from './file-system'
import type { Program } from './process'
import { alone, faultOf, LIMITS, liveText, PATH, realFile, UNREADABLE, writer } from './scenario'

const ENDS = new Set(['remover', 'destroyer', 'regenerator'])

type Process = Moment['processes'][number]

/** What must be so while a session is updated, moved and ended. No process makes one under its id. */
export function endingRules (programs: Program[]): Rules {
  const roles = new Map(programs.map(({ name, role }) => [name, role ?? 'writer']))
  const isMover = ({ name }: Process): boolean => roles.get(name) === 'regenerator'
  const isEnder = ({ name }: Process): boolean => ENDS.has(roles.get(name) as string)
  const onlyMoves = [...roles.values()].every(role => role === 'regenerator' || !ENDS.has(role))
  return { always, finally: atEnd, label: standing, comesBack }

  function always (moment: Moment): string | null {
    const { system, acknowledged, processes } = moment
    const tellings = count(acknowledged, ENDED)
    if (tellings > 1) return 'two processes were told that they ended the session'
    const old = liveText(system, PATH)
    if (old === UNREADABLE) return 'a file without a record has the name of the session'
    if (old !== null) {
      if (tellings > 0) return 'the session is there after a process was told that it ended it'
      const early = processes.find(process => isEnder(process) && process.ended && !isRefused(process))
      if (early !== undefined) return `${early.name} was told that the session has ended, and it has not`
      const fault = faultOf(old, acknowledged)
      if (fault !== null) return fault
    } else if (onlyMoves) {
      const all = moved(system, '')
      if (all.length === 0) return 'the session is gone though no process destroyed it'
      const faults = all.map(text => faultOf(text, acknowledged))
      if (!faults.includes(null)) return `after the move ${faults.join(', ')}`
    }
    for (const process of processes.filter(isMover)) {
      const fault = faultOfMove(process, moment)
      if (fault !== null) return fault
    }
    return null
  }

  /** A winner has one new session, with all that was acknowledged; another process that goes on has none. */
  function faultOfMove (process: Process, { system, acknowledged }: Moment): string | null {
    if (!process.ended) return null
    const sessions = moved(system, process.name)
    if (!hasEnded(process)) return sessions.length > 0 ? `${process.name} did not move the session, and left a new one` : null
    if (sessions.length !== 1) return `${process.name} moved the session, and has ${sessions.length} new ones`
    const fault = faultOf(sessions[0] as string, acknowledged)
    return fault === null ? null : `after the move ${fault}`
  }

  async function atEnd ({ system, acknowledged, processes }: Moment): Promise<string | null> {
    const dead = processes.filter(process => process.dead)
    const isEnded = liveText(system, PATH) === null
    if (isEnded && !acknowledged.includes(ENDED) && !dead.some(isEnder)) return 'the session has ended, and no process was told that it ended it'
    const after = await alone(writer('Z', 'z', realFile, { ...LIMITS, size: 0 }), system)
    const text = liveText(after, PATH)
    if (isEnded && text !== null) return 'the last writer brought the session back'
    if (!isEnded) {
      const fault = faultOf(text ?? 'gone', `${acknowledged}z`)
      if (fault !== null) return `after one more writer ${fault}`
    }
    return leftOver(after, ['dead', ...dead.map(({ name }) => name)],
      processes.filter(process => isMover(process) && hasEnded(process)).map(({ name }) => name))
  }
}

/**
 * What must be so while sessions are made under one id. The one before, if any, is over or about to be.
 * `mayBeEmpty`: where it is no fault that a file without a record has the name.
 */
export function makingRules (programs: Program[], mayBeEmpty = false): Rules {
  const updates = new Map(programs.map(({ name, update }) => [name, update]))
  return { always, finally: atEnd }

  function always ({ system, processes }: Moment): string | null {
    if (!mayBeEmpty && liveText(system, PATH) === UNREADABLE) return 'a file without a record has the name of the session'
    const made = processes.filter(({ acknowledged }) => acknowledged.includes(MADE))
    if (made.length > 1) return 'two processes were told that they made the session'
    const [winner] = made
    if (winner === undefined) return null
    return isHeld(system, updates.get(winner.name) as string) ? null : `the session that ${winner.name} made is gone`
  }

  async function atEnd ({ system, acknowledged, processes }: Moment): Promise<string | null> {
    const dead = processes.filter(process => process.dead).map(({ name }) => name)
    if (acknowledged.includes(MADE)) {
      if (liveText(system, PATH) === null && dead.length === 0) return 'the session that was made is gone from its name'
    } else if (dead.length === 0 && programs.some(({ role }) => role === 'creator') && liveText(system, PATH) === null) {
      return 'the name is free, and no process made the session'
    }
    const isFree = liveText(system, PATH) === null || isExpired(system)
    const after = await alone(creator('Z', 'z'), system)
    if (isFree && liveText(after, PATH)?.endsWith('1') !== true) return 'the name stays taken'
    return leftOver(after, ['dead', ...dead], [])
  }
}

/** A session that was told to be made is at its name, or has been moved away for a look and goes back. */
function isHeld (system: FileSystem, update: string): boolean {
  for (const name of system.names.keys()) {
    if (name !== PATH && !/^\/s\.[^/]*\.tmp$/.test(name)) continue
    const text = liveText(system, name)
    if (text !== null && faultOf(text, update) === null) return true
  }
  return false
}

function isExpired (system: FileSystem): boolean {
  return fold(fileBytes(system, PATH) as Buffer).tip?.createdAt === 0
}

/** How the old session stands. */
function standing (system: FileSystem): string {
  return liveText(system, PATH) === null ? 'ended' : 'live'
}

function comesBack (before: string, after: string): string | null {
  return before === 'ended' && after === 'live' ? 'the session is there again after it had ended' : null
}

/** Processes that die leave their staging files and new sessions; no other process leaves anything but what it moved. */
function leftOver (system: FileSystem, dead: string[], movers: string[]): string | null {
  const unexplained = [...system.names.keys()].filter(name => name !== PATH && name !== ROOT && name !== `${PATH}.lock` &&
    !dead.some(one => name.includes(`.${one}`) || name.includes(`/${one}`) || name.startsWith(hiddenPath(one))) &&
    !movers.some(one => name.startsWith(hiddenPath(one)) && !name.includes('.tmp')))
  return unexplained.length > 0 ? `${unexplained.join(', ')} is left` : null
}

/** The texts of the sessions that a process, or any process, made under new ids. */
function moved (system: FileSystem, process: string): string[] {
  return [...system.names.keys()].filter(name => name.startsWith(hiddenPath(process)) && !/\.(tmp|lock)/.test(name))
    .map(name => liveText(system, name)).filter(text => text !== null)
}

function hasEnded ({ acknowledged }: Process): boolean {
  return acknowledged.includes(ENDED)
}

function isRefused ({ acknowledged }: Process): boolean {
  return acknowledged.includes(REFUSED)
}

function count (text: string, letter: string): number {
  return text.split(letter).length - 1
}
