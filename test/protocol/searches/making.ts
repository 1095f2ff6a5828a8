import { creator, lateRemover, sweeper } from '../ending-actors'
import { makingRules } from '../ending-rules'
import { EARLIER, overStarts, writer } from '../scenario'
import { NO_TROUBLE, type Search } from '../search'

const making = { rulesOf: makingRules, from: overStarts }

export const searches: Search[] = [
  {
    who: 'two that make one session',
    ...making,
    programs: () => [creator('C', 'a'), creator('D', 'b')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1 }]
  },
  {
    who: 'a creator beside a sweep',
    ...making,
    programs: () => [creator('C', 'a'), sweeper('S')],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1 }]
  },
  {
    who: 'a creator beside a removal of the earlier session',
    ...making,
    programs: () => [creator('C', 'a'), lateRemover('L', EARLIER)],
    test: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1 }]
  },
  {
    who: 'a creator beside a writer to the earlier session',
    ...making,
    programs: () => [creator('C', 'a'), writer('A', 'c')],
    test: [{ ...NO_TROUBLE, preemptions: 1 }],
    long: [{ ...NO_TROUBLE, preemptions: 3 }]
  },
  {
    who: 'a creator, a sweep and a removal of the earlier session',
    ...making,
    programs: () => [creator('C', 'a'), sweeper('S'), lateRemover('L', EARLIER)],
    test: [{ ...NO_TROUBLE, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 3 }]
  },
  {
    // With two interruptions there is a way to displace a session: see simpler-endings.test.ts.
    who: 'two creators and a sweep',
    ...making,
    programs: () => [creator('C', 'a'), creator('D', 'b'), sweeper('S')],
    test: [{ ...NO_TROUBLE, preemptions: 1 }],
    long: [{ crashes: 1, stalls: 0, tears: 1, preemptions: 1 }]
  }
]
