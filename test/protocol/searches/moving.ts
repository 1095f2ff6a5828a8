import { destroyer, regenerator, remover, storeReader } from '../ending-actors'
import { endingRules } from '../ending-rules'
import { writer } from '../scenario'
import { NO_TROUBLE, type Search } from '../search'

const rulesOf = endingRules

// Every order, and three processes with more interruptions, are for `npm run protocol:far`.
export const searches: Search[] = [
  {
    who: 'a move beside a writer',
    rulesOf,
    programs: () => [regenerator('P'), writer('A', 'a')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a move beside a writer that writes twice',
    rulesOf,
    programs: () => [regenerator('P'), writer('A', 'ab')],
    test: [{ crashes: 0, stalls: 1, tears: 0, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 1, tears: 0, preemptions: 2 }]
  },
  {
    who: 'two moves',
    rulesOf,
    programs: () => [regenerator('P'), regenerator('Q')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a move beside a destroyer',
    rulesOf,
    programs: () => [regenerator('P'), destroyer('D')],
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a move beside a remover',
    rulesOf,
    programs: () => [regenerator('P'), remover('E')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 2 }]
  },
  {
    who: 'two removers',
    rulesOf,
    programs: () => [remover('E'), remover('F')],
    test: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a remover beside a writer',
    rulesOf,
    programs: () => [remover('E'), writer('A', 'a')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 2 }]
  },
  {
    who: 'a remover beside a destroyer',
    rulesOf,
    programs: () => [remover('E'), destroyer('D')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 3 }]
  },
  {
    who: 'a remover beside a reader',
    rulesOf,
    programs: () => [remover('E'), storeReader('R')],
    test: [{ crashes: 1, stalls: 1, tears: 1, deadLock: 1 }],
    long: [{ crashes: 1, stalls: 1, tears: 1 }]
  },
  {
    who: 'a move, a destroyer and a writer',
    rulesOf,
    programs: () => [regenerator('P'), destroyer('D'), writer('A', 'a')],
    test: [{ ...NO_TROUBLE, preemptions: 1, deadLock: 0 }],
    long: [{ crashes: 1, stalls: 0, tears: 0, preemptions: 1, deadLock: 1 }]
  },
  {
    who: 'two moves and a writer',
    rulesOf,
    programs: () => [regenerator('P'), regenerator('Q'), writer('A', 'a')],
    long: [{ crashes: 1, stalls: 0, tears: 0, preemptions: 1, deadLock: 1 }]
  }
]
