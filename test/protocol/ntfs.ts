import type { Bounds, Rules } from './explorer'
import type { FileSystem, Ntfs } from './file-system'
import type { Program } from './process'
import { everyStart } from './report'
import { LIMITS, rules, starts } from './scenario'
import { onWindows } from './windows-process'

type Starts = Record<string, () => FileSystem>

/** Files are gone when they are unlinked (libuv 1.49 and later), or when they are closed. */
export const AT_ONCE: Ntfs = { deletion: 'at once', linksWithoutName: 0 }
export const PENDING: Ntfs = { deletion: 'pending', linksWithoutName: 0 }
/** By the descriptor a file that is gone has a name. */
export const NAME_STAYS: Ntfs = { deletion: 'at once', linksWithoutName: 1 }

/** The same states on another volume. */
export function onVolume (ntfs: Ntfs, from: Starts = starts): Starts {
  return Object.fromEntries(Object.entries(from).map(([name, make]) => [name, () => {
    const system = make()
    const files = [...system.inodes.values()].filter(({ directory }) => !directory).length
    return { ...system, ntfs, made: files }
  }]))
}

/** All of the programs as on Windows. */
export function allOnWindows (programs: Program[]): Program[] {
  return programs.map(program => onWindows(program, LIMITS))
}

/** Runs the programs as on Windows, from every state that the session may be in. */
export function everyNtfsStart (
  name: string, programs: () => Program[], bounds: Bounds,
  { ntfs = AT_ONCE, rulesOf = rules, from = starts, deadLock = 1 }: { ntfs?: Ntfs, rulesOf?: (programs: Program[]) => Rules, from?: Starts, deadLock?: number } = {}
): void {
  everyStart(name, () => allOnWindows(programs()), bounds, { rulesOf, from: onVolume(ntfs, from), deadLock })
}

/** Beside the other rules: while all processes go on, and nothing else is in their way, no request fails. */
export function servedRules (updates: string): (programs: Program[]) => Rules {
  return programs => {
    const { always, finally: atEnd } = rules(programs)
    return {
      always,
      async finally (moment) {
        const refused = [...updates].filter(update => !moment.acknowledged.includes(update))
        return refused.length > 0 ? `the update ${refused.join(', ')} was refused` : await atEnd(moment)
      }
    }
  }
}
