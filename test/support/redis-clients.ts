import type { RedisClient } from '../../redis'
import { SENTINEL_NAME, type Test } from './redis-server'
import { isLong } from './tier'

/** The clients, each loaded when it is used: to load one takes as long as a small test file. */
const packages = {
  glide (): typeof import('@valkey/valkey-glide') {
    const glide = require('@valkey/valkey-glide') as typeof import('@valkey/valkey-glide')
    // It would write what servers refuse among the results.
    glide.Logger.init('off')
    return glide
  },
  ioredis: () => require('ioredis') as typeof import('ioredis'),
  ioredis5: () => require('ioredis-5') as typeof import('ioredis-5'),
  iovalkey: () => require('iovalkey') as typeof import('iovalkey'),
  redis: () => require('redis') as typeof import('redis'),
  redis5: () => require('redis-5') as typeof import('redis-5')
}

/** Connects a client of this kind to a server on this port, until the test is over. */
export type Connect = (t: Test, port: number) => Promise<RedisClient>

/** How clients of node-redis connect again. Those of a pool of redis 5 that is destroyed meanwhile would try for ever, and keep the process. */
function noWait (t: Test): { reconnectStrategy: () => number | false } {
  let isOver = false
  t.teardown(() => { isOver = true })
  return { reconnectStrategy: () => isOver ? false : 20 }
}

async function nodeRedis<Client extends RedisClient & { readonly isOpen: boolean, connect (): Promise<unknown>, destroy (): unknown, on (event: 'error', listener: () => void): unknown }> (t: Test, client: Client): Promise<Client> {
  t.teardown(() => client.isOpen ? client.destroy() : undefined)
  client.on('error', () => {})
  await client.connect()
  return client
}

function ioredis<Client extends { disconnect (): void, on (event: 'error', listener: () => void): unknown }> (t: Test, client: Client): Client {
  t.teardown(() => { client.disconnect() })
  client.on('error', () => {})
  return client
}

async function glide<Client extends { close (): void }> (t: Test, client: Promise<Client>): Promise<Client> {
  const connected = await client
  t.teardown(() => { connected.close() })
  return connected
}

/** Every kind of client for a single server. */
export const SINGLE: Readonly<Record<string, Connect>> = {
  'redis 6': (t, port) => nodeRedis(t, packages.redis().createClient({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 5': (t, port) => nodeRedis(t, packages.redis5().createClient({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 6, pool': (t, port) => nodeRedis(t, packages.redis().createClientPool({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 5, pool': (t, port) => nodeRedis(t, packages.redis5().createClientPool({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'ioredis 6': async (t, port) => ioredis(t, new (packages.ioredis().Redis)({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  'ioredis 5': async (t, port) => ioredis(t, new (packages.ioredis5().Redis)({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  iovalkey: async (t, port) => ioredis(t, new (packages.iovalkey().Redis)({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  'valkey-glide': (t, port) => glide(t, packages.glide().GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 2000 }))
}

/** Every kind of client for a cluster; the port is that of any server of it. */
export const CLUSTER: Readonly<Record<string, Connect>> = {
  'redis 6, cluster': (t, port) => nodeRedis(t, packages.redis().createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })),
  'redis 5, cluster': (t, port) => nodeRedis(t, packages.redis5().createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })),
  'ioredis 6, cluster': async (t, port) => ioredis(t, new (packages.ioredis().Cluster)([{ host: '127.0.0.1', port }])),
  'ioredis 5, cluster': async (t, port) => ioredis(t, new (packages.ioredis5().Cluster)([{ host: '127.0.0.1', port }])),
  'iovalkey, cluster': async (t, port) => ioredis(t, new (packages.iovalkey().Cluster)([{ host: '127.0.0.1', port }])),
  'valkey-glide, cluster': (t, port) => glide(t, packages.glide().GlideClusterClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 2000 }))
}

/** Every kind of client that asks a sentinel for the primary; the port is the sentinel's. */
export const SENTINEL: Readonly<Record<string, Connect>> = {
  'redis 6, sentinel': (t, port) => nodeRedis(t, packages.redis().createSentinel({ name: SENTINEL_NAME, sentinelRootNodes: [{ host: '127.0.0.1', port }] })),
  'redis 5, sentinel': (t, port) => nodeRedis(t, packages.redis5().createSentinel({ name: SENTINEL_NAME, sentinelRootNodes: [{ host: '127.0.0.1', port }] })),
  'ioredis 6, sentinel': async (t, port) => ioredis(t, new (packages.ioredis().Redis)({ name: SENTINEL_NAME, sentinels: [{ host: '127.0.0.1', port }] })),
  'ioredis 5, sentinel': async (t, port) => ioredis(t, new (packages.ioredis5().Redis)({ name: SENTINEL_NAME, sentinels: [{ host: '127.0.0.1', port }] }))
}

/** Older versions, and iovalkey, which is made of ioredis, are for the long tier: clients.long.ts runs the same with them all. */
const OLDER = /5|iovalkey/

/** Returns the kinds of clients that this tier tests, with their names. */
export function clientsOf (kinds: Readonly<Record<string, Connect>>): Array<[string, Connect]> {
  return Object.entries(kinds).filter(([name]) => isLong || !OLDER.test(name))
}
