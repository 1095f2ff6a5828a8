import t from 'tap'
import { isNodeRedis, nodeRedisConnection, type NodeRedisClient, type NodeRedisCluster, type NodeRedisPool, type NodeRedisSentinel } from '../../../lib/store/redis/node-redis'
import { listener, listening, STEPS, Twin } from '../../support/failing-twin'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

function clientOf (twin: unknown): ScriptedNodeRedis {
  return Object.assign(new ScriptedNodeRedis(), { twin })
}

/** A pipeline that answers each command with its first word. */
function multi () {
  const commands: string[] = []
  return {
    addCommand (...parameters: unknown[]) { commands.push((parameters.at(-1) as string[])[0] as string) },
    execAsPipeline: async () => commands
  }
}

t.test('a client of node-redis is told by its methods', async t => {
  t.ok(isNodeRedis(new ScriptedNodeRedis()))
  for (const other of [{}, { status: 'ready', call () {}, pipeline () {}, options: {} }, { customCommand () {} }]) t.notOk(isNodeRedis(other))
})

t.test('a client runs a command as it is, without a timeout of its own', async t => {
  const asked: unknown[] = []
  const client = Object.assign(new ScriptedNodeRedis(), { sendCommand: async (...parameters: unknown[]) => { asked.push(parameters); return 'answer' }, multi })
  const connection = nodeRedisConnection(client)
  t.match(connection, { client: 'client of node-redis', isCluster: false, keyPrefix: '' })
  t.equal(await connection.run('key', ['GET', 'key']), 'answer')
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [[['GET', 'key'], { timeout: undefined }], [['PING'], { timeout: undefined }]])
  t.strictSame(await connection.runAndWait?.('key', ['SET'], ['WAIT']), ['SET', 'WAIT'])
})

t.test('only clients of version 6 and newer have their calls joined', async t => {
  t.equal(nodeRedisConnection(new ScriptedNodeRedis()).joinsCalls, false)
  t.equal(nodeRedisConnection(Object.assign(new ScriptedNodeRedis(), { commandDocs () {} })).joinsCalls, true)
})

t.test('a client says whether it is ready, and what is in the way', async t => {
  const connection = nodeRedisConnection(Object.assign(new ScriptedNodeRedis(), { isReady: false }))
  t.strictSame([connection.isReady(), connection.obstacle()], [false, null], 'it connects again by itself')
  t.match(nodeRedisConnection(Object.assign(new ScriptedNodeRedis(), { isOpen: false })).obstacle(), /not connected/)
})

t.test('a pool is ready when it is open, and lends a client to be listened with', async t => {
  const twin = new Twin()
  const one = clientOf(twin)
  const pool = Object.assign(new ScriptedNodeRedis(), { isReady: undefined, totalClients: 1, execute: async (task: (client: unknown) => unknown) => task(one) }) as unknown as NodeRedisPool
  const connection = nodeRedisConnection(pool)
  t.match(connection, { client: 'pool of node-redis', isCluster: false })
  t.equal(connection.isReady(), true)
  await connection.listen?.(listening)
  t.equal(twin.sent.length, 3)
})

t.test('a cluster is asked by key, and server by server where all are meant', async t => {
  const asked: unknown[] = []
  const cluster = {
    isOpen: true,
    masters: ['a', 'b'],
    sendCommand: async (...parameters: unknown[]) => { asked.push(parameters); return 'answer' },
    nodeClient: async (node: string) => ({ sendCommand: async (command: string[]) => { asked.push([node, command]) } }),
    multi (key: string) { asked.push(key); return multi() }
  } as unknown as NodeRedisCluster
  const connection = nodeRedisConnection(cluster)
  t.match(connection, { client: 'cluster of node-redis', isCluster: true, joinsCalls: false, listen: undefined })
  t.equal(await connection.run('key', ['GET', 'key']), 'answer')
  t.strictSame(await connection.runAndWait?.('key', ['SET'], ['WAIT']), ['SET', 'WAIT'])
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [['key', false, ['GET', 'key']], 'key', ['a', ['PING']], ['b', ['PING']]])
  t.strictSame([connection.isReady(), connection.obstacle()], [true, null])
})

t.test('a sentinel client asks the primary', async t => {
  const asked: unknown[] = []
  const sentinel = {
    isOpen: true,
    isReady: true,
    getSentinelNode () {},
    sendCommand: async (...parameters: unknown[]) => { asked.push(parameters); return 'answer' },
    multi
  } as unknown as NodeRedisSentinel
  const connection = nodeRedisConnection(sentinel)
  t.match(connection, { client: 'sentinel client of node-redis', isCluster: false, listen: undefined })
  t.equal(await connection.run('key', ['GET', 'key']), 'answer')
  t.strictSame(await connection.runAndWait?.('key', ['SET'], ['WAIT']), ['SET', 'WAIT'])
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [[false, ['GET', 'key'], { timeout: undefined }], [false, ['PING'], { timeout: undefined }]])
  t.strictSame([connection.isReady(), connection.obstacle()], [true, null])
})

t.test('a listener has a connection of its own, which is told of changes', async t => {
  const twin = new Twin()
  const asked: unknown[] = []
  const client = { ...clientOf(twin), isReady: true, options: { socket: { port: 1 } }, sendCommand: async () => null, multi, duplicate (settings: object) { asked.push(settings); return twin } }
  const { listening, told } = listener()
  const made = await nodeRedisConnection(client as NodeRedisClient).listen?.(listening)
  t.match(asked, [{ RESP: 2, socket: { port: 1, reconnectStrategy: false }, emitInvalidate: false }])
  t.strictSame(twin.sent, [['CLIENT', 'ID'], ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', '7', 'BCAST', 'PREFIX', 'p:'], ['SUBSCRIBE', 'channel']])
  twin.listeners.get('message')?.(['key'], 'channel')
  twin.listeners.get('error')?.(new Error('broken'))
  twin.listeners.get('end')?.()
  t.strictSame(told, [['channel', ['key']], 'lost', 'lost'])
  t.notOk(twin.isClosed)
  made?.close()
  t.ok(twin.isClosed)
})

for (const step of STEPS) {
  t.test(`a listener that cannot be made, because ${step} fails, leaves no connection behind`, async t => {
    const twin = new Twin(step)
    await t.rejects(nodeRedisConnection(clientOf(twin)).listen?.(listening) as Promise<unknown>, { message: `${step} fails` })
    t.ok(twin.isClosed)
  })
}

t.test('a listener whose connection is gone already can be closed', async t => {
  const made = await nodeRedisConnection(clientOf(new Twin('destroy'))).listen?.(listening)
  t.doesNotThrow(() => { made?.close() })
})
