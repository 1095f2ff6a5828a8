import t from 'tap'
import { Clock, timeLeft, touchInterval } from '../../lib/store/clock'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)

/** A clock that a test moves: `pass` as time does, `put` as somebody who sets the wall clock. */
function movableClock (): { clock: Clock, pass: (by: number) => void, put: (by: number) => void, wall: () => number } {
  let wall = START
  let steady = 1000
  return {
    clock: new Clock(() => wall, () => steady),
    pass: by => {
      wall += by
      steady += by
    },
    put: by => { wall += by },
    wall: () => wall
  }
}

t.test('the clock is the machine\'s unless a test brings its own', async t => {
  const clock = new Clock()
  const before = Date.now()
  const now = clock.now()
  t.ok(before <= now && now <= Date.now())
  t.ok(clock.since(before - 5000) >= 5000)
})

t.test('time that passes makes things older', async t => {
  const { clock, pass } = movableClock()
  t.equal(clock.now(), START)
  pass(HOUR)
  t.equal(clock.now(), START + HOUR)
  t.equal(clock.since(START), HOUR)
  t.equal(clock.since(START + HOUR), 0)
  t.equal(clock.since(START + 2 * HOUR), 0, 'what is stamped in the future is fresh')
})

t.test('a clock that is put forward makes nothing older', async t => {
  const { clock, pass, put } = movableClock()
  pass(HOUR)
  const stamped = clock.now()
  pass(60_000)
  put(10 * HOUR)
  t.equal(clock.since(stamped), 60_000)
  t.equal(clock.since(START), HOUR + 60_000)
  const after = clock.now()
  pass(60_000)
  t.equal(clock.since(after), 60_000, 'what is stamped since ages as ever')
  t.equal(clock.since(stamped), 120_000)
})

t.test('a clock that is put forward again and again', async t => {
  const { clock, pass, put } = movableClock()
  const stamped = clock.now()
  for (let time = 0; time < 5; time++) {
    pass(1000)
    put(HOUR)
    t.equal(clock.since(stamped), (time + 1) * 1000)
  }
})

t.test('a clock that is put back makes nothing older, and nothing that was old young for ever', async t => {
  const { clock, pass, put } = movableClock()
  pass(HOUR)
  const stamped = clock.now()
  put(-HOUR / 2)
  t.equal(clock.since(stamped), 0)
  t.equal(clock.since(START), HOUR / 2)
  const after = clock.now()
  pass(HOUR)
  t.equal(clock.since(after), HOUR)
  t.equal(clock.since(stamped), HOUR / 2)
})

t.test('a clock that is put forward by mistake and back again', async t => {
  const { clock, pass, put } = movableClock()
  pass(HOUR)
  const before = clock.now()
  put(24 * HOUR)
  const between = clock.now()
  pass(1000)
  put(-24 * HOUR)
  t.equal(clock.since(before), 0)
  t.equal(clock.since(between), 0)
  const after = clock.now()
  pass(HOUR)
  t.equal(clock.since(after), HOUR, 'whoever comes now ages as ever')
  t.ok(clock.since(before) >= HOUR, 'and whoever was there before as well')
})

t.test('a clock that is put back and then further forward', async t => {
  const { clock, put } = movableClock()
  const before = clock.now()
  put(-HOUR)
  const between = clock.now()
  put(24 * HOUR)
  t.equal(clock.since(before), 0)
  t.equal(clock.since(between), 0)
})

t.test('small corrections are taken as they come', async t => {
  const { clock, put } = movableClock()
  put(5000)
  t.equal(clock.since(START), 5000)
  put(-3000)
  t.equal(clock.since(START), 2000)
})

t.test('whatever is done to the wall clock, nothing is taken for older than it is, and what is new ages', async t => {
  const step = fc.record({ passed: fc.nat(HOUR), put: fc.constantFrom(0, 0, 10_000, HOUR, 24 * HOUR, -10_000, -HOUR, -24 * HOUR) })
  fc.assert(fc.property(fc.array(step, { maxLength: 10 }), steps => {
    const { clock, pass, put } = movableClock()
    const stamps: Array<{ moment: number, age: number }> = []
    for (const { passed, put: by } of steps) {
      stamps.push({ moment: clock.now(), age: 0 })
      pass(passed)
      clock.now()
      put(by)
      for (const stamp of stamps) {
        stamp.age += passed
        if (clock.since(stamp.moment) > stamp.age) return false
      }
      const fresh = { moment: clock.now(), age: 1000 }
      pass(1000)
      for (const stamp of stamps) stamp.age += 1000
      if (clock.since(fresh.moment) !== 1000) return false
      stamps.push(fresh)
    }
    return true
  }), { numRuns: rounds(300, 1000) })
})

t.test('a session ends by its idle timeout, its own before the store\'s', async t => {
  const { clock, pass } = movableClock()
  const limits = { idleTimeout: 60, absoluteTimeout: undefined }
  const span = { createdAt: START - 1000 * HOUR, lastAccess: START, idleTimeout: 0 }
  t.equal(timeLeft(span, limits, clock), 60_000)
  t.equal(timeLeft({ ...span, idleTimeout: 90 }, limits, clock), 90_000)
  pass(59_999)
  t.equal(timeLeft(span, limits, clock), 1)
  pass(1)
  t.equal(timeLeft(span, limits, clock), 0)
  pass(10)
  t.equal(timeLeft(span, limits, clock), -10)
})

t.test('a session ends by the absolute timeout, however much it is used', async t => {
  const { clock, pass } = movableClock()
  const limits = { idleTimeout: 60, absoluteTimeout: 100 }
  const span = { createdAt: START, lastAccess: START, idleTimeout: 0 }
  t.equal(timeLeft(span, limits, clock), 60_000)
  pass(90_000)
  t.equal(timeLeft({ ...span, lastAccess: START + 90_000 }, limits, clock), 10_000)
  t.equal(timeLeft({ ...span, lastAccess: START + 90_000, idleTimeout: 1000 }, limits, clock), 10_000, 'its own idle timeout does not help')
  pass(10_000)
  t.equal(timeLeft({ ...span, lastAccess: START + 100_000 }, limits, clock), 0)
})

t.test('the access time is set anew once a minute, or ten times in an idle timeout', async t => {
  t.equal(touchInterval(7200), 60_000)
  t.equal(touchInterval(600), 60_000)
  t.equal(touchInterval(60), 6000)
  t.equal(touchInterval(1), 100)
})
