import { Cluster } from 'ioredis'
import { Cluster as ValkeyCluster } from 'iovalkey'
import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { patiently } from '../../support/patiently'
import { clientsOf, CLUSTER } from '../../support/redis-clients'
import { redisIsMissing, startCluster } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'

const SESSIONS = 30

t.test('sessions are spread over the servers of a cluster', { skip: redisIsMissing }, async t => {
  const servers = await startCluster(t)
  const looks = await Promise.all(servers.map(server => RedisSessions.connect(t, server)))
  for (const [client, connect] of clientsOf(CLUSTER)) {
    const store = new RedisSessionStore({ client: await connect(t, servers[0]?.port as number), prefix: `${client}:` })
    await store.open()
    t.strictSame(store.warnings, [], client)
    await Promise.all(servers.map(server => server.run('CONFIG', 'RESETSTAT')))
    const sesids = await Promise.all(Array.from({ length: SESSIONS }, () => store.newSession()))
    await Promise.all(sesids.map(async (sesid, index) => { await store.putSession(sesid, `text ${index}`) }))
    t.strictSame(await Promise.all(sesids.map(sesid => store.getSession(sesid))), sesids.map((_, index) => `text ${index}`))
    for (const server of servers) t.notMatch(await server.run('INFO', 'errorstats'), /MOVED/, `${client} asks the right one at once`)
    for (const look of looks) t.not((await look.keys(`${client}:*`)).length, 0, 'each server has some')
    const texts: string[] = []
    for await (const text of store.texts()) texts.push(text)
    t.equal(new Set(texts).size, SESSIONS, 'all are listed')

    const [first, second] = sesids.map(sesid => store.nameOf(sesid)) as [string, string]
    await store.setAside(first)
    await store.touch(second)
    t.equal(await store.read(first), null)
    t.equal((await Promise.all(looks.map(look => look.keys(`${client}:*:aside:*`)))).flat().length, 1, 'kept in the same slot')
    t.equal(await store.clear(), SESSIONS - 1)
    await store.close()

    if (client === 'valkey-glide, cluster') continue
    const careful = new RedisSessionStore({ client: await connect(t, servers[0]?.port as number), replicas: { count: 1, timeout: 0.05 } })
    await t.rejects(careful.newSession(), { message: /only 0 of 1 replicas/ }, 'it waits for replicas, and there are none')
  }
})

t.test('a cluster that joins calls by itself, or puts something before each key', { skip: redisIsMissing }, async t => {
  const servers = await startCluster(t)
  const startup = [{ host: '127.0.0.1', port: servers[0]?.port as number }]
  const looks = await Promise.all(servers.map(server => RedisSessions.connect(t, server)))
  for (const options of [{ enableAutoPipelining: true }, { keyPrefix: 'app:' }, { enableAutoPipelining: true, keyPrefix: 'app:' }]) {
    for (const client of [new Cluster(startup, options), new ValkeyCluster(startup, options)]) {
      t.teardown(() => { client.disconnect() })
      const store = new RedisSessionStore({ client })
      await store.open()
      const sesids = await Promise.all(Array.from({ length: SESSIONS }, () => store.newSession()))
      await Promise.all(sesids.map(async (sesid, index) => { await store.putSession(sesid, `text ${index}`) }))
      t.strictSame(await Promise.all(sesids.map(sesid => store.getSession(sesid))), sesids.map((_, index) => `text ${index}`), JSON.stringify(options))
      for (const look of looks) t.not((await look.keys(`${options.keyPrefix ?? ''}file-sessions:*`)).length, 0, 'each server has some')
      t.equal(await store.clear(), SESSIONS)
      await store.close()
    }
  }
})

t.test('a server of the cluster that is away: the others answer', { skip: redisIsMissing }, async t => {
  const servers = await startCluster(t, 3, { 'cluster-require-full-coverage': 'no' })
  for (const client of ['redis 6, cluster', 'ioredis 6, cluster', 'valkey-glide, cluster']) {
    const connect = CLUSTER[client] as (typeof CLUSTER)[string]
    const store = new RedisSessionStore({ client: await connect(t, servers[0]?.port as number), timeout: 2 })
    await patiently(() => store.open())
    const sesids = await Promise.all(Array.from({ length: SESSIONS }, () => patiently(() => store.newSession())))
    servers[2]?.stop()
    const results = await Promise.allSettled(sesids.map(sesid => store.getSession(sesid)))
    const found = results.filter(result => result.status === 'fulfilled' && result.value === '').length
    t.ok(found > 0 && found < SESSIONS, `${client}: ${found} of ${SESSIONS} are found`)
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, { name: 'SessionStoreError' })
    servers[2]?.continue()
    t.ok(await patiently(() => store.clear()) > 0)
  }
})
