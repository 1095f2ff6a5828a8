/** The store for Redis and Valkey. The client is yours: this imports none. */

export { RedisSessionStore } from './lib/store/redis/redis-session-store'
export type { RedisSessionStoreOptions } from './lib/store/redis/options'
export type { RedisClient } from './lib/store/redis/redis-client'

export { SessionError, SessionStoreError } from './lib/errors'
