import t from 'tap'
import { isValkeyGlide, valkeyGlideConnection } from '../../../lib/store/redis/valkey-glide'

/** A client like one of valkey-glide, with what it was asked. */
function clientOf (more: object = {}, answer: unknown = 'answer') {
  const asked: unknown[] = []
  const client = { customCommand: async (...parameters: unknown[]) => { asked.push(parameters); return answer }, close () {}, ...more }
  return { client, asked }
}

t.test('a client of valkey-glide is told by its methods', async t => {
  t.ok(isValkeyGlide(clientOf().client))
  for (const other of [{}, { sendCommand () {}, multi () {}, isOpen: true }]) t.notOk(isValkeyGlide(other))
})

t.test('a client runs a command as it is; it cannot wait for replicas, and not listen', async t => {
  const { client, asked } = clientOf()
  const connection = valkeyGlideConnection(client)
  t.match(connection, { client: 'client of valkey-glide', isCluster: false, joinsCalls: true, keyPrefix: '', runAndWait: undefined, listen: undefined })
  t.equal(await connection.run('key', ['GET', 'key']), 'answer')
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [[['GET', 'key']], [['PING']]])
  t.strictSame([connection.isReady(), connection.obstacle()], [true, null])
})

t.test('a client that was closed is in the way', async t => {
  t.equal(valkeyGlideConnection(clientOf({ isClosed: false }).client).obstacle(), null)
  t.match(valkeyGlideConnection(clientOf({ isClosed: true }).client).obstacle(), /was closed/)
})

t.test('a cluster names its primaries, and each is asked by its address', async t => {
  const { client, asked } = clientOf({ invokeScriptWithRoute () {} }, [{ key: 'a:1', value: 5 }, { key: 'b:2', value: 6 }])
  const connection = valkeyGlideConnection(client)
  t.match(connection, { client: 'cluster client of valkey-glide', isCluster: true, joinsCalls: false })
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [
    [['CLIENT', 'ID'], { route: 'allPrimaries' }], [['PING'], { route: { type: 'routeByAddress', host: 'a:1' } }], [['PING'], { route: { type: 'routeByAddress', host: 'b:2' } }]
  ])
})
