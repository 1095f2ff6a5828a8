import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { storageName } from '../../../lib/store/session-id'
import { RedisSessionStore, type SessionStoreError } from '../../../redis'
import { patiently } from '../../support/patiently'
import { clientsOf, type Connect, SINGLE } from '../../support/redis-clients'
import { RedisServer, redisIsMissing, startReplicated } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'
import { look, Visits } from '../../support/visits'

const connect6 = SINGLE['redis 6'] as Connect

for (const [client, connect] of clientsOf(SINGLE)) {
  t.test(`a server that stands still, with ${client}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const store = new RedisSessionStore({ client: await connect(t, server.port), timeout: 0.3 })
    await patiently(() => store.open())
    const sesid = await patiently(() => store.newSession())
    const name = store.nameOf(sesid)
    const version = (await patiently(() => store.read(name)))?.version as string
    server.stop()
    await t.rejects(store.replace(name, { text: 'late' }, version), { name: 'SessionStoreError', message: /did not answer in time.*not known whether/ })
    const trial = t.rejects(store.read(name), { message: /cannot read a session in Redis: the server did not answer/ })
    await t.rejects(store.read(name), { message: /did not answer/ }, 'while one call tries on, the others fail at once')
    await trial
    server.continue()
    await t.resolves(patiently(() => store.read(name)))
    t.match(await patiently(() => store.replace(name, { text: 'late' }, version)), { result: 'replaced' }, 'the same call again is recognised')
    t.match(await patiently(() => store.read(name)), { text: 'late' })
  })

  t.test(`a server that is gone and comes again, with ${client}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t, { appendonly: 'yes', appendfsync: 'always' })
    const store = new RedisSessionStore({ client: await connect(t, server.port), timeout: 1 })
    await patiently(() => store.open())
    const sesid = await patiently(() => store.newSession())
    await server.kill()
    await t.rejects(store.getSession(sesid), { name: 'SessionStoreError' })
    await server.start()
    while (await store.getSession(sesid).catch(() => null) === null);
    await server.run('SCRIPT', 'FLUSH')
    await patiently(() => store.putSession(sesid, 'after the flush'))
    await server.run('SCRIPT', 'FLUSH')
    t.equal(await patiently(() => store.getSession(sesid)), 'after the flush')
    await patiently(() => store.delSession(sesid))
  })
}

t.test('what a server refuses', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const store = new RedisSessionStore({ client: await connect6(t, server.port), timeout: 30 })
  /** What passes by itself is tried again until the time is up. */
  const hasty = new RedisSessionStore({ client: await connect6(t, server.port), timeout: 0.3 })
  await store.open()
  const [sesid, ending] = [await store.newSession(), await store.newSession()]
  const name = store.nameOf(sesid)
  const secrets = [sesid, name, 'secret text']
  const rejected = async (call: Promise<unknown>, message: RegExp): Promise<void> => {
    const error: unknown = await call.then(() => t.fail(`${message} was expected`), (error: unknown) => error)
    t.match(error, { name: 'SessionStoreError', code: 'SESSION_STORE', message })
    const shown = inspect(error, { depth: 10, showHidden: true })
    t.notOk(secrets.some(secret => shown.includes(secret)), 'the error holds no secret')
  }
  const put = () => store.putSession(sesid, 'secret text')

  await server.run('CONFIG', 'SET', 'maxmemory', '1')
  await rejected(put(), /cannot save a session in Redis: OOM; .*raise maxmemory/)
  t.equal(await store.getSession(sesid), '', 'reads go on')
  t.equal(await store.remove(store.nameOf(ending)), 'removed', 'sessions can be ended')
  t.equal(await store.getSession(ending), null)
  t.match(await look.client.sendCommand(['GET', `file-sessions:sid:{${store.nameOf(ending)}}`]), /^E1[\w-]+$/, 'and the key tells of the end')
  t.equal(await store.remove(store.nameOf(ending)), 'gone')
  t.equal(await store.remove(store.nameOf('of no session')), 'gone')
  await server.run('CONFIG', 'SET', 'maxmemory', '0')
  await server.run('CONFIG', 'SET', 'min-replicas-to-write', '1')
  await rejected(patiently(() => hasty.putSession(sesid, 'secret text')), /NOREPLICAS; .*too few replicas/)
  await server.run('CONFIG', 'SET', 'min-replicas-to-write', '0')
  await put()
  const key = `file-sessions:sid:{${name}}`
  await look.spoil(key)
  await rejected(store.read(name), /WRONGTYPE; .*prefix/)
  await rejected(put(), /WRONGTYPE; .*prefix/)
  await look.client.sendCommand(['SET', key, 'a value of another program'])
  await rejected(store.read(name), /another program/)
  await rejected(store.create(name, { text: 'secret text' }), /WRONGTYPE; .*prefix/)
  await server.run('SET', 'some', 'key')
  await t.rejects(store.read('not a name'), { code: 'SESSION_ID' })
})

t.test('a client of a replica', { skip: redisIsMissing }, async t => {
  const { replica } = await startReplicated(t)
  const store = new RedisSessionStore({ client: await connect6(t, replica.port), timeout: 0.3 })
  await t.rejects(patiently(() => store.open()), { message: /READONLY; .*connect it to the primary/ })
})

t.test('open says what is wrong', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const user = async (...rules: string[]): Promise<void> => { await server.run('ACL', 'SETUSER', 'default', 'reset', 'on', 'nopass', '~*', '+@all', ...rules) }
  const open = async (): Promise<readonly string[]> => {
    const store = new RedisSessionStore({ client: await connect6(t, server.port), timeout: 30 })
    await store.open()
    await store.open()
    await store.close()
    return store.warnings
  }
  t.strictSame(await open(), [])
  t.strictSame(await server.run('KEYS', '*'), [], 'nothing is left of the trial')
  for (const policy of ['allkeys-lru', 'volatile-ttl']) {
    await server.run('CONFIG', 'SET', 'maxmemory-policy', policy)
    t.match(await open(), [new RegExp(`maxmemory-policy is ${policy}`)])
  }
  await server.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  const [, rights = ''] = /needs `(.*?)` on `~file-sessions/s.exec(readFileSync('docs/stores.md', 'utf8')) ?? []
  await user('-@all', '+hello', ...rights.split(/\s+/), 'resetkeys', '~file-sessions:*', '+acl', '+config', '+ping')
  t.strictSame(await open(), [], 'the rights that the docs name are enough')
  await user('-info')
  t.match(await open(), [/does not tell its version/])
  await user('-info', '-evalsha', '-eval')
  await t.rejects(open(), { name: 'SessionStoreError', message: /NOPERM; .*\+eval/ })
  for (const right of ['-set', '-getrange', 'resetkeys']) {
    await user(right)
    await t.rejects(open(), { name: 'SessionStoreError', message: /NOPERM; .*on the keys of the prefix/ }, right)
  }
})

t.test('a client that is not connected', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  for (const [name, connect] of clientsOf(SINGLE)) {
    const client = await connect(t, server.port) as { destroy?: () => unknown, disconnect?: () => void, close: () => void }
    const store = new RedisSessionStore({ client: client as never, timeout: 30 })
    await store.open()
    if (client.destroy !== undefined) client.destroy()
    else if (client.disconnect !== undefined) client.disconnect()
    else client.close()
    if ('status' in client) while (client.status !== 'end') await new Promise(setImmediate)
    await t.rejects(store.open(), { name: 'SessionStoreError', message: /not connected|was closed/ }, name)
    await t.rejects(store.read(storageName('sid', 'x')), { message: /not connected|was closed/ }, name)
  }
})

t.test('the server\'s clock decides, not the one of the app', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const store = new RedisSessionStore({ client: await connect6(t, server.port), idleTimeout: 600, absoluteTimeout: 1200 })
  await store.open()
  const real = Date.now
  t.teardown(() => { Date.now = real })
  for (const off of [-3_600_000, 3_600_000]) {
    const sesid = await store.newSession()
    Date.now = () => real() + off
    const session = await store.read(store.nameOf(sesid))
    t.match(session, { text: '', touchDue: false })
    t.ok(Math.abs((session?.createdAt as number) - real()) < 60_000)
    await store.putSession(sesid, 'text')
    t.equal(await store.getSession(sesid), 'text')
    Date.now = real
  }
})

t.test('a move that the server refuses ends at once, and the session is what it was', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const store = new RedisSessionStore({ client: await connect6(t, server.port), timeout: 20 })
  await store.open()
  const visits = new Visits(store)
  const sesid = await visits.stored({ user: 'a' })
  const { remove } = store
  let asked = 0
  store.remove = async (name, version) => {
    if (name === store.nameOf(sesid)) {
      asked++
      await server.run('ACL', 'SETUSER', 'default', '-set')
    }
    return await remove.call(store, name, version)
  }
  const visit = await visits.begin(sesid)
  await t.rejects(visit.session.regenerate(['user']), { code: 'SESSION_STORE', outcome: 'refused', message: /NOPERM/ })
  t.equal(asked, 1)
  t.equal(visit.session.sessionId, sesid)
  t.match(await visits.finish(visit), { change: 'none' })
  await server.run('ACL', 'SETUSER', 'default', '+set')
  t.strictSame(await look(visits, sesid), { user: 'a' })
})

t.test('an id is kept for the same call only if that may have been carried out', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const store = new RedisSessionStore({ client: await connect6(t, server.port), timeout: 20 })
  await store.open()
  const name = store.nameOf(await store.newSession())
  await server.run('ACL', 'SETUSER', 'default', '-set')
  await t.rejects(store.remove(name), { name: 'SessionStoreError', outcome: 'refused' })
  const again = await store.remove(name).catch((error: unknown) => error) as SessionStoreError
  t.match(again, { name: 'SessionStoreError', outcome: 'refused' })
  t.notMatch(again.message, /not known/, 'nothing was done the first time either')
})
