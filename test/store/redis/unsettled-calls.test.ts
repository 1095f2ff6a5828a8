import { performance } from 'node:perf_hooks'
import t from 'tap'
import { MEMORY } from '../../../lib/store/redis/value-format'
import { UnsettledCalls } from '../../../lib/store/redis/unsettled-calls'

t.test('a call is taken up only while the server remembers its id until the new call is over', async t => {
  for (const timeout of [0.3, 5, 30]) {
    const calls = new UnsettledCalls(timeout)
    const ago = (seconds: number): number => performance.now() - seconds * 1000
    t.equal(calls.take('save', 'a'), undefined)
    const young = { id: 'young', began: ago(MEMORY - timeout - 2) }
    calls.remember(young, 'save', 'a')
    t.equal(calls.take('save', 'b'), undefined)
    t.equal(calls.take('save', 'a'), young, `${timeout} s`)
    t.equal(calls.take('save', 'a'), undefined, 'of two callers one takes it up')
    calls.remember({ id: 'old', began: ago(MEMORY - timeout) }, 'save', 'a')
    t.equal(calls.take('save', 'a'), undefined, 'however late the last of its calls ended')
  }
})
