import { SessionError } from '../../errors'
import { check, checkKnown, isTime } from '../../option-checks'
import { RECORD_STORE_OPTIONS, recordStoreOptions, type RecordStoreOptions, type SettledRecordStoreOptions } from '../record-options'
import { connectionOf, type RedisClient } from './redis-client'
import type { RedisConnection } from './redis-connection'
import type { Replicas } from './script-runner'

/** The options of a `RedisSessionStore`. All times are in seconds. */
export interface RedisSessionStoreOptions extends RecordStoreOptions {
  /** A connected client of redis, ioredis, iovalkey or `@valkey/valkey-glide`. The store does not close it. */
  client: RedisClient
  /** What every key begins with, without braces. @default 'file-sessions:' */
  prefix?: string | undefined
  /** Seconds after which a call fails that the server did not answer, however often it was repeated. At most 30. @default 5 */
  timeout?: number | undefined
  /**
   * Waits after each save and end until so many replicas have it: then a failover to one of them does
   * not lose it. `timeout`: seconds, 1 by default. @default none
   */
  replicas?: { count: number, timeout?: number | undefined } | undefined
  /**
   * Keeps in memory what was read, for so many bytes, until the server tells that it changed. A
   * session is served that is older than `maxStaleness` (seconds, 1 by default) only if no host
   * changed it since. @default none
   */
  cache?: { maxSize?: number | undefined, maxStaleness?: number | undefined } | undefined
}

export interface CacheOptions {
  /** Bytes. */
  maxSize: number
  /** Seconds. */
  maxStaleness: number
}

export interface SettledRedisStoreOptions extends SettledRecordStoreOptions {
  connection: RedisConnection
  prefix: string
  timeout: number
  replicas: Replicas | undefined
  cache: CacheOptions | undefined
}

const KNOWN = ['client', 'prefix', 'timeout', 'replicas', 'cache', ...RECORD_STORE_OPTIONS]
const DEFAULT_CACHE_SIZE = 32 * 1024 * 1024
/** Seconds: a heartbeat needs its time. */
const LEAST_STALENESS = 0.05
/** Seconds. See `MEMORY`: so long the server recognises a repeated call. */
const LONGEST_TIMEOUT = 30

/** Checks the options and fills in the defaults. @throws {SessionError} */
export function redisStoreOptions (options: RedisSessionStoreOptions): SettledRedisStoreOptions {
  checkKnown(options, KNOWN)
  const { client, prefix = 'file-sessions:', timeout = 5, replicas, cache } = options
  check(typeof prefix === 'string' && !/[{}]/.test(prefix), 'prefix', 'must be a string without { and }')
  check(isTime(timeout) && timeout <= LONGEST_TIMEOUT, 'timeout', `must be a number of seconds above 0, at most ${LONGEST_TIMEOUT}`)
  const connection = connectionOf(client)
  return {
    ...recordStoreOptions(options),
    connection,
    prefix,
    timeout,
    replicas: settledReplicas(replicas, timeout, connection),
    cache: settledCache(cache, connection)
  }
}

function settledCache (cache: RedisSessionStoreOptions['cache'], connection: RedisConnection): CacheOptions | undefined {
  if (cache === undefined) return undefined
  check(typeof cache === 'object' && cache !== null, 'cache', 'must be an object')
  checkKnown(cache, ['maxSize', 'maxStaleness'])
  const { maxSize = DEFAULT_CACHE_SIZE, maxStaleness = 1 } = cache
  check(Number.isInteger(maxSize) && maxSize > 0, 'cache.maxSize', 'must be a whole number of bytes above 0')
  check(isTime(maxStaleness, LEAST_STALENESS), 'cache.maxStaleness', `must be a number of seconds, at least ${LEAST_STALENESS}`)
  if (connection.listen === undefined) {
    throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option cache cannot be kept right with a ${connection.client}, ` +
      'because it does not tell of changes: use a client or a pool of redis, or a client of ioredis')
  }
  return { maxSize, maxStaleness }
}

function settledReplicas (replicas: RedisSessionStoreOptions['replicas'], longest: number, connection: RedisConnection): Replicas | undefined {
  if (replicas === undefined) return undefined
  check(typeof replicas === 'object' && replicas !== null, 'replicas', 'must be an object with count')
  checkKnown(replicas, ['count', 'timeout'])
  const { count, timeout = Math.min(1, longest) } = replicas
  check(Number.isInteger(count) && count > 0, 'replicas.count', 'must be a whole number above 0')
  check(isTime(timeout) && timeout <= longest, 'replicas.timeout', 'must be a number of seconds above 0, at most the option timeout')
  if (connection.runAndWait === undefined) {
    throw new SessionError('SESSION_OPTION', 'fastify-file-sessions: option replicas cannot be kept with a ' +
      `${connection.client}, because it may change its connection before it waits: use a client of redis or ioredis`)
  }
  return { count, timeout }
}
