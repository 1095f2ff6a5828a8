import t from 'tap'
import { everyStart } from '../report'
import { writer } from '../scenario'

t.setTimeout(1_200_000)

everyStart('two writers, a crash, a stall and a torn write anywhere: every order', () => [writer('A', 'a'), writer('B', 'b')],
  { crashes: 1, stalls: 1, tears: 1 })
