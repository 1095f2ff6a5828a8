import { creator, remover, storeReader, sweeper } from '../ending-actors'
import { endingRules, makingRules } from '../ending-rules'
import type { FileSystem } from '../file-system'
import { AT_ONCE, NAME_STAYS, PENDING, servedRules } from '../ntfs'
import type { Program } from '../process'
import { destroyer, LIMITS, overStarts, PATH, reader, realFile, starts, writer } from '../scenario'
import { NO_TROUBLE, type Search } from '../search'
import { scanner } from '../windows-process'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]
const everyRecordSeals = { ...LIMITS, size: 0 }
const everywhere = [AT_ONCE, PENDING, NAME_STAYS]
const SEALED = 'a sealed file without a lock'
const sealed = { [SEALED]: starts[SEALED] as () => FileSystem }

/** As on Windows. */
export const searches: Search[] = [
  {
    who: 'two writers, of whose requests none fails,',
    programs: twoWriters,
    rulesOf: servedRules('ab'),
    ntfs: { test: [AT_ONCE], long: [AT_ONCE] },
    test: [{ ...NO_TROUBLE, preemptions: 1, deadLock: 1 }],
    long: [{ ...NO_TROUBLE, deadLock: 3 }]
  },
  {
    who: 'two writers',
    programs: twoWriters,
    ntfs: { test: [PENDING], long: everywhere },
    testFrom: sealed,
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a writer and a destroyer',
    programs: () => [writer('A', 'a'), destroyer()],
    ntfs: { test: [PENDING, NAME_STAYS], long: everywhere },
    testFrom: sealed,
    test: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 3 }]
  },
  {
    who: 'two writers and a reader',
    programs: () => [...twoWriters(), reader()],
    ntfs: { test: [AT_ONCE], long: everywhere },
    test: [{ ...NO_TROUBLE, preemptions: 1 }],
    long: [{ ...NO_TROUBLE, preemptions: 2 }]
  },
  {
    // The other rules of deletion are for `npm run protocol:far`.
    who: 'two writers',
    programs: twoWriters,
    ntfs: { test: [AT_ONCE], long: [AT_ONCE] },
    testFrom: sealed,
    test: [{ ...NO_TROUBLE, refusals: 1, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 }]
  },
  {
    who: 'a writer that writes twice and a destroyer',
    programs: () => [writer('A', 'ab'), destroyer()],
    ntfs: { long: [AT_ONCE] },
    long: [{ crashes: 1, stalls: 1, tears: 0, refusals: 1, preemptions: 1 }]
  },
  {
    who: 'two writers and a destroyer',
    programs: () => [...twoWriters(), destroyer()],
    ntfs: { long: [AT_ONCE] },
    long: [{ ...NO_TROUBLE, crashes: 1, preemptions: 1 }]
  },
  {
    who: 'three writers',
    programs: () => [...twoWriters(), writer('C', 'c')],
    ntfs: { long: [AT_ONCE] },
    long: [{ ...NO_TROUBLE, crashes: 1, preemptions: 1 }]
  },
  {
    who: 'two writers whose every record is a seal',
    programs: () => [writer('A', 'a', realFile, everyRecordSeals), writer('B', 'bc', realFile, everyRecordSeals)],
    ntfs: { long: [AT_ONCE] },
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 1 }]
  },
  {
    who: 'two writers, and a program that closes the file at some time',
    programs: () => [...twoWriters(), scanner(PATH, true)],
    ntfs: { long: [AT_ONCE] },
    long: [{ ...NO_TROUBLE, stalls: 2, preemptions: 1 }]
  },
  {
    // Here two processes would take the lock from each other for ever, if they tried as often as that.
    who: 'two writers, and another program that never closes the file',
    programs: () => [...twoWriters(), scanner(PATH, false)],
    from: sealed,
    ntfs: { test: [AT_ONCE], long: [AT_ONCE] },
    test: [{ ...NO_TROUBLE, stalls: 1, preemptions: 1 }],
    long: [{ ...NO_TROUBLE, stalls: 2, preemptions: 1 }]
  },
  {
    who: 'a remover beside a reader',
    programs: () => [remover('E'), storeReader('R')],
    rulesOf: endingRules,
    ntfs: { long: [AT_ONCE] },
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 2 }]
  },
  {
    who: 'a creator beside a sweep',
    programs: () => [creator('C', 'a'), sweeper('S')],
    rulesOf: makingRules,
    from: overStarts,
    ntfs: { long: [AT_ONCE] },
    long: [{ ...NO_TROUBLE, crashes: 1, preemptions: 2 }]
  }
]
