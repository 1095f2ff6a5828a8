import t from 'tap'
import { CutOff, RenamedOver } from './as-designed'
import type { FileSystem } from './file-system'
import type { Program } from './process'
import { run } from './report'
import { destroyer, patching, starts, writer, type FileMaker } from './scenario'
import { AppliesEveryPatch } from './simpler-patches'

const renamedOver: FileMaker = (disk, known, limits) => new RenamedOver(disk, known, limits)
const cutOff: FileMaker = (disk, known, limits) => new CutOff(disk, known, limits)
const two = (make: FileMaker): Program[] => [writer('A', 'a', make), writer('B', 'b', make)]
const sealed = starts['a sealed file without a lock'] as () => FileSystem
const torn = starts['a file with a torn tail'] as () => FileSystem
const patient = { crashes: 0, stalls: 0, tears: 0 }
const stalled = { ...patient, stalls: 1 }

t.test('a temporary file renamed over: a stalled holder loses an update', async t => {
  const { fault } = await run(two(renamedOver), sealed(), stalled)
  t.match(fault?.what, /acknowledged update . is lost/)
  t.comment(fault?.trace.join('\n'))
})

t.test('a temporary file renamed over: a slow holder brings a session back', async t => {
  const { fault } = await run([writer('A', 'a', renamedOver), destroyer(renamedOver)], sealed(), patient)
  t.match(fault?.what, 'the session is there again after it was destroyed')
  t.comment(fault?.trace.join('\n'))
})

t.test('a torn tail cut off under the lock: a stalled holder loses an update', async t => {
  const { fault } = await run(two(cutOff), torn(), stalled)
  t.match(fault?.what, /acknowledged update . is lost/)
  t.comment(fault?.trace.join('\n'))
})

t.test('a patch applied to another text than the one that it was made of: an update is applied twice', async t => {
  const plain = starts['a plain file'] as () => FileSystem
  const everyPatch: FileMaker = (disk, known, limits) => new AppliesEveryPatch(disk, known, limits)
  const { fault } = await run([writer('A', 'a', everyPatch, patching), writer('B', 'b', everyPatch, patching)], plain(), patient)
  t.match(fault?.what, /update . was applied twice/)
  t.comment(fault?.trace.join('\n'))
})
