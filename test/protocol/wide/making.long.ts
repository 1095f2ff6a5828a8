import { creator, lateRemover, sweeper } from '../ending-actors'
import { makingRules } from '../ending-rules'
import { everyStart } from '../report'
import { EARLIER, overStarts } from '../scenario'

const making = { rulesOf: makingRules, from: overStarts }

everyStart('two that make one session, a crash and a torn record: every order',
  () => [creator('C', 'a'), creator('D', 'b')], { crashes: 1, stalls: 0, tears: 1 }, making)

everyStart('a creator, a sweep and a removal of the earlier session, a crash and a torn record: every order with three interruptions',
  () => [creator('C', 'a'), sweeper('S'), lateRemover('L', EARLIER)], { crashes: 1, stalls: 0, tears: 1, preemptions: 3 }, making)

everyStart('two creators and a sweep, a crash and a torn record: every order with one interruption',
  () => [creator('C', 'a'), creator('D', 'b'), sweeper('S')], { crashes: 1, stalls: 0, tears: 1, preemptions: 1 }, making)
