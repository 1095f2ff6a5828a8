import t from 'tap'
import { DONE } from '../../../lib/store/redis/scripts'
import { RedisSessionStore } from '../../../redis'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

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
