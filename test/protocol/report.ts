import t, { type Test } from 'tap'
import { explore, type Bounds, type Exploration, type Rules } from './explorer'
import type { FileSystem } from './file-system'
import type { Program } from './process'
import { rules, starts } from './scenario'

type RulesOf = (programs: Program[]) => Rules

/** Runs the programs from every state that the session may be in. */
export function everyStart (
  name: string, programs: () => Program[], bounds: Bounds, rulesOf: RulesOf = rules, from: Record<string, () => FileSystem> = starts
): void {
  t.test(name, async t => {
    for (const [start, make] of Object.entries(from)) report(t, start, await run(programs(), make(), bounds, rulesOf))
  })
}

export async function run (
  programs: Program[], system: FileSystem, bounds: Bounds, rulesOf: RulesOf = rules
): Promise<Exploration> {
  return await explore(programs, system, bounds, rulesOf(programs))
}

export function report (t: Test, from: string, { states, steps, endings, fault }: Exploration): void {
  t.comment(`from ${from}: ${states} states, ${steps} steps, ${endings} endings`)
  t.ok(endings > 0, 'somebody gets to the end')
  t.equal(fault === null ? '' : [fault.what, ...fault.trace].join('\n'), '', `nothing is wrong from ${from}`)
}
