import t from 'tap'
import { ioredisConnection, isIoredis, type IoredisClient, type IoredisCluster } from '../../../lib/store/redis/ioredis'
import { listener, listening, STEPS, Twin } from '../../support/failing-twin'

interface Settings { status?: string, options?: object, answers?: Array<[Error | null, unknown]>, twin?: Twin }

/** A client like one of ioredis, with what it was asked. */
function clientOf ({ status = 'ready', options = {}, answers = [], twin = new Twin() }: Settings = {}) {
  const asked: unknown[] = []
  const client = {
    status,
    options,
    async call (...command: string[]) { asked.push(command); return 'answer' },
    pipeline (commands: unknown[][]) { asked.push(commands); return { exec: async () => answers } },
    duplicate (settings: object) { asked.push(settings); return twin }
  }
  return { client, asked }
}

function clusterOf (options: object, nodes: IoredisClient[] = []) {
  const { client, asked } = clientOf({ options, answers: [[null, 'alone']] })
  return { cluster: { ...client, nodes: () => nodes } as IoredisCluster, asked }
}

t.test('a client of ioredis is told by its methods', async t => {
  t.ok(isIoredis(clientOf().client))
  for (const other of [{}, { sendCommand () {}, multi () {}, isOpen: true }, { customCommand () {} }]) t.notOk(isIoredis(other))
})

t.test('a command goes out in small letters, for iovalkey knows it so only', async t => {
  const { client, asked } = clientOf()
  const connection = ioredisConnection(client)
  t.match(connection, { client: 'client of ioredis', isCluster: false, joinsCalls: true, keyPrefix: '' })
  t.equal(await connection.run('key', ['GET', 'KEY']), 'answer')
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame(asked, [['get', 'KEY'], ['ping']])
})

t.test('what waits for replicas goes behind its command, and both are rejected with one', async t => {
  const { client, asked } = clientOf({ answers: [[null, 'done'], [null, 1]] })
  t.strictSame(await ioredisConnection(client).runAndWait?.('key', ['SET', 'key'], ['WAIT', '1']), ['done', 1])
  t.strictSame(asked, [[['call', 'set', 'key'], ['call', 'wait', '1']]])
  for (const answers of [[[new Error('lost'), null], [null, 1]], [[null, 'done'], [new Error('lost'), null]]] as Array<Array<[Error | null, unknown]>>) {
    await t.rejects(ioredisConnection(clientOf({ answers }).client).runAndWait?.('key', ['SET'], ['WAIT']) as Promise<unknown>, { message: 'lost' })
  }
})

t.test('a cluster keeps its calls apart, and is asked server by server where all are meant', async t => {
  const nodes = [clientOf(), clientOf()]
  const { cluster, asked } = clusterOf({}, nodes.map(({ client }) => client))
  const connection = ioredisConnection(cluster)
  t.match(connection, { client: 'cluster of ioredis', isCluster: true, joinsCalls: false, listen: undefined })
  await connection.run('key', ['GET', 'key'])
  for (const server of await connection.servers()) await server(['PING'])
  t.strictSame([asked, ...nodes.map(node => node.asked)], [[['get', 'key']], [['ping']], [['ping']]])
  const piping = clusterOf({ enableAutoPipelining: true })
  t.equal(await ioredisConnection(piping.cluster).run('key', ['GET', 'key']), 'alone')
  t.strictSame(piping.asked, [[['call', 'get', 'key']]], 'a pipeline of its own')
})

t.test('a client says whether it is ready, and what is in the way', async t => {
  const states = ['wait', 'ready', 'connecting', 'reconnecting', 'end'].map(status => ioredisConnection(clientOf({ status }).client))
  t.strictSame(states.map(connection => connection.isReady()), [true, true, false, false, false])
  t.strictSame(states.map(connection => connection.obstacle() === null), [true, true, true, true, false])
})

t.test('a prefix of the client\'s own must be a string', async t => {
  t.equal(ioredisConnection(clientOf({ options: { keyPrefix: 'app:' } }).client).keyPrefix, 'app:')
  t.throws(() => ioredisConnection(clientOf({ options: { keyPrefix: Buffer.from('app:') } }).client), { code: 'SESSION_OPTION' })
})

t.test('a listener has a connection of its own, which is told of changes', async t => {
  const { client, asked } = clientOf({ twin: new Twin() })
  const twin = new Twin()
  client.duplicate = settings => { asked.push(settings); return twin }
  const { listening, told } = listener()
  const made = await ioredisConnection(client).listen?.(listening)
  t.match(asked, [{ lazyConnect: true, retryStrategy: null, keyPrefix: '', protocol: 2 }])
  t.strictSame(twin.sent, [['client', 'ID'], ['client', 'TRACKING', 'ON', 'REDIRECT', '7', 'BCAST', 'PREFIX', 'p:'], ['SUBSCRIBE', 'channel']])
  twin.listeners.get('message')?.('channel', ['key'])
  twin.listeners.get('error')?.(new Error('refused'))
  twin.listeners.get('end')?.()
  t.strictSame(told, [['channel', ['key']], 'lost'])
  t.notOk(twin.isClosed)
  made?.close()
  t.ok(twin.isClosed)
})

for (const step of STEPS) {
  t.test(`a listener that cannot be made, because ${step} fails, leaves no connection behind`, async t => {
    const twin = new Twin(step)
    await t.rejects(ioredisConnection(clientOf({ twin }).client).listen?.(listening) as Promise<unknown>, { message: `${step} fails` })
    t.ok(twin.isClosed)
  })
}
