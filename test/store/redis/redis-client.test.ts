import t from 'tap'
import { connectionOf } from '../../../lib/store/redis/redis-client'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

t.test('each kind of client makes its connection', async t => {
  const clients: Array<[object, string]> = [
    [new ScriptedNodeRedis(), 'client of node-redis'],
    [{ status: 'ready', options: {}, call () {}, pipeline () {} }, 'client of ioredis'],
    [{ customCommand () {}, close () {} }, 'client of valkey-glide']
  ]
  for (const [client, name] of clients) t.equal(connectionOf(client).client, name)
})

t.test('what is not a client is refused, with the clients that there are', async t => {
  for (const other of [undefined, null, 'redis://host', () => {}, {}, { sendCommand () {} }, { status: 'ready', call () {} }]) {
    t.throws(() => connectionOf(other), { code: 'SESSION_OPTION', message: /option client must be a client of redis 5 or 6.*ioredis.*valkey-glide/ })
  }
})
