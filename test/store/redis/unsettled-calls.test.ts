import { performance } from 'node:perf_hooks'
import t from 'tap'
import { DONE } from '../../../lib/store/redis/scripts'
import { MEMORY } from '../../../lib/store/redis/value-format'
import { UnsettledCalls } from '../../../lib/store/redis/unsettled-calls'
import { RedisSessionStore } from '../../../redis'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

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

t.test('of two callers that remove a session again after an error, one alone is taken for the first', async t => {
  const client = new ScriptedNodeRedis()
  const store = new RedisSessionStore({ client })
  const name = store.nameOf('session')
  client.answer = () => { throw new TypeError('what became of it is not known') }
  await t.rejects(store.remove(name, 'version-of-it-16'), { name: 'SessionStoreError' })
  client.answer = () => [4e12, DONE]
  await Promise.all([store.remove(name, 'version-of-it-16'), store.remove(name, 'version-of-it-16')])
  const [first, second, third] = client.sent.flatMap(command => command.filter(text => text.endsWith(' version-of-it-16'))).map(text => text.slice(0, 16))
  t.equal(second, first)
  t.not(third, first)
})
