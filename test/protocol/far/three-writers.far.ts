import { everyStart } from '../report'
import { destroyer, writer } from '../scenario'

everyStart('three writers and a destroyer, a crash and a stall: every order with two interruptions',
  () => [writer('A', 'a'), writer('B', 'b'), writer('C', 'c'), destroyer()],
  { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, { deadLock: 1 })
