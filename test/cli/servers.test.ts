import t, { type Test } from 'tap'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { dirname, join } from 'node:path'
import { importClient } from '../../lib/cli/client-package'
import { openRedis } from '../../lib/cli/redis-place'
import { serverUrl, type ServerUrl } from '../../lib/cli/server-url'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { departure, reservation } from '../../lib/store/moving-marks'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import { sessionHandle } from '../../lib/store/session-id'
import type { PortableRecordStore } from '../../lib/store/store-abilities'
import { fileSessions, twoApps } from '../support/command'
import { newSession } from '../support/new-session'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { RedisServer, redisIsMissing } from '../support/redis-server'

type Store = PortableRecordStore & { clear: () => Promise<number> }
type MakeStore = (appid: string) => Store

/** What the command does on any server that is empty. */
async function usedAsPlace (t: Test, url: string, makeStore: MakeStore): Promise<void> {
  t.match(await fileSessions(['list', url, '--json']), { exitCode: 0, out: '[]\n' }, 'nothing is there')
  t.match(await fileSessions(['list', url, '--appid', 'shop']), { exitCode: 1, err: /holds no sessions of appid shop\n$/ })
  const [shop, admin] = ['shop', '__Host-admin'].map(makeStore) as [Store, Store]
  const { sesid, name } = await newSession(shop, '{"user":"anna"}')
  await newSession(shop, { text: '{}', idleTimeout: 30 * 86400 })
  await newSession(admin, '{}')

  t.match(JSON.parse((await fileSessions(['list', url, '--json'])).out), [
    { appid: '__Host-admin', sessions: 1 },
    { appid: 'shop', sessions: 2, size: { min: 2, max: 15, total: 17 }, formats: { plain: 2 }, unreadable: 0 }
  ])
  t.match((await fileSessions(['list', url, '--sessions', '--appid', 'shop'])).out, new RegExp(`^${sessionHandle(name)} +\\d+s +\\d+s +15  shop$`, 'm'))
  t.match(await fileSessions(['list', url], { isTTY: true }), { exitCode: 0, err: /shop 1/ })
  t.match(await fileSessions(['show', url, '--appid', 'shop', '-'], { input: sesid }),
    { exitCode: 0, out: '{"user":"anna"}\n', err: /made \ds ago, last used \ds ago, may idle as long as the app says, 15 bytes/ })
  t.match(await fileSessions(['show', url, '--appid', 'shop', 'other']), { exitCode: 1, err: /has no such session/ })
  t.match(await fileSessions(['verify', url]), { exitCode: 0, out: '3 sessions: 0 torn, 0 unreadable; 0 foreign\n' })
  t.match(await fileSessions(['clean', url, '--dry-run', '--json']), { exitCode: 0, out: /"seen": 2,\s+"expired": 0/ })
  t.match(await fileSessions(['clean', url]), { exitCode: 0, out: 'shop: removed 0 of 2 sessions' })
  t.match(await fileSessions(['stats', url, '--appid', 'shop']), { exitCode: 0, out: / 2 +17 .* shop\n/ })
  t.match(await fileSessions(['doctor', url]), { out: /good {2}server: answers, and can keep sessions/ })
  t.match(await fileSessions(['delete', url, '--appid', 'shop', sesid]), { exitCode: 0, out: '' })
  t.match(await fileSessions(['delete', url, '--appid', 'shop', sesid]), { exitCode: 1 })
  t.equal(await shop.getSession(sesid), null)
}

/** Copies sessions there and back again. */
async function copiedThereAndBack (t: Test, url: string, makeStore: MakeStore): Promise<void> {
  const { sessionDir, sesid, shop } = await twoApps(t)
  const { name } = await newSession(shop, { text: 'remembered', idleTimeout: 30 * 86400 })
  const server = makeStore('shop')
  await server.clear()
  t.match(await fileSessions(['copy', sessionDir, url, '--appid', 'shop', '--dry-run']), { exitCode: 0, out: 'shop: would have copied up to 4; 0 expired, 0 failed\n' })
  t.match(await fileSessions(['copy', sessionDir, url, '--appid', 'shop']), { exitCode: 0, out: 'shop: 4 copied, 0 present, 0 expired, 0 failed\n' })
  t.match(await fileSessions(['copy', sessionDir, url, '--appid', 'shop']), { exitCode: 0, out: 'shop: 0 copied, 4 present, 0 expired, 0 failed\n' })
  t.equal(await server.getSession(sesid), '{"user":"anna"}')
  t.match(await server.read(name), { idleTimeout: 30 * 86400, createdAt: (await shop.read(name))?.createdAt })
  t.equal(await shop.getSession(sesid), '{"user":"anna"}', 'the old place keeps it')

  const back = join(dirname(sessionDir), 'back')
  t.match(await fileSessions(['copy', url, back, '--appid', 'shop', '--move']), { exitCode: 0, out: 'shop: 4 moved, 0 present, 0 expired, 0 failed\n' })
  t.equal(await server.getSession(sesid), null)
  const store = new SessionFileStore({ sessionDir: back, appid: 'shop' })
  t.equal(await store.getSession(sesid), '{"user":"anna"}')
  t.match(await store.read(name), { idleTimeout: 30 * 86400, createdAt: (await shop.read(name))?.createdAt })
}

t.test('Redis', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  const makeStore: MakeStore = appid => new RedisSessionStore({ client, appid, prefix: 'test:' })
  const url = `${server.url}/0?prefix=test:`
  await t.test('as a place', t => usedAsPlace(t, url, makeStore))
  await t.test('there and back', t => copiedThereAndBack(t, url, makeStore))

  await t.test('a key of another program', async t => {
    await client.set(`test:shop:{${'0'.repeat(64)}}`, 'something')
    t.match(await fileSessions(['verify', url]), { exitCode: 2, out: /unreadable {2}redis:\/\/127.0.0.1:\d+\/0, appid shop: (cannot \w+ .* in Redis: WRONGTYPE; )?a key under the prefix/ })
    t.match(await fileSessions(['list', url]), { exitCode: 2, err: /shop: 1 could not be read, the first: (cannot .* in Redis: WRONGTYPE; )?a key under the prefix/ })
    t.match(await fileSessions(['clean', url]), { exitCode: 2, err: /1 failed, the first: (cannot .* in Redis: WRONGTYPE; )?a key under/ })
    await client.set(`test:shop:{${'0'.repeat(64)}}`, 'S1 and what a fault left of it')
    t.match(await fileSessions(['verify', url]), { exitCode: 2, out: /unreadable {2}redis:.*, appid shop: a session does not open: its text was changed, cut off/ })
    await client.del(`test:shop:{${'0'.repeat(64)}}`)
    await client.set('test:{}', 'something')
    await client.set(`test:{${'0'.repeat(64)}}`, 'something')
    await client.set('test:other:{short}', 'something')
    t.match(await fileSessions(['list', `${server.url}?prefix=test:`]), { exitCode: 0 })
  })

  await t.test('by another client', async t => {
    for (const name of ['ioredis', 'iovalkey']) {
      const place = await openRedis(serverUrl(url) as ServerUrl, { maxSize: 1000 }, () => importClient([name]))
      t.match((await place.appids('__Host-admin'))[0], { appid: '__Host-admin' })
      const findings = []
      for await (const finding of place.findings({ idleTimeout: 1, absoluteTimeout: undefined })) findings.push(finding)
      t.match(findings, [{ isGood: true, text: `client: ${name}` }])
      await place.close()
      await t.rejects(openRedis(serverUrl('redis://127.0.0.1:1') as ServerUrl, { maxSize: 1000 }, () => importClient([name])), { message: /cannot connect to redis:\/\/127.0.0.1:1.*: .*ECONNREFUSED/ })
    }
  })

  await t.test('a server that may remove sessions', async t => {
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    t.match(await fileSessions(['doctor', url]), { exitCode: 1, out: /^look {2}setting: .*allkeys-lru/m })
  })

  await t.test('an app moves from files to Redis', async t => {
    const { sessionDir, shop } = await twoApps(t)
    const token = '1'.repeat(32)
    const redis = makeStore('shop')
    await redis.clear()
    const { name, version } = await newSession(shop, 'text')
    await shop.replace(name, { text: departure(token, 'text') }, version)
    await redis.create(name, { text: reservation(token) })
    t.match(await fileSessions(['list', sessionDir]), { exitCode: 0, out: 'shop: 3 plain, 1 moving\n' })
    t.match(await fileSessions(['copy', sessionDir, url, '--appid', 'shop', '--json']), { exitCode: 0, out: /"copied": 4,/ }, 'an unfinished move is completed')
    t.match(await redis.read(name), { text: 'text' })
  })
})

t.test('PostgreSQL', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const { host, port, user, database } = server.address
  const pool = new Pool(server.address)
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const makeStore: MakeStore = appid => new PostgresSessionStore({ pool, appid, table: 'kept' })
  const url = `postgres://${user}@${host}:${port}/${database}?table=kept`
  t.match(await fileSessions(['list', url]), { exitCode: 2, err: /relation "public.kept" does not exist/ })
  t.match(await fileSessions(['doctor', url]), { exitCode: 2, err: /does not exist/ }, 'and does not make it')
  await pool.query((await fileSessions(['schema', '--table', 'kept'])).out)
  await makeStore('sid').open()
  await t.test('as a place', t => usedAsPlace(t, url, makeStore))
  await t.test('there and back', t => copiedThereAndBack(t, url, makeStore))
  await t.test('what has expired', async t => {
    await newSession(makeStore('shop'))
    await pool.query("UPDATE kept SET accessed_at = now() - interval '1 hour'")
    t.match(await fileSessions(['clean', url, '--appid', 'shop', '--dry-run', '--idle', '30m']), { out: /would remove [1-9]\d* of / })
    t.match(await fileSessions(['copy', url, t.testdir(), '--appid', 'shop', '--idle', '30m', '--dry-run']), { out: /up to 0; [1-9]\d* expired/ })
    t.match(await fileSessions(['clean', url, '--appid', 'shop', '--idle', '30m']), { out: /removed [1-9]\d* of / })
  })
})
