import type { RedisConnection, RunOnServer } from './redis-client'

/** What the store uses of the clients of `redis` (node-redis), 5 and 6. */
interface Emitting {
  readonly isOpen: boolean
}

type Send = (command: string[]) => Promise<unknown>

/** Returned by `createClient`. */
export interface NodeRedisClient extends Emitting {
  readonly isReady: boolean
  sendCommand (command: string[]): Promise<unknown>
  multi (): NodeRedisMulti
}

/** Returned by `createClientPool`. */
export interface NodeRedisPool extends Emitting {
  readonly totalClients: number
  sendCommand (command: string[]): Promise<unknown>
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
  sendCommand (isReadonly: boolean | undefined, command: string[]): Promise<unknown>
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
  const run: Send = command => client.sendCommand(command)
  return {
    client: isPool ? 'pool of node-redis' : 'client of node-redis',
    isCluster: false,
    keyPrefix: '',
    // A pool has no such thing; its clients reject what they cannot send.
    isReady: () => isPool ? client.isOpen : client.isReady,
    obstacle: () => obstacle(client),
    run: (_key, command) => client.sendCommand(command),
    runAndWait: async (_key, command, wait) => {
      const multi = client.multi()
      multi.addCommand(command)
      multi.addCommand(wait)
      return await multi.execAsPipeline() as [unknown, unknown]
    },
    servers: async () => [run]
  }
}

function clusterConnection (client: NodeRedisCluster): RedisConnection {
  return {
    client: 'cluster of node-redis',
    isCluster: true,
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
  const run: Send = command => client.sendCommand(false, command)
  return {
    client: 'sentinel client of node-redis',
    isCluster: false,
    keyPrefix: '',
    isReady: () => client.isReady,
    obstacle: () => obstacle(client),
    run: (_key, command) => client.sendCommand(false, command),
    runAndWait: async (_key, command, wait) => {
      const multi = client.multi() as NodeRedisSentinelMulti
      multi.addCommand(false, command)
      multi.addCommand(false, wait)
      return await multi.execAsPipeline() as [unknown, unknown]
    },
    servers: async () => [run]
  }
}

function obstacle ({ isOpen }: Emitting): string | null {
  return isOpen ? null : 'the client is not connected: call `await client.connect()` before the app starts, and close it after the app'
}
