import { holder } from '../holder'
import type { Program } from '../process'
import { destroyer, durableFile, patching, reader, realFile, writer } from '../scenario'
import { NO_TROUBLE, type Search } from '../search'

const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]

export const searches: Search[] = [
  {
    who: 'two writers',
    programs: twoWriters,
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1, deadLock: 1 }],
    // All orders of all three are for `npm run protocol:far`.
    long: [{ crashes: 1, stalls: 1, tears: 0 }, { crashes: 0, stalls: 0, tears: 1 }, { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }]
  },
  {
    who: 'two writers and a reader',
    programs: () => [...twoWriters(), reader()],
    test: [{ ...NO_TROUBLE, preemptions: 1, deadLock: 1 }],
    long: [NO_TROUBLE]
  },
  {
    who: 'a writer and a destroyer',
    programs: () => [writer('A', 'a'), destroyer()],
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 3 }]
  },
  {
    who: 'a writer that keeps its descriptor, and another',
    programs: () => [holder('A', 'ab'), writer('B', 'cd')],
    test: [{ crashes: 0, stalls: 0, tears: 0, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 0, preemptions: 2 }]
  },
  {
    who: 'two that keep their descriptors',
    programs: () => [holder('A', 'ab'), holder('B', 'cd')],
    test: [{ crashes: 0, stalls: 1, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 0, stalls: 1, tears: 1, preemptions: 2 }]
  },
  {
    who: 'one that keeps its descriptor, and a destroyer',
    programs: () => [holder('A', 'abc'), destroyer()],
    test: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 3 }]
  },
  {
    who: 'two that sync what they write',
    programs: () => [writer('A', 'a', durableFile), writer('B', 'b', durableFile)],
    test: [{ crashes: 0, stalls: 0, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 3 }]
  },
  {
    who: 'two writers of patches',
    programs: () => [writer('A', 'a', realFile, patching), writer('B', 'b', realFile, patching)],
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 3 }]
  },
  {
    who: 'two writers of patches, one of them twice, and a reader',
    programs: () => [writer('A', 'ac', realFile, patching), writer('B', 'b', realFile, patching), reader()],
    test: [{ ...NO_TROUBLE, preemptions: 1, deadLock: 0 }],
    long: [{ ...NO_TROUBLE, preemptions: 2 }]
  },
  {
    who: 'two that sync patches',
    programs: () => [writer('A', 'a', durableFile, patching), writer('B', 'b', durableFile, patching)],
    test: [{ crashes: 0, stalls: 0, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 2 }]
  }
]
