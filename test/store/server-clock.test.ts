import t from 'tap'
import { ServerClock } from '../../lib/store/server-clock'

t.test('the clock goes on from what the last answer told', async t => {
  let moment = 5000
  t.intercept(performance, 'now', { value: () => moment })
  const clock = new ServerClock()
  clock.hear(1_700_000_000_000)
  t.equal(clock.at(5000), 1_700_000_000_000)
  t.equal(clock.at(5250), 1_700_000_000_250)
  t.equal(clock.at(5250.9), 1_700_000_000_250, 'without a fraction')
  t.equal(clock.at(4900), 1_699_999_999_900, 'also for a moment before the answer')
  moment = 6000
  clock.hear(1_600_000_000_000)
  t.equal(clock.at(6001), 1_600_000_000_001, 'a clock that was put back')
})
