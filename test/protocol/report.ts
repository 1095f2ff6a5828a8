import t, { type Test } from 'tap'
import { explore, type Bounds, type Exploration } from './explorer'
import type { FileSystem } from './file-system'
import type { Program } from './process'
import { rules, starts } from './scenario'

/** Runs the programs from every state that the session may be in. */
export function everyStart (name: string, programs: () => Program[], bounds: Bounds): void {
  t.test(name, async t => {
    for (const [from, make] of Object.entries(starts)) report(t, from, await run(programs(), make(), bounds))
  })
}

export async function run (programs: Program[], system: FileSystem, bounds: Bounds): Promise<Exploration> {
  return await explore(programs, system, bounds, rules(programs))
}

export function report (t: Test, from: string, { states, steps, endings, fault }: Exploration): void {
  t.comment(`from ${from}: ${states} states, ${steps} steps, ${endings} endings`)
  t.ok(endings > 0, 'somebody gets to the end')
  t.equal(fault === null ? '' : [fault.what, ...fault.trace].join('\n'), '', `nothing is wrong from ${from}`)
}
