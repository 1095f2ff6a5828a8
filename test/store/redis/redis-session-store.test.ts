import t from 'tap'
import { DONE } from '../../../lib/store/redis/scripts'
import { RedisSessionStore } from '../../../redis'
import { SINGLE, type Connect } from '../../support/redis-clients'
import { RedisServer, redisIsMissing } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

const connect6 = SINGLE['redis 6'] as Connect

t.test('calls for all sessions go on behind keys of others, and report them at the end', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const store = new RedisSessionStore({ client: await connect6(t, server.port) })
  const others: Array<[value: string, message: RegExp]> = [
    ['a value of another program', /WRONGTYPE; a key under the prefix/], ['?', /WRONGTYPE/], ['S2 and what comes later', /in Redis: a newer version of fastify-file-sessions/],
    ['E9', /a newer version/]
  ]
  for (const [value, message] of others) {
    await server.run('FLUSHDB')
    const sesids = await Promise.all(Array.from({ length: 20 }, () => store.newSession()))
    for (const digit of '0123456789abcdef') await look.client.sendCommand(['SET', `file-sessions:sid:{${digit.repeat(64)}}`, value])
    await look.spoil(`file-sessions:sid:{${'01'.repeat(32)}}`)
    const listed = async (all: AsyncIterable<unknown>): Promise<number> => {
      let count = 0
      await t.rejects(async () => { for await (const one of all) count += one === undefined ? 0 : 1 }, { name: 'SessionStoreError', message: /Keys that were left out: 17$/ })
      return count
    }
    t.strictSame([await listed(store.sessions()), await listed(store.texts()), await listed(store.exportSessions())], [20, 20, 20])
    const name = '0'.repeat(64)
    const calls: Array<Promise<unknown>> = [store.read(name), store.create(name, { text: '' }), store.replace(name, { text: '' }, 'version'), store.remove(name), store.touch(name), store.setAside(name)]
    for (const call of calls) await t.rejects(call, { message })
    await t.rejects(store.clear(), { name: 'SessionStoreError', message: /Keys that were left out: 17$/ })
    t.strictSame(await Promise.all(sesids.map(sesid => store.getSession(sesid))), sesids.map(() => null), 'all sessions are ended')
    t.equal(await look.client.sendCommand(['GET', `file-sessions:sid:{${name}}`]), value, 'what is not ours is left alone')
  }
  await server.run('FLUSHDB')
  await store.newSession()
  await server.run('ACL', 'SETUSER', 'default', '-set')
  await t.rejects(store.clear(), { message: /NOPERM; / }, 'it does not go on when no session can be ended')
})

t.test('the lists of indexes have keys of their own, and live longer than the sessions', async t => {
  const client = new ScriptedNodeRedis()
  client.answer = () => [4e12, DONE]
  const store = new RedisSessionStore({ client, prefix: 'app:', appid: 'shop', idleTimeout: 100, maxSize: 5 })
  const { records, idleTimeout } = store.companion()
  t.equal(idleTimeout, 100)
  const list = store.nameOf('a list')
  await records.create(list, { text: 'longer than a session' })
  const [, , , key, settings] = client.sent[0] as string[]
  t.equal(key, `app:index:shop:{${list}}`)
  t.match(settings, / 700000 0$/)
})

t.test('a store declares what it can do: with a cache it has answers at hand', async t => {
  const client = new ScriptedNodeRedis()
  const features = { records: true, iterable: true, readable: true, portable: true, indexable: true }
  t.strictSame(new RedisSessionStore({ client }).features, features)
  t.strictSame(new RedisSessionStore({ client, cache: {} }).features, { ...features, immediate: true })
})
