import { everyStart } from '../report'
import { holder } from '../holder'
import { destroyer, writer } from '../scenario'

everyStart('two writers, a crash, a stall and a torn write anywhere: every order', () => [writer('A', 'a'), writer('B', 'b')],
  { crashes: 1, stalls: 1, tears: 1 }, { deadLock: 3 })

everyStart('a writer and a destroyer, a crash and a stall anywhere: every order with four interruptions',
  () => [writer('A', 'a'), destroyer()], { crashes: 1, stalls: 1, tears: 0, preemptions: 4 })

everyStart('two that keep their descriptors, a crash, a stall and a torn write: every order with three interruptions',
  () => [holder('A', 'ab'), holder('B', 'c')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 })
