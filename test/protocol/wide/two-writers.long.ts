import t from 'tap'
import { report, run } from '../report'
import { coarse, LIMITS, realFile, writer } from '../scenario'
import { everySearch, NO_TROUBLE } from '../search'
import { searches } from '../searches/two-writers'

everySearch(searches, 'long')

// Every order would be a matter of minutes: each file that is made waits for the clock.
t.test('a clock so coarse that files are born at the same time: every order with two interruptions', async t => {
  const everyRecordSeals = { ...LIMITS, size: 0 }
  const programs = [writer('A', 'a', realFile, everyRecordSeals), writer('B', 'bc', realFile, everyRecordSeals)]
  report(t, 'a coarse clock', await run(programs, coarse(), { ...NO_TROUBLE, preemptions: 2 }))
})
