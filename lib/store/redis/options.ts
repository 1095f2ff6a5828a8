import { SessionError } from '../../errors'
import { check, checkKnown, isTime } from '../../option-checks'
import { RECORD_STORE_OPTIONS, recordStoreOptions, type RecordStoreOptions, type SettledRecordStoreOptions } from '../record-options'
import { connectionOf, type RedisClient, type RedisConnection } from './redis-client'
import type { Replicas } from './script-runner'

/** The options of a `RedisSessionStore`. All times are in seconds. */
export interface RedisSessionStoreOptions extends RecordStoreOptions {
  /** A connected client of redis, ioredis, iovalkey or @valkey/valkey-glide. The store does not close it. */
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
}

export interface SettledRedisStoreOptions extends SettledRecordStoreOptions {
  connection: RedisConnection
  prefix: string
  timeout: number
  replicas: Replicas | undefined
}

const KNOWN = ['client', 'prefix', 'timeout', 'replicas', ...RECORD_STORE_OPTIONS]
/** Seconds. The server recognises a repeated call for a minute. */
const LONGEST_TIMEOUT = 30

/** Checks the options and fills in the defaults. @throws {SessionError} */
export function redisStoreOptions (options: RedisSessionStoreOptions): SettledRedisStoreOptions {
  checkKnown(options, KNOWN)
  const { client, prefix = 'file-sessions:', timeout = 5, replicas } = options
  check(typeof prefix === 'string' && !/[{}]/.test(prefix), 'prefix', 'must be a string without { and }')
  check(isTime(timeout) && timeout <= LONGEST_TIMEOUT, 'timeout', `must be a number of seconds above 0, at most ${LONGEST_TIMEOUT}`)
  const connection = connectionOf(client)
  return { ...recordStoreOptions(options), connection, prefix, timeout, replicas: settledReplicas(replicas, timeout, connection) }
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
