import { check } from '../../option-checks'
import { tracking, type Listener, type Listening, type RedisConnection } from './redis-connection'

/** What the store uses of the clients of ioredis, 5 and 6, and of iovalkey. */
export interface IoredisClient {
  readonly status: string
  readonly options: object
  call (command: string, ...parameters: string[]): Promise<unknown>
  pipeline (commands: unknown[][]): IoredisPipeline
  duplicate (options: never): unknown
}

/** A `Cluster` of ioredis or iovalkey. */
export interface IoredisCluster extends IoredisClient {
  nodes (role: 'master'): IoredisClient[]
}

interface IoredisPipeline {
  exec (): Promise<Array<[Error | null, unknown]> | null>
}

/** Whether it is a client of ioredis or iovalkey. */
export function isIoredis (client: object): client is IoredisClient | IoredisCluster {
  return 'status' in client && 'call' in client && 'pipeline' in client && 'options' in client
}

/** Returns the connection of a client of ioredis, or of a cluster. */
export function ioredisConnection (client: IoredisClient | IoredisCluster): RedisConnection {
  const isCluster = 'nodes' in client
  const { keyPrefix = '', enableAutoPipelining } = client.options as { keyPrefix?: unknown, enableAutoPipelining?: unknown }
  check(typeof keyPrefix === 'string', 'client', 'must have a keyPrefix that is a string: with a Buffer its keys are not found in listings')
  return {
    client: isCluster ? 'cluster of ioredis' : 'client of ioredis',
    isCluster,
    joinsCalls: !isCluster,
    keyPrefix,
    // `wait`: it connects at the first command.
    isReady: () => client.status === 'ready' || client.status === 'wait',
    obstacle: () => client.status === 'end' ? 'the client was closed: make a new one, and close it after the app' : null,
    run: (_key, command) => isCluster && enableAutoPipelining === true ? callAlone(client, command) : call(client, command),
    runAndWait: async (_key, command, wait) => await together(client, [command, wait]) as [unknown, unknown],
    servers: async () => (isCluster ? client.nodes('master') : [client]).map(node => command => call(node, command)),
    ...(isCluster ? {} : { listen: (listening: Listening) => listen(client, listening) })
  }
}

/** A connection of its own, like that of the client. */
interface Duplicate extends IoredisClient {
  on (event: string, listener: (channel: string, message: unknown) => void): unknown
  connect (): Promise<unknown>
  subscribe (...channels: string[]): Promise<unknown>
  disconnect (): void
}

async function listen (client: IoredisClient, { prefix, channels, heard, lost }: Listening): Promise<Listener> {
  // With RESP 2 changes come as messages of a channel.
  const options = { lazyConnect: true, retryStrategy: null, autoResubscribe: false, keyPrefix: '', protocol: 2 }
  const duplicate = client.duplicate(options as never) as Duplicate
  duplicate.on('error', () => {})
  duplicate.on('end', lost)
  duplicate.on('message', heard)
  const close = (): void => { duplicate.disconnect() }
  try {
    await duplicate.connect()
    await call(duplicate, tracking(await call(duplicate, ['CLIENT', 'ID']), prefix))
    await duplicate.subscribe(...channels)
  } catch (error) {
    close()
    throw error
  }
  return { close }
}

function call (client: IoredisClient, command: string[]): Promise<unknown> {
  return client.call(...named(command))
}

/** With `enableAutoPipelining` iovalkey's cluster takes the first parameter for the key, which may be a script: but not in a pipeline. */
async function callAlone (client: IoredisClient, command: string[]): Promise<unknown> {
  const [answer] = await together(client, [command])
  return answer
}

/** Sends the commands one behind the other, to one server. */
async function together (client: IoredisClient, commands: string[][]): Promise<unknown[]> {
  const answers = await client.pipeline(commands.map(command => ['call', ...named(command)])).exec() as Array<[Error | null, unknown]>
  return answers.map(([error, answer]) => {
    if (error !== null) throw error
    return answer
  })
}

/** Returns the command as iovalkey knows it: of one in capitals it does not find the keys, and asks any server of a cluster. */
function named ([name, ...parameters]: string[]): [string, ...string[]] {
  return [(name as string).toLowerCase(), ...parameters]
}
