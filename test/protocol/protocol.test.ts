import t, { type Test } from 'tap'
import { CutOff, RenamedOver } from './as-designed'
import { explore, type Bounds, type Exploration } from './explorer'
import type { FileSystem } from './file-system'
import type { Program } from './process'
import { coarse, destroyer, LIMITS, reader, realFile, rules, starts, writer, type FileMaker } from './scenario'

t.setTimeout(600_000)

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]
const threeWriters = (): Program[] => [...twoWriters(), writer('C', 'c')]

everyStart('two writers, a crash, a stall and a torn write anywhere: every order', twoWriters,
  { crashes: 1, stalls: 1, tears: 1 })

everyStart('two writers and a reader: every order', () => [...twoWriters(), reader()],
  { crashes: 0, stalls: 0, tears: 0 })

everyStart('a writer and a destroyer, a crash, a stall and a torn write anywhere: every order', () => [writer('A', 'a'), destroyer()],
  { crashes: 1, stalls: 1, tears: 1 })

everyStart('two writers and a destroyer, a crash and a stall: every order with three interruptions', () => [...twoWriters(), destroyer()],
  { crashes: 1, stalls: 1, tears: 0, preemptions: 3 })

everyStart('three writers and a destroyer, a crash, a stall and a torn write: every order with two interruptions',
  () => [...threeWriters(), destroyer()], { crashes: 1, stalls: 1, tears: 1, preemptions: 2 })

t.test('a clock so coarse that files are born at the same time: every order', async t => {
  const everyRecordSeals = { ...LIMITS, size: 0 }
  const programs = [writer('A', 'a', realFile, everyRecordSeals), writer('B', 'bc', realFile, everyRecordSeals)]
  report(t, 'a coarse clock', await run(programs, coarse(), { crashes: 0, stalls: 0, tears: 0 }))
})

t.test('the first design is found wrong', async t => {
  const renamedOver: FileMaker = (disk, known, limits) => new RenamedOver(disk, known, limits)
  const cutOff: FileMaker = (disk, known, limits) => new CutOff(disk, known, limits)
  const stalled = { crashes: 0, stalls: 1, tears: 0 }
  const sealed = start('a sealed file without a lock')
  const torn = start('a file with a torn tail')
  const two = (make: FileMaker): Program[] => [writer('A', 'a', make), writer('B', 'b', make)]

  const lost = await run(two(renamedOver), sealed(), stalled)
  t.match(lost.fault?.what, /acknowledged update . is lost/, 'rule 5: a stalled holder renames an old file over')
  t.comment(['rule 5', ...lost.fault?.trace ?? []].join('\n'))

  const back = await run([writer('A', 'a', renamedOver), destroyer(renamedOver)], sealed(), { ...stalled, stalls: 0 })
  t.match(back.fault?.what, 'the session is there again after it was destroyed', 'rule 5: a slow holder brings a session back')
  t.comment(['rule 5, destroyed', ...back.fault?.trace ?? []].join('\n'))

  const cut = await run(two(cutOff), torn(), stalled)
  t.match(cut.fault?.what, /acknowledged update . is lost/, 'rule 6: a stalled holder cuts off what came after its look')
  t.comment(['rule 6', ...cut.fault?.trace ?? []].join('\n'))
})

function everyStart (name: string, programs: () => Program[], bounds: Bounds): void {
  t.test(name, async t => {
    for (const [from, make] of Object.entries(starts)) report(t, from, await run(programs(), make(), bounds))
  })
}

async function run (programs: Program[], system: FileSystem, bounds: Bounds): Promise<Exploration> {
  return await explore(programs, system, bounds, rules(programs))
}

function report (t: Test, from: string, { states, steps, endings, fault }: Exploration): void {
  t.comment(`from ${from}: ${states} states, ${steps} steps, ${endings} endings`)
  t.ok(endings > 0, 'somebody gets to the end')
  t.equal(fault === null ? '' : [fault.what, ...fault.trace].join('\n'), '', `nothing is wrong from ${from}`)
}

function start (name: string): () => FileSystem {
  return starts[name] as () => FileSystem
}
