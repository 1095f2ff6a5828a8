import { everyStart } from './report'
import { destroyer, writer } from './scenario'

// All orders of so many processes are too many. `npm run protocol` goes further than this.
everyStart('two writers and a destroyer, a crash: every order with one interruption',
  () => [writer('A', 'a'), writer('B', 'b'), destroyer()], { crashes: 1, stalls: 0, tears: 0, preemptions: 1 })
