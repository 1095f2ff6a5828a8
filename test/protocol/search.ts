import type { Bounds, Rules } from './explorer'
import type { FileSystem, Ntfs } from './file-system'
import { everyNtfsStart } from './ntfs'
import type { Program } from './process'
import { everyStart } from './report'

/** How far a search goes. `deadLock`: the interruptions where a dead process has the lock. */
export interface Reach extends Bounds { deadLock?: number }

export type Tier = 'test' | 'long'

/** Processes that are run in every order, or in every one with a few interruptions: a short search for `npm test`, wider ones for `npm run test:long`. */
export interface Search {
  /** The processes, in words. */
  who: string
  programs: () => Program[]
  rulesOf?: (programs: Program[]) => Rules
  from?: Record<string, () => FileSystem>
  /** Where a search of `npm test` begins, if that is not everywhere. */
  testFrom?: Record<string, () => FileSystem>
  /** As on Windows, on these volumes. */
  ntfs?: Partial<Record<Tier, Ntfs[]>>
  test?: Reach[]
  long?: Reach[]
}

export const NO_TROUBLE = { crashes: 0, stalls: 0, tears: 0 }

/** Declares a test for each search of the tier. */
export function everySearch (searches: Search[], tier: Tier): void {
  for (const { who, programs, rulesOf, from, testFrom, ntfs, ...reaches } of searches) {
    for (const reach of reaches[tier] ?? []) {
      const { deadLock, ...bounds } = reach
      const wider = {
        ...rulesOf === undefined ? {} : { rulesOf },
        ...from === undefined ? {} : { from },
        ...tier === 'test' && testFrom !== undefined ? { from: testFrom } : {},
        ...deadLock === undefined ? {} : { deadLock }
      }
      if (ntfs === undefined) everyStart(nameOf(who, bounds), programs, bounds, wider)
      for (const volume of ntfs?.[tier] ?? []) {
        everyNtfsStart(nameOf(`${who} on ${JSON.stringify(volume)}`, bounds), programs, bounds, { ...wider, ntfs: volume })
      }
    }
  }
}

const NUMBERS = ['no interruption', 'one interruption', 'two interruptions', 'three interruptions', 'four interruptions']

function nameOf (who: string, { crashes, stalls, tears, refusals = 0, preemptions }: Bounds): string {
  const trouble = [[crashes, 'a crash'], [stalls, 'a stall'], [tears, 'a torn write'], [refusals, 'a refused call']] as const
  const allowed = trouble.filter(([count]) => count > 0).map(([count, what]) => count === 1 ? what : `${what} (${count} times)`)
  return `${[who, ...allowed].join(', ')}: every order${preemptions === undefined ? '' : ` with ${NUMBERS[preemptions] ?? ''}`}`
}
