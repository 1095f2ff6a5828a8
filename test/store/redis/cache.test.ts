import t from 'tap'
import { isImmediate } from '../../../lib/store/features'
import type { ImmediateRecordStore } from '../../../lib/store/store-abilities'
import { RedisSessionStore } from '../../../redis'
import { clientsOf, type Connect, SINGLE } from '../../support/redis-clients'
import { RedisServer, redisIsMissing, type Test } from '../../support/redis-server'
import { stopTime } from '../../support/steady-time'
import { TcpProxy } from '../../support/tcp-proxy'

type Cached = RedisSessionStore & ImmediateRecordStore

/** Lets the event loop turn until this holds. */
async function until (holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise(resolve => setTimeout(resolve, 5))
}

async function cachedStore (t: Test, connect: Connect, port: number, cache: object = {}): Promise<Cached> {
  const store = new RedisSessionStore({ client: await connect(t, port), cache: { maxStaleness: 0.3, ...cache } })
  await store.open()
  t.teardown(() => store.close())
  return store as Cached
}

for (const [client, connect] of clientsOf(SINGLE)) {
  if (client === 'valkey-glide') continue
  t.test(`reads from memory, with ${client}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const proxy = await TcpProxy.start(server.port)
    t.teardown(() => proxy.stop())
    const near = new RedisSessionStore({ client: await connect(t, server.port) })
    t.notOk(isImmediate(near))
    const store = await cachedStore(t, connect, proxy.port)
    t.ok(isImmediate(store))
    const sesid = await near.newSession()
    const name = near.nameOf(sesid)
    const warm = async (text: string): Promise<void> => {
      await until(async () => {
        await store.read(name)
        return store.readNow(name) !== undefined
      })
      t.match(store.readNow(name), { text })
    }
    t.equal(store.readNow(name), undefined)
    await warm('')
    t.equal(store.replaceNow(name, { text: '' }, ''), undefined)

    await near.putSession(sesid, 'of another host')
    await until(() => store.readNow(name) === undefined)
    await warm('of another host')

    await store.putSession(sesid, 'own')
    t.match(await store.read(name), { text: 'own' }, 'an own save is seen at once')
    await warm('own')
    await server.run('FLUSHALL')
    await until(() => store.readNow(name) === undefined)
    t.equal(await store.read(name), null)

    const other = near.nameOf(await near.newId())
    await near.create(other, { text: 'other' })
    await until(async () => {
      await store.read(other)
      return store.readNow(other) !== undefined
    })
    // Nor does time go by while the other host works, so that the cache is as fresh after it as before.
    const goOn = stopTime(t)
    proxy.hold()
    await near.remove(other)
    t.match(store.readNow(other), { text: 'other' }, 'the connection hangs: the logout is not known yet')
    goOn()
    await until(() => store.readNow(other) === undefined)
    t.pass('within the longest staleness the cache is not used any more')
    proxy.release()
    await until(async () => await store.read(other) === null)
    proxy.cut()
    await near.create(other, { text: 'again' })
    await until(async () => (await store.read(other).catch(() => null))?.text === 'again')
    await until(() => store.readNow(other) !== undefined || (store.read(other).catch(() => null), false))
    t.match(store.readNow(other), { text: 'again' }, 'a connection that broke is made anew')
    await store.close()
    t.equal(store.readNow(other), undefined)
  })
}
