import { everyNtfsStart, NAME_STAYS, PENDING } from '../ntfs'
import type { Program } from '../process'
import { destroyer, PATH, writer } from '../scenario'
import { scanner } from '../windows-process'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]

for (const ntfs of [PENDING, NAME_STAYS]) {
  const on = `on ${JSON.stringify(ntfs)}`

  everyNtfsStart(`two writers ${on}, a crash, a stall and a refused call: every order with one interruption`, twoWriters,
    { crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 }, { ntfs })

  everyNtfsStart(`a writer and a destroyer ${on}, a crash, a stall and a refused call: every order with one interruption`,
    () => [writer('A', 'ab'), destroyer()], { crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 }, { ntfs })
}

everyNtfsStart('two writers, and a program that never closes the file: every order with one interruption',
  () => [...twoWriters(), scanner(PATH, false)], { crashes: 0, stalls: 2, tears: 0, preemptions: 1 })
