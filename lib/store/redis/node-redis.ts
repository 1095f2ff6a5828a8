import { tracking, type Listener, type Listening, type RedisConnection, type RunOnServer } from './redis-connection'

/** What the store uses of the clients of `redis` (node-redis), 5 and 6. */
interface Emitting {
  readonly isOpen: boolean
}

/**
 * The client's own timeout costs it as much as the command. The store has one, and the server does not
 * carry out what comes too late. A cluster keeps the client's: it never counts as down, so calls for a
 * server that hangs would gather in the client.
 */
const NO_TIMEOUT = { timeout: undefined } as never

/** Returned by `createClient`. */
export interface NodeRedisClient extends Emitting {
  readonly isReady: boolean
  readonly options?: object
  sendCommand (command: string[], options?: never): Promise<unknown>
  multi (): NodeRedisMulti
  duplicate (options: never): unknown
}

/** Returned by `createClientPool`. */
export interface NodeRedisPool extends Emitting {
  readonly totalClients: number
  sendCommand (command: string[], options?: never): Promise<unknown>
  execute (task: never): Promise<unknown>
  multi (): NodeRedisMulti
}

/** Returned by `createCluster`. */
export interface NodeRedisCluster extends Emitting {
  readonly masters: ReadonlyArray<object>
  sendCommand (key: string | undefined, isReadonly: boolean | undefined, command: string[]): Promise<unknown>
  nodeClient (node: never): unknown
  multi (key?: string): NodeRedisClusterMulti
}

/** Returned by `createSentinel`. */
export interface NodeRedisSentinel extends Emitting {
  readonly isReady: boolean
  getSentinelNode (): unknown
  sendCommand (isReadonly: boolean | undefined, command: string[], options?: never): Promise<unknown>
  multi (): unknown
}

interface NodeRedisMulti {
  addCommand (command: string[]): unknown
  execAsPipeline (): Promise<unknown>
}

interface NodeRedisClusterMulti {
  addCommand (key: string | undefined, isReadonly: boolean | undefined, command: string[]): unknown
  execAsPipeline (): Promise<unknown>
}

interface NodeRedisSentinelMulti {
  addCommand (isReadonly: boolean | undefined, command: string[]): unknown
  execAsPipeline (): Promise<unknown>
}

type Client = NodeRedisClient | NodeRedisPool | NodeRedisCluster | NodeRedisSentinel

/** Whether it is a client of node-redis. */
export function isNodeRedis (client: object): client is Client {
  return 'sendCommand' in client && 'multi' in client && 'isOpen' in client
}

/** Returns the connection of any client of node-redis. Pipelines break as a whole when the connection does. */
export function nodeRedisConnection (client: Client): RedisConnection {
  if ('nodeClient' in client) return clusterConnection(client)
  if ('getSentinelNode' in client) return sentinelConnection(client)
  const isPool = 'totalClients' in client
  const run: RunOnServer = command => client.sendCommand(command, NO_TIMEOUT)
  return {
    client: isPool ? 'pool of node-redis' : 'client of node-redis',
    isCluster: false,
    joinsCalls: isNewer(client),
    keyPrefix: '',
    // A pool has no such thing; its clients reject what they cannot send.
    isReady: () => isPool ? client.isOpen : client.isReady,
    obstacle: () => obstacle(client),
    run: (_key, command) => run(command),
    runAndWait: async (_key, command, wait) => {
      const multi = client.multi()
      multi.addCommand(command)
      multi.addCommand(wait)
      return await multi.execAsPipeline() as [unknown, unknown]
    },
    servers: async () => [run],
    listen: async listening => await listen(isPool ? await client.execute(((one: unknown) => one) as never) as NodeRedisClient : client, listening)
  }
}

/** A connection of its own, like that of the client. */
interface Duplicate {
  on (event: string, listener: () => void): unknown
  connect (): Promise<unknown>
  sendCommand (command: string[]): Promise<unknown>
  subscribe (channels: string[], listener: (message: unknown, channel: string) => void): Promise<unknown>
  destroy (): void
}

async function listen (client: NodeRedisClient, { prefix, channels, heard, lost }: Listening): Promise<Listener> {
  const { socket } = client.options as { socket?: object }
  // With RESP 2 changes come as messages of a channel.
  const options = { RESP: 2, maintNotifications: 'disabled', socket: { ...socket, reconnectStrategy: false }, clientSideCache: undefined, emitInvalidate: false }
  const duplicate = client.duplicate(options as never) as Duplicate
  duplicate.on('error', lost)
  duplicate.on('end', lost)
  const close = (): void => {
    try {
      duplicate.destroy()
    } catch {
      // It is closed already.
    }
  }
  try {
    await duplicate.connect()
    await duplicate.sendCommand(tracking(await duplicate.sendCommand(['CLIENT', 'ID']), prefix))
    await duplicate.subscribe([...channels], (message, channel) => { heard(channel, message) })
  } catch (error) {
    close()
    throw error
  }
  return { close }
}

function clusterConnection (client: NodeRedisCluster): RedisConnection {
  return {
    client: 'cluster of node-redis',
    isCluster: true,
    joinsCalls: false,
    keyPrefix: '',
    isReady: () => client.isOpen,
    obstacle: () => obstacle(client),
    run: (key, command) => client.sendCommand(key, false, command),
    runAndWait: async (key, command, wait) => {
      const multi = client.multi(key)
      multi.addCommand(key, false, command)
      multi.addCommand(key, false, wait)
      return await multi.execAsPipeline() as [unknown, unknown]
    },
    servers: async () => await Promise.all(client.masters.map(async (master): Promise<RunOnServer> => {
      const node = await client.nodeClient(master as never) as NodeRedisClient
      return command => node.sendCommand(command)
    }))
  }
}

function sentinelConnection (client: NodeRedisSentinel): RedisConnection {
  const run: RunOnServer = command => client.sendCommand(false, command, NO_TIMEOUT)
  return {
    client: 'sentinel client of node-redis',
    isCluster: false,
    joinsCalls: isNewer(client),
    keyPrefix: '',
    isReady: () => client.isReady,
    obstacle: () => obstacle(client),
    run: (_key, command) => run(command),
    runAndWait: async (_key, command, wait) => {
      const multi = client.multi() as NodeRedisSentinelMulti
      multi.addCommand(false, command)
      multi.addCommand(false, wait)
      return await multi.execAsPipeline() as [unknown, unknown]
    },
    servers: async () => [run]
  }
}

/**
 * Whether the client is of version 6 or newer. One of version 5 mixes up all later answers when its connection
 * breaks between the call of a command and the end of that turn of the event loop. A call that waits for others
 * begins at the end of a turn, which makes that more likely.
 */
function isNewer (client: object): boolean {
  return 'commandDocs' in client
}

function obstacle ({ isOpen }: Emitting): string | null {
  return isOpen ? null : 'the client is not connected: call `await client.connect()` before the app starts, and close it after the app'
}
