import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { Redis as Valkey } from 'iovalkey'
import t from 'tap'
import type { ImmediateRecordStore } from '../../../lib/store/store-abilities'
import { RedisSessionStore, type RedisClient } from '../../../redis'
import { RedisServer, redisIsMissing } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'

/** The characters are those that mean something in a pattern for SCAN. */
const keyPrefix = 'app[1]*:'
/** Seconds: longer than the test takes, so that a cached session goes for no other reason than that a message told of its end. */
const maxStaleness = 20

interface Options { host?: string, port?: number, keyPrefix: string, lazyConnect?: boolean }

const CLIENTS: Readonly<Record<string, (options: Options) => RedisClient & { disconnect (): void }>> = {
  'ioredis 6': options => new Redis(options),
  'ioredis 5': options => new Redis5(options),
  iovalkey: options => new Valkey(options)
}

for (const [name, makeClient] of Object.entries(CLIENTS)) {
  t.test(`a prefix of the client's own, with ${name}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const look = await RedisSessions.connect(t, server)
    const storeFor = async (keyPrefix: string, options: object = {}): Promise<RedisSessionStore & ImmediateRecordStore> => {
      const client = makeClient({ host: '127.0.0.1', port: server.port, keyPrefix })
      t.teardown(() => { client.disconnect() })
      const store = new RedisSessionStore({ client, ...options })
      await store.open()
      t.teardown(() => store.close())
      return store as RedisSessionStore & ImmediateRecordStore
    }
    const [store, second] = [await storeFor(keyPrefix), await storeFor(keyPrefix, { cache: { maxStaleness } })]
    const other = await storeFor('app1:')
    const others = await other.newSession()
    const sesids = [await store.newSession(), await store.newSession(), await store.newSession()] as const
    t.strictSame((await look.keys()).map(key => key.slice(0, key.indexOf('{'))).sort(),
      ['app1:', keyPrefix, keyPrefix, keyPrefix].map(start => `${start}file-sessions:sid:`).sort())
    const count = async (): Promise<number> => {
      let all = 0
      for await (const { size } of store.sessions()) all += size + 1
      return all
    }
    t.equal(await count(), 3)

    const ended = store.nameOf(sesids[0])
    while (second.readNow(ended) === undefined) await second.read(ended)
    await store.delSession(sesids[0])
    while (second.readNow(ended) !== undefined) await new Promise(setImmediate)
    t.equal(await second.read(ended), null, 'the logout is seen')

    t.equal(await count(), 2)
    t.equal(await store.clear(), 2)
    t.strictSame(await Promise.all(sesids.map(sesid => second.getSession(sesid))), [null, null, null])
    t.equal(await other.getSession(others), '')
  })

  t.test(`a prefix that is a Buffer, with ${name}`, t => {
    const client = makeClient({ lazyConnect: true, keyPrefix: Buffer.from('app:') as unknown as string })
    t.throws(() => new RedisSessionStore({ client }), { code: 'SESSION_OPTION', message: /option client must have a keyPrefix that is a string/ })
    t.end()
  })
}
