import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { patiently } from '../../support/patiently'
import { SENTINEL } from '../../support/redis-clients'
import { redisIsMissing, startSentinel } from '../../support/redis-server'

/** Calls until the replica has confirmed it in time, too. */
const confirmed = async <T>(call: () => Promise<T>): Promise<T> => await call().catch(() => confirmed(call))

for (const [client, connect] of Object.entries(SENTINEL)) {
  t.test(`what a replica has confirmed is there after a failover, with ${client}`, { skip: redisIsMissing }, async t => {
    const { primary, sentinel } = await startSentinel(t, 3000)
    const store = new RedisSessionStore({ client: await connect(t, sentinel.port), replicas: { count: 1, timeout: 2 }, timeout: 30 })
    await patiently(() => store.open())
    const [kept, ended] = [await confirmed(() => store.newSession()), await confirmed(() => store.newSession())]
    await confirmed(() => store.putSession(kept, 'saved'))
    await confirmed(() => store.delSession(ended))
    await primary.kill()
    t.equal(await patiently(() => store.getSession(kept)), 'saved', 'a save')
    t.equal(await patiently(() => store.getSession(ended)), null, 'an end')
    // There is no second replica to confirm it.
    const session = await store.read(store.nameOf(kept))
    await t.rejects(store.replace(store.nameOf(kept), { text: 'alone' }, session?.version as string),
      { name: 'SessionStoreError', message: /only 0 of 1 replicas/ })
    t.equal(await store.getSession(kept), 'alone', 'it is stored all the same')
    await store.close()
  })
}
