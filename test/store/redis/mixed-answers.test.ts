import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createClient } from 'redis-5'
import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { patiently } from '../../support/patiently'
import { RedisServer, redisIsMissing } from '../../support/redis-server'
import { TcpProxy } from '../../support/tcp-proxy'

t.test('redis 5 loses count when its connection is reset after a call and before the end of the turn: no session is mixed up', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const proxy = await TcpProxy.start(server.port)
  t.teardown(() => proxy.stop())
  const client = createClient({ disableClientInfo: true, socket: { host: '127.0.0.1', port: proxy.port, reconnectStrategy: 20 } })
  client.on('error', () => {})
  t.teardown(() => { client.destroy() })
  await client.connect()
  const store = new RedisSessionStore({ client, timeout: 1 })
  await patiently(() => store.open())
  const names = await Promise.all(Array.from({ length: 5 }, async () => store.nameOf(await store.newId())))
  for (const name of names) await patiently(() => store.create(name, { text: `of ${name}` }))
  // Data for another connection, and the reset of the client's, arrive in one turn and in this order.
  const [near, far] = await sockets(t)
  const read = (name: string): Promise<string | Error> => store.read(name).then(session => session?.text ?? 'none', (error: Error) => error)
  const ready = new Promise(resolve => client.once('ready', resolve))
  let lost: Promise<string | Error> | undefined
  near.once('data', () => { lost = read(names[0] as string) })
  await new Promise(setImmediate)
  far.write('now')
  proxy.reset()
  await ready
  const seen = [await Promise.all(names.map(read)), await Promise.all(names.map(read)), [await lost as string | Error]]
  for (const texts of seen) for (const text of texts) t.match(text, { name: 'SessionStoreError' }, 'no session is served')
  await t.rejects(patiently(() => store.read(names[0] as string)), { message: /the client hands out answers to other commands/ })
  const again = new Promise(resolve => client.once('ready', resolve))
  proxy.reset()
  await again
  for (const name of names) t.match(await patiently(() => store.read(name)), { text: `of ${name}` }, 'after a new connection it counts anew')
})

async function sockets (t: { teardown: (task: () => void) => void }): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = await once(server, 'connection') as [Socket]
  t.teardown(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far]
}
