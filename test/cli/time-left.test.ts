import t from 'tap'
import { ANY_AGE, timeLeftOf } from '../../lib/cli/time-left'
import { Time } from '../support/aged-sessions'

const HOUR = 3600_000
const { clock } = new Time()
const now = clock.now()

function leftOf (age: number, idle: number, idleTimeout?: number, limits = { idleTimeout: 7200, absoluteTimeout: undefined as number | undefined }): number {
  return timeLeftOf({ name: 'a', text: '', createdAt: now - age, lastAccess: now - idle, idleTimeout }, limits, clock)
}

t.test('a session has left what it may idle, by itself or by the app, and no more than it may live in all', async t => {
  t.equal(leftOf(HOUR, HOUR), HOUR)
  t.equal(leftOf(HOUR, HOUR, 86_400), 23 * HOUR)
  t.equal(leftOf(9 * HOUR, HOUR, undefined, { idleTimeout: 7200, absoluteTimeout: 9 * 3600 + 60 }), 60_000)
  t.equal(leftOf(HOUR, 2 * HOUR), 0)
  t.equal(leftOf(3 * HOUR, 3 * HOUR), -HOUR)
})

t.test('where no limits are known no session is over', async t => {
  t.ok(leftOf(0, now, undefined, ANY_AGE) > 0)
})
