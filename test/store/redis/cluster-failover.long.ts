import t, { type Test } from 'tap'
import { randomId, storageName } from '../../../lib/store/session-id'
import { RedisSessionStore } from '../../../redis'
import { patiently } from '../../support/patiently'
import { CLUSTER } from '../../support/redis-clients'
import { addReplica, redisIsMissing, startCluster, type RedisServer } from '../../support/redis-server'

/** redis 5 keeps on waiting for the primary that is gone: see docs/stores.md. valkey-glide cannot wait for replicas. */
const FOLLOWING = ['redis 6, cluster', 'ioredis 6, cluster', 'ioredis 5, cluster', 'iovalkey, cluster']

const SLOTS = 16384

interface Cluster {
  readonly servers: RedisServer[]
  /** Of the first server. */
  readonly replica: RedisServer
}

/** A cluster the first of whose primaries has a replica that is in step. */
async function startWithReplica (t: Test): Promise<Cluster> {
  const servers = await startCluster(t)
  const replica = await addReplica(t, servers, servers[0] as RedisServer)
  return { servers, replica }
}

/** Returns the id of a session that lies on the first primary, which has the first third of the slots. */
async function idOn (first: RedisServer): Promise<string> {
  for (;;) {
    const id = randomId()
    const slot = Number(await first.run('CLUSTER', 'KEYSLOT', storageName('sid', id)))
    if (slot < Math.floor(SLOTS / 3)) return id
  }
}

for (const [client, connect] of Object.entries(CLUSTER)) {
  if (!FOLLOWING.includes(client)) continue
  t.test(`what the replica of a primary in a cluster has confirmed is there after a failover, with ${client}`, { skip: redisIsMissing }, async t => {
    const { servers, replica } = await startWithReplica(t)
    const [first, second] = servers as [RedisServer, RedisServer]
    const shared = await connect(t, second.port)
    const ids = [await idOn(first), await idOn(first)]
    const store = new RedisSessionStore({
      client: shared, replicas: { count: 1, timeout: 30 }, timeout: 30, idGenerator: () => ids.shift() ?? randomId()
    })
    await new RedisSessionStore({ client: shared, timeout: 30 }).open()
    const [kept, ended] = [await store.newSession(), await store.newSession()]
    await store.putSession(kept, 'saved')
    await store.delSession(ended)
    await first.kill()
    await replica.run('CLUSTER', 'FAILOVER', 'TAKEOVER')
    await second.until(['CLUSTER', 'NODES'], answer => new RegExp(`:${replica.port}@\\S* master`).test(answer))
    t.equal(await patiently(() => store.getSession(kept)), 'saved', 'a save')
    t.equal(await patiently(() => store.getSession(ended)), null, 'an end')
    const name = store.nameOf(kept)
    const version = (await store.read(name))?.version as string
    const hasty = new RedisSessionStore({ client: shared, replicas: { count: 1, timeout: 0.1 }, timeout: 30 })
    await t.rejects(hasty.replace(name, { text: 'alone' }, version), { outcome: 'unconfirmed', message: /only 0 of 1 replicas/ })
  })
}
