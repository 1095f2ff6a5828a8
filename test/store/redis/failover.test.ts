import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { clientsOf, SENTINEL, SINGLE } from '../../support/redis-clients'
import { RedisServer, redisIsMissing, startReplicated, startSentinel } from '../../support/redis-server'

// What a failover does to them: sentinel.long.ts.
t.test('a sentinel leads to the primary', { skip: redisIsMissing }, async t => {
  const { sentinel, primary } = await startSentinel(t, 3_600_000)
  for (const [client, connect] of clientsOf(SENTINEL)) {
    const store = new RedisSessionStore({ client: await connect(t, sentinel.port), prefix: `${client}:`, replicas: { count: 1, timeout: 30 }, timeout: 30 })
    await store.open()
    const sesid = await store.newSession()
    await store.putSession(sesid, 'saved')
    await primary.run('SCRIPT', 'FLUSH')
    t.equal(await store.getSession(sesid), 'saved', client)
    for await (const text of store.texts()) t.equal(text, 'saved', client)
    await store.delSession(sesid)
    t.equal(await store.getSession(sesid), null, client)
    await store.close()
  }
})

for (const [client, connect] of clientsOf(SINGLE)) {
  if (client === 'valkey-glide') continue
  t.test(`saves and ends wait for replicas, with ${client}`, { skip: redisIsMissing }, async t => {
    const { primary, replica } = await startReplicated(t)
    const shared = await connect(t, primary.port)
    const store = new RedisSessionStore({ client: shared, replicas: { count: 1, timeout: 0.1 } })
    const patient = new RedisSessionStore({ client: shared, replicas: { count: 1, timeout: 30 }, timeout: 30 })
    await patient.open()
    const sesid = await patient.newSession()
    const name = store.nameOf(sesid)
    const version = (await store.read(name))?.version as string
    replica.stop()
    const save = () => store.replace(name, { text: 'text' }, version)
    await t.rejects(save(), { name: 'SessionStoreError', code: 'SESSION_STORE', message: /only 0 of 1 replicas/ })
    t.equal(await store.getSession(sesid), 'text', 'the primary has it, and reads do not wait')
    await t.rejects(save(), { message: /only 0 of 1 replicas/ }, 'the same call again is the same save')
    t.strictSame(await store.replace(name, { text: 'other' }, version), { result: 'conflict' }, 'what stores nothing waits for nothing')
    replica.continue()
    const confirmed = async <T>(call: () => Promise<T>): Promise<T> => await call().catch((error: Error) => {
      if (!/replicas/.test(error.message)) throw error
      return confirmed(call)
    })
    t.match(await confirmed(save), { result: 'replaced' }, 'it is confirmed in the end')
    t.match(await store.read(name), { text: 'text' })
    replica.stop()
    await t.rejects(store.remove(name), { message: /only 0 of 1 replicas/ })
    t.equal(await store.read(name), null)
    const other = new RedisSessionStore({ client: await connect(t, primary.port), replicas: { count: 1, timeout: 0.1 } })
    await t.rejects(other.remove(name), { message: /only 0 of 1 replicas/ }, 'another caller is not told either that it has ended for good')
    await t.rejects(other.remove(other.nameOf('none')), { message: /only 0 of 1 replicas/ }, 'nor when the primary knows nothing of it any more')
    replica.continue()
    t.equal(await confirmed(() => store.remove(name)), 'removed', 'asked again, the end is this call\'s')
    t.equal(await confirmed(() => other.remove(name)), 'gone')
    t.equal(await confirmed(() => store.remove(name)), 'gone')
    t.equal(await confirmed(() => other.remove(other.nameOf('none'))), 'gone')
    t.strictSame(await replica.run('KEYS', `*${other.nameOf('none')}*`), [])
  })
}

t.test('what was answered survives a crash, with appendfsync always', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t, { appendonly: 'yes', appendfsync: 'always' })
  for (const [client, connect] of clientsOf(SINGLE)) {
    const store = new RedisSessionStore({ client: await connect(t, server.port), timeout: 20 })
    await store.open()
    const sesids = await Promise.all(Array.from({ length: 20 }, () => store.newSession()))
    await Promise.all(sesids.map(sesid => store.putSession(sesid, 'saved')))
    const [gone, ...kept] = sesids as [string, ...string[]]
    await store.delSession(gone)
    await server.kill()
    const reading = Promise.all(kept.map(sesid => store.getSession(sesid)))
    await server.start()
    t.strictSame(new Set(await reading), new Set(['saved']), `${client}: calls wait for the server`)
    t.equal(await store.getSession(gone), null)
  }
})

for (const [client, connect] of clientsOf(SINGLE)) {
  t.test(`a server that becomes a replica beside its clients serves no old session, with ${client}`, { skip: redisIsMissing }, async t => {
    const { primary, replica } = await startReplicated(t)
    const store = new RedisSessionStore({ client: await connect(t, primary.port), timeout: 1 })
    await store.open()
    const sesid = await store.newSession()
    await store.putSession(sesid, 'old')
    await replica.until(['KEYS', '*'], answer => answer.includes(store.nameOf(sesid)))
    await replica.run('REPLICAOF', 'NO', 'ONE')
    // It has no connection to the other one, and so stays behind.
    await primary.run('REPLICAOF', '127.0.0.1', '1')
    const other = new RedisSessionStore({ client: await connect(t, replica.port) })
    await other.delSession(sesid)
    t.equal(await other.getSession(sesid), null)
    await t.rejects(store.getSession(sesid), { name: 'SessionStoreError', message: /READONLY; the client is connected to a replica: connect it to the primary/ })
    await primary.run('REPLICAOF', '127.0.0.1', String(replica.port))
    await replica.until(['INFO', 'replication'], answer => /slave0:.*state=online/.test(answer))
    await t.rejects(store.getSession(sesid), { message: /READONLY/ })
    await primary.run('REPLICAOF', 'NO', 'ONE')
    t.equal(await store.getSession(sesid), null, 'it is primary again')
  })
}
