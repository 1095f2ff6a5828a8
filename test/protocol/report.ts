import t, { type Test } from 'tap'
import { explore, type Bounds, type Exploration, type Rules } from './explorer'
import type { FileSystem } from './file-system'
import type { Program } from './process'
import { DEAD_LOCK, rules, starts } from './scenario'

type RulesOf = (programs: Program[]) => Rules

interface Wider {
  /** What must be so. */
  rulesOf?: RulesOf
  /** How the session may stand before. */
  from?: Record<string, () => FileSystem>
  /** Interruptions where a dead process has the lock: from there two processes may take it from each other ten times over. */
  deadLock?: number
}

/** Runs the programs from every state that the session may be in. */
export function everyStart (
  name: string, programs: () => Program[], bounds: Bounds, { rulesOf = rules, from = starts, deadLock = 2 }: Wider = {}
): void {
  t.test(name, async t => {
    for (const [start, make] of Object.entries(from)) {
      const { preemptions = Infinity } = bounds
      const isBounded = start === DEAD_LOCK && deadLock < preemptions
      const here = isBounded ? { ...bounds, preemptions: deadLock } : bounds
      report(t, isBounded ? `${start}, ${deadLock} ${deadLock === 1 ? 'interruption' : 'interruptions'}` : start, await run(programs(), make(), here, rulesOf))
    }
  })
}

export async function run (
  programs: Program[], system: FileSystem, bounds: Bounds, rulesOf: RulesOf = rules
): Promise<Exploration> {
  return await explore(programs, system, bounds, rulesOf(programs))
}

export function report (t: Test, from: string, { states, steps, endings, fault }: Exploration): void {
  t.comment(`from ${from}: ${states} states, ${steps} steps, ${endings} endings`)
  t.ok(endings > 0, 'a process gets to the end')
  t.equal(fault === null ? '' : [fault.what, ...fault.trace].join('\n'), '', `nothing is wrong from ${from}`)
}
