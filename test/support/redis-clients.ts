import { GlideClient, GlideClusterClient, Logger } from '@valkey/valkey-glide'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5'
import { Cluster as ValkeyCluster, Redis as Valkey } from 'iovalkey'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { createClient as createClient5, createClientPool as createClientPool5, createCluster as createCluster5, createSentinel as createSentinel5 } from 'redis-5'
import type { RedisClient } from '../../redis'
import { SENTINEL_NAME, type Test } from './redis-server'

/** Connects a client of this kind to a server on this port, until the test is over. */
export type Connect = (t: Test, port: number) => Promise<RedisClient>

// It would write what servers refuse among the results.
Logger.init('off')

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
  'redis 6': (t, port) => nodeRedis(t, createClient({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 5': (t, port) => nodeRedis(t, createClient5({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 6, pool': (t, port) => nodeRedis(t, createClientPool({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'redis 5, pool': (t, port) => nodeRedis(t, createClientPool5({ socket: { host: '127.0.0.1', port, ...noWait(t) } })),
  'ioredis 6': async (t, port) => ioredis(t, new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  'ioredis 5': async (t, port) => ioredis(t, new Redis5({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  iovalkey: async (t, port) => ioredis(t, new Valkey({ host: '127.0.0.1', port, retryStrategy: () => 20 })),
  'valkey-glide': (t, port) => glide(t, GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 2000 }))
}

/** Every kind of client for a cluster; the port is that of any server of it. */
export const CLUSTER: Readonly<Record<string, Connect>> = {
  'redis 6, cluster': (t, port) => nodeRedis(t, createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })),
  'redis 5, cluster': (t, port) => nodeRedis(t, createCluster5({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })),
  'ioredis 6, cluster': async (t, port) => ioredis(t, new Cluster([{ host: '127.0.0.1', port }])),
  'ioredis 5, cluster': async (t, port) => ioredis(t, new Cluster5([{ host: '127.0.0.1', port }])),
  'iovalkey, cluster': async (t, port) => ioredis(t, new ValkeyCluster([{ host: '127.0.0.1', port }])),
  'valkey-glide, cluster': (t, port) => glide(t, GlideClusterClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 2000 }))
}

/** Every kind of client that asks a sentinel for the primary; the port is the sentinel's. */
export const SENTINEL: Readonly<Record<string, Connect>> = {
  'redis 6, sentinel': (t, port) => nodeRedis(t, createSentinel({ name: SENTINEL_NAME, sentinelRootNodes: [{ host: '127.0.0.1', port }] })),
  'redis 5, sentinel': (t, port) => nodeRedis(t, createSentinel5({ name: SENTINEL_NAME, sentinelRootNodes: [{ host: '127.0.0.1', port }] })),
  'ioredis 6, sentinel': async (t, port) => ioredis(t, new Redis({ name: SENTINEL_NAME, sentinels: [{ host: '127.0.0.1', port }] })),
  'ioredis 5, sentinel': async (t, port) => ioredis(t, new Redis5({ name: SENTINEL_NAME, sentinels: [{ host: '127.0.0.1', port }] }))
}
