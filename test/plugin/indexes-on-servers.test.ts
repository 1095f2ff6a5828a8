import pg from 'pg'
import t, { type Test } from 'tap'
import type { SessionStore } from '../../index'
import { PostgresSessionStore } from '../../postgres'
import { RedisSessionStore } from '../../redis'
import { Browser, indexedApp } from '../support/indexed-app'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { CLUSTER, SINGLE } from '../support/redis-clients'
import { redisIsMissing, RedisServer, startCluster } from '../support/redis-server'

/** Two processes that share a server, parallel logins, moves and switches, and an end of all. */
async function everywhere (t: Test, makeStore: () => SessionStore): Promise<void> {
  const apps = await Promise.all([1, 2].map(async () => {
    const app = indexedApp({ store: makeStore(), maxPerValue: { user: 6 } })
    t.teardown(() => app.close())
    await app.ready()
    return app
  }))
  const store = apps[0]?.sessionStore as NonNullable<typeof apps[0]>['sessionStore']
  const found = async (value: number): Promise<number> => {
    let count = 0
    for await (const { about, lastUsed = 0, expiresAt = 0 } of store.sessionsOf('user', value)) {
      t.strictSame(about, { agent: 'a browser' })
      t.ok(lastUsed < expiresAt)
      count++
    }
    return count
  }
  const browsers = Array.from({ length: 12 }, (_, at) => new Browser(apps[at % 2] as never))
  await Promise.all(browsers.map(browser => browser.login(42)))
  const users = async (): Promise<unknown[]> => await Promise.all(browsers.map(browser => browser.user()))
  const living = (await users()).filter(user => user === '42').length
  t.ok(living > 0 && living <= 6, `${living} of 12 logins live`)
  t.equal(await found(42), living)
  await Promise.all(browsers.map(async (browser, at) => await browser.get(at % 3 === 0 ? '/regenerate?keep=user' : at % 3 === 1 ? '/update/note/1' : '/set/note/2')))
  t.equal(await found(42), living)
  const [switching] = browsers.filter((_, at) => at % 2 === 0)
  await switching?.login(7)
  t.equal(await found(7), 1)
  const moves = browsers.map(browser => browser.get('/regenerate?keep=user'))
  await store.revokeAll('user', 42)
  await Promise.all(moves)
  t.equal((await users()).filter(user => user === '42').length, 0)
  t.equal(await found(42), 0)
  t.equal(await switching?.user(), '7')
  const handle = (await switching?.get('/set/note/3'))?.handle ?? ''
  t.equal(await store.revoke(handle), true)
  t.equal(await found(7), 0)
  t.match(await store.reapIndexes(), { failed: 0 })
}

t.test('on Redis, with a cache of reads', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = await (SINGLE['redis 6'] ?? Object.values(SINGLE)[0])?.(t, server.port) as never
  await everywhere(t, () => new RedisSessionStore({ client, cache: {} }))
})

t.test('on a cluster', { skip: redisIsMissing }, async t => {
  const servers = await startCluster(t)
  const client = await (CLUSTER['ioredis 6, cluster'])?.(t, servers[0]?.port as number) as never
  await everywhere(t, () => new RedisSessionStore({ client }))
})

t.test('on PostgreSQL', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const pool = new pg.Pool({ ...server.address, max: 8 })
  t.teardown(() => pool.end())
  await everywhere(t, () => new PostgresSessionStore({ pool, encryption: { secrets: ['a secret of at least 32 bytes for it'] } }))
})
