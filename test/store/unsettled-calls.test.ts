import { performance } from 'node:perf_hooks'
import t from 'tap'
import { UnsettledCalls } from '../../lib/store/unsettled-calls'

const MEMORY = 180

t.test('a call is taken up only while the server remembers its id until the new call is over', async t => {
  for (const timeout of [0.3, 5, 30]) {
    const calls = new UnsettledCalls(MEMORY, timeout)
    const ago = (seconds: number): number => performance.now() - seconds * 1000
    t.equal(calls.take('save', 'a'), undefined)
    const young = { id: 'young', began: ago(MEMORY - timeout - 2) }
    calls.remember(young, 'save', 'a')
    t.equal(calls.take('save', 'b'), undefined)
    t.equal(calls.take('save', 'a'), young, `${timeout} s`)
    calls.remember({ id: 'old', began: ago(MEMORY - timeout) }, 'save', 'a')
    t.equal(calls.take('save', 'a'), undefined, 'however late the last of its calls ended')
  }
})

t.test('one of two callers who ask for the same thing at once takes the earlier call up', async t => {
  const calls = new UnsettledCalls(MEMORY, 5)
  const call = { id: 'id', began: performance.now() }
  calls.remember(call, 'remove', 'a')
  t.equal(calls.take('remove', 'a'), call)
  t.equal(calls.take('remove', 'a'), undefined, 'the other makes a call of its own')
  calls.remember(call, 'remove', 'a')
  t.equal(calls.take('remove', 'a'), call, 'when it is unsettled again, it can be taken up again')
})
