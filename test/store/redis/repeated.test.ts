import t from 'tap'
import { REMOVE, REPLACE, CREATE } from '../../../lib/store/redis/scripts'
import type { NodeRedisClient } from '../../../lib/store/redis/node-redis'
import type { Replacement, StoredSession } from '../../../lib/store/session-record'
import { RedisSessionStore } from '../../../redis'
import { patiently } from '../../support/patiently'
import { clientsOf, SINGLE } from '../../support/redis-clients'
import { RedisServer, redisIsMissing, type Test } from '../../support/redis-server'
import { TcpProxy } from '../../support/tcp-proxy'

/** A store whose connections a proxy can cut, and one beside it. The server knows their scripts. */
async function stores (t: Test, connect: (typeof SINGLE)[string]): Promise<{ near: RedisSessionStore, far: RedisSessionStore, proxy: TcpProxy, server: RedisServer }> {
  const server = await RedisServer.start(t)
  const proxy = await TcpProxy.start(server.port)
  t.teardown(() => proxy.stop())
  const near = new RedisSessionStore({ client: await connect(t, server.port), timeout: 30 })
  const far = new RedisSessionStore({ client: await connect(t, proxy.port), timeout: 30 })
  await near.open()
  await far.open()
  const sesid = await near.newSession()
  await near.putSession(sesid, 'text')
  await near.delSession(sesid)
  return { near, far, proxy, server }
}

for (const [client, connect] of clientsOf(SINGLE)) {
  t.test(`a call whose connection breaks is carried out once, with ${client}`, { skip: redisIsMissing }, async t => {
    const { near, far, proxy } = await stores(t, connect)
    for (const when of ['before', 'after'] as const) {
      let cut = proxy.cutAt(CREATE.sha, when)
      const name = far.nameOf(await far.newId())
      const creation = await far.create(name, { text: '1' })
      await cut
      t.match(creation, { result: 'created', version: /^[\w-]{16}$/ }, `create, cut ${when} it`)
      const first = (creation as { version: string }).version
      t.match(await near.read(name), { text: '1', version: first })

      cut = proxy.cutAt(REPLACE.sha, when)
      const replacement = await far.replace(name, { text: '2' }, first)
      await cut
      t.match(replacement, { result: 'replaced' }, `replace, cut ${when} it`)
      const second = (replacement as { version: string }).version
      t.not(second, first)
      t.match(await near.read(name), { text: '2', version: second })

      cut = proxy.cutAt(REMOVE.sha, when)
      t.equal(await far.remove(name, second), 'removed', `remove, cut ${when} it`)
      await cut
      t.equal(await near.read(name), null)
      t.equal(await near.remove(name), 'gone')

      const other = near.nameOf(await near.newId())
      await near.create(other, { text: '' })
      cut = proxy.cutAt(REMOVE.sha, when)
      t.equal(await far.remove(other), 'removed', `remove of any version, cut ${when} it`)
      await cut
    }
  })
}

for (const [client, connect] of clientsOf(SINGLE)) {
  t.test(`a call that was given up and arrives later does nothing, with ${client}`, { skip: redisIsMissing }, async t => {
    const { near, proxy, server } = await stores(t, connect)
    const far = new RedisSessionStore({ client: await connect(t, proxy.port), timeout: 0.3 })
    await patiently(() => far.open())
    const [name, other] = [near.nameOf(await near.newId()), near.nameOf(await near.newId())]
    const { version } = await near.create(name, { text: 'kept' }) as { version: string }
    const calls = async (): Promise<number> => callsIn(String(await server.run('INFO', 'commandstats')))
    const before = await calls()
    proxy.hold()
    const unknown = { name: 'SessionStoreError', message: /not known whether/ }
    await t.rejects(far.replace(name, { text: 'late' }, version), unknown)
    await t.rejects(far.remove(name), unknown)
    await t.rejects(far.create(other, { text: 'late' }), unknown)
    t.equal(await calls(), before, 'the calls are on their way')
    proxy.release()
    await server.until(['INFO', 'commandstats'], answer => callsIn(answer) >= before + 3)
    t.match(await near.read(name), { text: 'kept', version })
    t.equal(await near.read(other), null)
    t.match(await patiently(() => far.replace(name, { text: 'again' }, version)), { result: 'replaced' }, 'asked again, it is done')
  })
}

t.test('a repeated call is recognised whatever came between', { skip: redisIsMissing }, async t => {
  const { near, far, proxy } = await stores(t, SINGLE['redis 6'] as (typeof SINGLE)[string])
  const name = far.nameOf(await far.newId())
  /** Lets a call of `far` reach the server, breaks its connection, and runs `between` before it is repeated. */
  const between = async <T>(sha: string, call: Promise<T>, meanwhile: () => Promise<unknown>): Promise<T> => {
    proxy.refuses = true
    await proxy.cutAt(sha, 'after')
    await meanwhile()
    proxy.refuses = false
    return await call
  }
  const versionOf = async (): Promise<string> => (await near.read(name))?.version as string
  const save = async (text: string): Promise<void> => {
    t.match(await near.replace(name, { text }, await versionOf()), { result: 'replaced' })
  }

  t.match(await far.create(name, { text: '0' }), { result: 'created' })
  t.match(await between(REPLACE.sha, far.replace(name, { text: '1' }, await versionOf()), () => save('2')),
    { result: 'replaced' }, 'a save that another save has overtaken')
  t.match(await near.read(name), { text: '2' })

  t.match(await between(REPLACE.sha, far.replace(name, { text: '3' }, await versionOf()), async () => {
    for (let count = 0; count < 100; count++) await save(String(count))
  }), { result: 'replaced' }, 'a save that a hundred saves of another host have overtaken')
  t.match(await near.read(name), { text: '99' })

  const base = await versionOf()
  await save('other')
  t.match(await between(REPLACE.sha, far.replace(name, { text: 'stale' }, base), () => save('more')),
    { result: 'conflict' }, 'a save that was refused stays refused')

  t.match(await between(REPLACE.sha, far.replace(name, { text: 'last' }, await versionOf()), () => near.remove(name)),
    { result: 'replaced' }, 'a save of a session that has ended since was stored nevertheless')
  t.equal(await near.read(name), null)

  t.match(await between(CREATE.sha, far.create(name, { text: 'new' }), () => near.remove(name)),
    { result: 'created' }, 'a session that has ended since was made nevertheless')
  t.match(await far.create(name, { text: 'newer' }), { result: 'created' })
  t.equal(await between(REMOVE.sha, far.remove(name), () => near.create(name, { text: 'newest' })), 'removed',
    'an end under whose name there is a new session does not end that one')
  t.match(await near.read(name), { text: 'newest' })
  t.equal(await between(REMOVE.sha, far.remove(name), async () => { t.equal(await near.remove(name), 'gone') }), 'removed',
    'of two exactly one is told that it removed the session')
})

t.test('when too many writers came between, the outcome is said to be unknown', { skip: redisIsMissing }, async t => {
  const { near, far, proxy, server } = await stores(t, SINGLE['redis 6'] as (typeof SINGLE)[string])
  const client = await (SINGLE['redis 6'] as (typeof SINGLE)[string])(t, server.port)
  const sesid = await near.newSession()
  const name = near.nameOf(sesid)
  proxy.refuses = true
  const cut = proxy.cutAt(REPLACE.sha, 'after')
  const call = far.replace(name, { text: 'mine' }, (await near.read(name))?.version as string)
  const failed = t.rejects(call, { name: 'SessionStoreError', message: /not known whether the server did it/ })
  await cut
  for (let count = 0; count < 66; count++) await new RedisSessionStore({ client }).putSession(sesid, 'theirs')
  proxy.refuses = false
  await failed
})

t.test('a save that was overtaken by many of the same store is not said to be refused', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = await (SINGLE['redis 6'] as (typeof SINGLE)[string])(t, server.port) as NodeRedisClient
  let meanwhile: (() => Promise<void>) | null = null
  /** A pool of which one connection breaks: the others go on. */
  const pool = {
    isOpen: true,
    totalClients: 2,
    multi: () => client.multi(),
    execute: () => Promise.reject(new Error('not in this test')),
    async sendCommand (command: string[]) {
      const answer = await client.sendCommand(command)
      if (meanwhile === null) return answer
      const work = meanwhile
      meanwhile = null
      await work()
      throw new Error('Socket closed unexpectedly')
    }
  }
  const store = new RedisSessionStore({ client: pool })
  const name = store.nameOf(await store.newId())
  t.match(await store.create(name, { text: '0' }), { result: 'created' })
  const lose = async (saves: number): Promise<Replacement> => {
    const { version, text } = await store.read(name) as StoredSession
    meanwhile = async () => {
      for (let count = 0; count < saves; count++) {
        const { text, version } = await store.read(name) as StoredSession
        t.match(await store.replace(name, { text: `${text} ${count}` }, version), { result: 'replaced' })
      }
    }
    return await store.replace(name, { text: `${text} mine` }, version)
  }
  t.match(await lose(4), { result: 'replaced' })
  await t.rejects(lose(5), { name: 'SessionStoreError', message: /not known whether the server did it/ })
  t.match(await store.read(name), { text: '0 mine 0 1 2 3 mine 0 1 2 3 4' })
})

t.test('a time that is not a number counts as none', { skip: redisIsMissing }, async t => {
  const { near } = await stores(t, SINGLE['redis 6'] as (typeof SINGLE)[string])
  const name = near.nameOf(await near.newId())
  t.match(await near.importSession({ name, text: 'text', idleTimeout: undefined, createdAt: NaN, lastAccess: NaN }), { result: 'created' })
  t.match(await near.read(name), { text: 'text', idleTimeout: undefined, touchDue: false })
})

/** How often scripts were run, from what the server tells of its commands. */
function callsIn (statistics: string): number {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(statistics)?.[1] ?? 0)
}
