import t from 'tap'
import type { FileSystem } from './file-system'
import { AT_ONCE, everyNtfsStart, NAME_STAYS, onVolume, PENDING, servedRules } from './ntfs'
import type { Program } from './process'
import { run } from './report'
import { destroyer, LIMITS, PATH, reader, starts, writer } from './scenario'
import { scanner, unlinkingFirst } from './windows-process'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]
const SEALED = 'a sealed file without a lock'
const patient = { crashes: 0, stalls: 0, tears: 0 }

// More interruptions, and three writers, are for `npm run protocol`.
everyNtfsStart('two writers: in every order with two interruptions no request fails', twoWriters,
  { ...patient, preemptions: 2 }, { rulesOf: servedRules('ab'), deadLock: 2 })

everyNtfsStart('two writers where deletion is pending, a crash, a stall and a torn write: every order with one interruption', twoWriters,
  { crashes: 1, stalls: 1, tears: 1, preemptions: 1 }, { ntfs: PENDING })

everyNtfsStart('two writers and a reader: every order with one interruption', () => [...twoWriters(), reader()], { ...patient, preemptions: 1 })

everyNtfsStart('two writers, a call that is refused: every order with one interruption', twoWriters, { ...patient, refusals: 1, preemptions: 1 })

for (const ntfs of [PENDING, NAME_STAYS]) {
  everyNtfsStart(`a writer and a destroyer, a crash and a stall: every order with one interruption (${JSON.stringify(ntfs)})`,
    () => [writer('A', 'a'), destroyer()], { crashes: 1, stalls: 1, tears: 0, preemptions: 1 }, { ntfs })
}

// Here two processes would take the lock from each other for ever, if they tried as often as that.
everyNtfsStart('two writers, and another program that never closes the file: every order with one interruption',
  () => [...twoWriters(), scanner(PATH, false)], { ...patient, stalls: 2, preemptions: 1 }, { from: { [SEALED]: starts[SEALED] as () => FileSystem } })

t.test('a file that is unlinked before another is renamed to its place ends the session', async t => {
  for (const ntfs of [AT_ONCE, PENDING]) {
    for (const [start, make] of Object.entries(onVolume(ntfs))) {
      const { states, fault } = await run(twoWriters().map(program => unlinkingFirst(program, LIMITS)), make(), { ...patient, preemptions: 2 })
      t.match(fault?.what, 'the session is gone though nobody destroyed it', `found in ${states} states from ${start}`)
    }
  }
})

t.test('by the calls as they are, requests fail', async t => {
  const sealed = onVolume(AT_ONCE)[SEALED] as () => FileSystem
  const { fault } = await run(twoWriters(), sealed(), { ...patient, preemptions: 2 }, servedRules('ab'))
  t.match(fault?.what, /^the update .* was refused$/)
  t.comment(fault?.trace.join('\n'))
})
