import { everyStart } from '../report'
import { destroyer, writer } from '../scenario'

everyStart('two writers and a destroyer, a crash and a stall: every order with three interruptions',
  () => [writer('A', 'a'), writer('B', 'b'), destroyer()], { crashes: 1, stalls: 1, tears: 0, preemptions: 3 })

everyStart('three writers and a destroyer, a crash, a stall and a torn write: every order with one interruption',
  () => [writer('A', 'a'), writer('B', 'b'), writer('C', 'c'), destroyer()],
  { crashes: 1, stalls: 1, tears: 1, preemptions: 1 })

everyStart('two writers and a destroyer, a crash: every order with two interruptions',
  () => [writer('A', 'a'), writer('B', 'b'), destroyer()], { crashes: 1, stalls: 0, tears: 0, preemptions: 2 })

everyStart('three writers and a destroyer, a crash and a torn write: every order with one interruption',
  () => [writer('A', 'a'), writer('B', 'b'), writer('C', 'c'), destroyer()],
  { crashes: 1, stalls: 0, tears: 1, preemptions: 1 }, { deadLock: 1 })
