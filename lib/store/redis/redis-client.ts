import { SessionError } from '../../errors'
import { ioredisConnection, isIoredis, type IoredisClient, type IoredisCluster } from './ioredis'
import {
  isNodeRedis, nodeRedisConnection, type NodeRedisClient, type NodeRedisCluster, type NodeRedisPool, type NodeRedisSentinel
} from './node-redis'
import type { RedisConnection } from './redis-connection'
import { isValkeyGlide, valkeyGlideConnection, type ValkeyGlideClient } from './valkey-glide'

/** A client that a `RedisSessionStore` can use, typed by the few methods that it calls. */
export type RedisClient =
  | NodeRedisClient | NodeRedisPool | NodeRedisCluster | NodeRedisSentinel
  | IoredisClient | IoredisCluster
  | ValkeyGlideClient

/** Returns the connection that this client makes. No client library is imported: it is told by its methods. @throws {SessionError} SESSION_OPTION */
export function connectionOf (client: unknown): RedisConnection {
  if (typeof client === 'object' && client !== null) {
    if (isIoredis(client)) return ioredisConnection(client)
    if (isValkeyGlide(client)) return valkeyGlideConnection(client)
    if (isNodeRedis(client)) return nodeRedisConnection(client)
  }
  throw new SessionError('SESSION_OPTION', 'fastify-file-sessions: option client must be a client of redis 5 or 6 ' +
    '(createClient, createClientPool, createCluster, createSentinel), of ioredis 5 or 6 or iovalkey (Redis, Cluster), ' +
    'or of @valkey/valkey-glide (GlideClient, GlideClusterClient)')
}
