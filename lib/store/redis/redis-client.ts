import { SessionError } from '../../errors'
import { ioredisConnection, isIoredis, type IoredisClient, type IoredisCluster } from './ioredis'
import {
  isNodeRedis, nodeRedisConnection, type NodeRedisClient, type NodeRedisCluster, type NodeRedisPool, type NodeRedisSentinel
} from './node-redis'
import { isValkeyGlide, valkeyGlideConnection, type ValkeyGlideClient } from './valkey-glide'

/** A client that a `RedisSessionStore` can use, typed by the few methods that it calls. */
export type RedisClient =
  | NodeRedisClient | NodeRedisPool | NodeRedisCluster | NodeRedisSentinel
  | IoredisClient | IoredisCluster
  | ValkeyGlideClient

/** Runs one command on one server. */
export type RunOnServer = (command: string[]) => Promise<unknown>

/** What the store needs of a client. */
export interface RedisConnection {
  /** The client, for messages. */
  readonly client: string
  /** Whether sessions are spread over several servers: one may be down while others answer. */
  readonly isCluster: boolean
  /** Whether calls that begin in one turn of the event loop may go to the server as one command. */
  readonly joinsCalls: boolean
  /** What the client puts before every key by itself. */
  readonly keyPrefix: string
  /** Whether a command would be sent now, and not wait in the client until it is connected. */
  isReady (): boolean
  /** What to do when the client is not going to connect by itself; null when it is. */
  obstacle (): string | null
  /** Runs a command of this key, on the primary that has it. */
  run (key: string, command: string[]): Promise<unknown>
  /**
   * The same, and `WAIT` behind it on the same connection: if that breaks in between, both are
   * rejected. Returns both answers. Left out: the client cannot do it.
   */
  runAndWait?: (key: string, command: string[], wait: string[]) => Promise<[unknown, unknown]>
  /** Returns every primary. */
  servers (): Promise<RunOnServer[]>
  /**
   * Makes a connection of its own that hears which keys change. It is not made anew when it breaks.
   * Left out: the client cannot do it.
   */
  listen?: (listening: Listening) => Promise<Listener>
}

export interface Listening {
  /** Of the keys whose changes are told. */
  readonly prefix: string
  readonly channels: readonly string[]
  readonly heard: (channel: string, message: unknown) => void
  /** The connection is gone. */
  readonly lost: () => void
}

export interface Listener {
  close (): void
}

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
