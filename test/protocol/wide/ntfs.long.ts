import { creator, remover, storeReader, sweeper } from '../ending-actors'
import { endingRules, makingRules } from '../ending-rules'
import { AT_ONCE, everyNtfsStart, NAME_STAYS, PENDING, servedRules } from '../ntfs'
import type { Program } from '../process'
import { destroyer, LIMITS, overStarts, PATH, reader, realFile, writer } from '../scenario'
import { scanner } from '../windows-process'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]
const patient = { crashes: 0, stalls: 0, tears: 0 }
const everyRecordSeals = { ...LIMITS, size: 0 }

everyNtfsStart('two writers: in every order no request fails', twoWriters, patient, { rulesOf: servedRules('ab'), deadLock: 3 })

for (const ntfs of [AT_ONCE, PENDING, NAME_STAYS]) {
  const on = `on ${JSON.stringify(ntfs)}`

  everyNtfsStart(`two writers ${on}, a crash, a stall and a torn write: every order with two interruptions`, twoWriters,
    { crashes: 1, stalls: 1, tears: 1, preemptions: 2 }, { ntfs })

  everyNtfsStart(`a writer and a destroyer ${on}, a crash and a stall: every order with three interruptions`,
    () => [writer('A', 'a'), destroyer()], { crashes: 1, stalls: 1, tears: 0, preemptions: 3 }, { ntfs })

  everyNtfsStart(`two writers and a reader ${on}: every order with two interruptions`,
    () => [...twoWriters(), reader()], { ...patient, preemptions: 2 }, { ntfs })
}

// The other rules of deletion are for `npm run protocol:far`.
everyNtfsStart('two writers, a crash, a stall and a refused call: every order with one interruption', twoWriters,
  { crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 })

everyNtfsStart('a writer and a destroyer, a crash, a stall and a refused call: every order with one interruption',
  () => [writer('A', 'ab'), destroyer()], { crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 })

everyNtfsStart('two writers and a destroyer, a crash: every order with one interruption',
  () => [...twoWriters(), destroyer()], { ...patient, crashes: 1, preemptions: 1 })

everyNtfsStart('three writers, a crash: every order with one interruption',
  () => [...twoWriters(), writer('C', 'c')], { ...patient, crashes: 1, preemptions: 1 })

everyNtfsStart('two writers whose every record is a seal, a crash and a stall: every order with one interruption',
  () => [writer('A', 'a', realFile, everyRecordSeals), writer('B', 'bc', realFile, everyRecordSeals)], { crashes: 1, stalls: 1, tears: 0, preemptions: 1 })

everyNtfsStart('two writers, and a program that closes the file at some time: every order with one interruption',
  () => [...twoWriters(), scanner(PATH, true)], { ...patient, stalls: 2, preemptions: 1 })

everyNtfsStart('a remover beside a reader, a crash and a stall: every order with two interruptions',
  () => [remover('E'), storeReader('R')], { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, { rulesOf: endingRules })

everyNtfsStart('a creator beside a sweep, a crash: every order with two interruptions',
  () => [creator('C', 'a'), sweeper('S')], { ...patient, crashes: 1, preemptions: 2 }, { rulesOf: makingRules, from: overStarts })
