import t, { type Test } from 'tap'
import type { FileView } from '../../lib/store/files/file-view'
import { creator, regenerator, remover, sweeper } from './ending-actors'
import { endingRules, makingRules } from './ending-rules'
import type { Bounds, Exploration, Rules } from './explorer'
import type { FileSystem } from './file-system'
import type { StoreMaker } from './model-store'
import type { Program } from './process'
import { run } from './report'
import { overStarts, starts, writer } from './scenario'
import { EndsAnyVersion, FreesByPath, LooksThenUnlinks, WritesInPlace } from './simpler-endings'

const endsAnyVersion: StoreMaker = (disk, process) => new EndsAnyVersion(disk, process)
const looksThenUnlinks: StoreMaker = (disk, process) => new LooksThenUnlinks(disk, process)
const writesInPlace: StoreMaker = (disk, process) => new WritesInPlace(disk, process)
const freesByPath: StoreMaker = (disk, process) => new FreesByPath(disk, process)
const plain = starts['a plain file'] as () => FileSystem
const free = overStarts['no file'] as () => FileSystem
const ended = overStarts['a file with a tombstone'] as () => FileSystem
const patient: Bounds = { crashes: 0, stalls: 0, tears: 0 }

function shows (t: Test, { fault }: Exploration, what: RegExp): void {
  t.match(fault?.what, what)
  t.comment(fault?.trace.join('\n'))
}

t.test('a move that ends the old session at any version loses an update', async t => {
  shows(t, await run([regenerator('P', endsAnyVersion), writer('A', 'a')], plain(), patient, endingRules), /update a is lost/)
})

t.test('a removal without a tombstone loses an update, and wins beside a move that has won', async t => {
  shows(t, await run([regenerator('P', looksThenUnlinks), writer('A', 'a')], plain(), patient, endingRules), /update a is lost/)
  shows(t, await run([regenerator('P', looksThenUnlinks), regenerator('Q')], plain(), patient, endingRules), /two processes were told that they ended the session/)
})

t.test('a removal without a tombstone does not last, if another file is about to take the place of a sealed one', async t => {
  const sealed = starts['a sealed file without a lock'] as () => FileSystem
  shows(t, await run([remover('E', looksThenUnlinks), writer('A', 'a')], sealed(), patient, endingRules),
    /the session is there again after it had ended/)
})

t.test('a session that is made in place is seen before it has a record', async t => {
  shows(t, await run([creator('C', 'a', writesInPlace), creator('D', 'b')], free(), patient, makingRules), /file without a record/)
})

t.test('a session that is made in place is gone when its maker was slow and the file, empty for long, is removed by its path', async t => {
  const isEmpty = ({ tip }: FileView): boolean => tip === null
  const rulesOf = (programs: Program[]): Rules => makingRules(programs, true)
  shows(t, await run([creator('C', 'a', writesInPlace), sweeper('S', isEmpty)], free(), patient, rulesOf), /the session that C made is gone/)
})

t.test('a name that is freed by its path costs another process its session', async t => {
  shows(t, await run([creator('C', 'a', freesByPath), creator('D', 'b')], ended(), patient, makingRules),
    /the session that . made is gone|two processes were told/)
})

t.test('the limit of rule 5: a process that is stopped twice while two others make a session under one id', async t => {
  const three = [creator('C', 'a'), creator('D', 'b'), sweeper('S')]
  shows(t, await run(three, ended(), { ...patient, preemptions: 2 }, makingRules), /two processes were told that they made the session/)
})
