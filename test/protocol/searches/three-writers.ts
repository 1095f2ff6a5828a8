import { destroyer, writer } from '../scenario'
import type { Search } from '../search'

/** All orders of so many processes are too many. */
export const searches: Search[] = [
  {
    who: 'two writers and a destroyer',
    programs: () => [writer('A', 'a'), writer('B', 'b'), destroyer()],
    test: [{ crashes: 0, stalls: 0, tears: 0, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 3 }, { crashes: 1, stalls: 0, tears: 0, preemptions: 2 }]
  },
  {
    who: 'three writers and a destroyer',
    programs: () => [writer('A', 'a'), writer('B', 'b'), writer('C', 'c'), destroyer()],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1 }, { crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 1 }]
  }
]
