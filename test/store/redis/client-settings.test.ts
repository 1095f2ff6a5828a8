import { Redis } from 'ioredis'
import t from 'tap'
import { createClient } from 'redis'
import { RedisSessionStore } from '../../../redis'
import { RedisServer, redisIsMissing } from '../../support/redis-server'

t.test('a client that returns numbers as strings', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = new Redis({ host: '127.0.0.1', port: server.port, stringNumbers: true })
  t.teardown(() => { client.disconnect() })
  const store = new RedisSessionStore({ client })
  await store.open()
  const name = store.nameOf(await store.newId())
  const creation = await store.create(name, { text: 'first' })
  t.match(creation, { result: 'created' })
  const { version } = creation as { version: string }
  t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
  t.match(await store.replace(name, { text: 'stale' }, version), { result: 'conflict' })
  t.equal(await store.remove(name), 'removed')
  t.equal(await store.remove(name), 'gone')
})

t.test('a user who may not wait for replicas is told so at the start', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  await server.run('ACL', 'SETUSER', 'app', 'on', '>password', '~*', '+@all', '-wait')
  const client = createClient({ url: `redis://app:password@127.0.0.1:${server.port}` })
  await client.connect()
  t.teardown(() => { client.destroy() })
  await new RedisSessionStore({ client }).open()
  await t.rejects(new RedisSessionStore({ client, replicas: { count: 1 } }).open(), { name: 'SessionStoreError', message: /NOPERM/ })
})

t.test('a user whom the server tells of no changes is told so at the start, and reads ask the server', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  await server.run('ACL', 'SETUSER', 'app', 'on', '>password', '~*', '&*', '+@all', '-client|tracking')
  const client = createClient({ url: `redis://app:password@127.0.0.1:${server.port}` })
  await client.connect()
  t.teardown(() => { client.destroy() })
  const store = new RedisSessionStore({ client, cache: {} })
  t.teardown(() => store.close())
  await store.open()
  t.match(store.warnings, [/the option cache has no effect as long as .*: NOPERM/])
  const sesid = await store.newSession()
  await store.putSession(sesid, 'text')
  t.equal(await store.getSession(sesid), 'text')
})
