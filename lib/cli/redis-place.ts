import { checkAppid } from '../option-checks'
import type { Lifetimes } from '../store/clock'
import type { SettledEncryption } from '../store/encryption-options'
import { literally } from '../store/redis/key-names'
import { scanKeys } from '../store/redis/key-scan'
import { redisStoreOptions } from '../store/redis/options'
import type { RedisClient } from '../store/redis/redis-client'
import type { RedisConnection } from '../store/redis/redis-connection'
import { RedisSessionStore } from '../store/redis/redis-session-store'
import { importClient } from './client-package'
import type { Finding, Place, PlaceOptions } from './place'
import { ServerPlace } from './server-place'
import { connecting } from './server-trouble'
import type { ServerUrl } from './server-url'

/** Any of them will do. */
const CLIENTS = ['redis', 'ioredis', 'iovalkey']
/** Milliseconds. */
const CONNECT_TIMEOUT = 5000

interface Connected { client: RedisClient, close: () => void }

/** Opens the sessions of a Redis or Valkey server. @throws {SessionError} */
export async function openRedis (
  { address, title, parameters }: ServerUrl, { maxSize }: PlaceOptions, findClient = () => importClient(CLIENTS)
): Promise<Place> {
  const { name, exports } = await findClient()
  const { client, close } = await connecting(title, name === 'redis' ? nodeRedis(exports, address) : ioredis(exports, address))
  const { connection, prefix, timeout } = redisStoreOptions({ client, prefix: parameters['prefix'] })
  const makeStore = (appid: string, limits: Lifetimes, encryption: SettledEncryption | true = true): RedisSessionStore =>
    // For texts as they are stored, which are longer when they are encrypted.
    new RedisSessionStore({ client, appid, prefix, maxSize, encryption, ...limits })
  return new ServerPlace({
    title,
    makeStore,
    appids: () => appidsIn(connection, prefix, timeout),
    async * findings (): AsyncGenerator<Finding> {
      const store = makeStore('sid', { idleTimeout: 7200, absoluteTimeout: undefined })
      await store.open()
      yield { subject: 'server', isGood: true, text: `answers, and can keep sessions (client: ${name})` }
      for (const warning of store.warnings) yield { subject: 'setting', isGood: false, text: warning }
    },
    close: async () => { close() }
  })
}

interface NodeRedis { on: (event: 'error', listener: () => void) => void, connect: () => Promise<unknown>, destroy: () => void }

async function nodeRedis (exports: Record<string, unknown>, url: string): Promise<Connected> {
  const createClient = exports['createClient'] as (options: object) => NodeRedis
  const client = createClient({ url, socket: { connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  return { client: client as unknown as RedisClient, close: () => { client.destroy() } }
}

interface Ioredis { on: (event: 'error', listener: (error: Error) => void) => void, connect: () => Promise<void>, disconnect: () => void }

async function ioredis (exports: Record<string, unknown>, url: string): Promise<Connected> {
  const Redis = exports['Redis'] as new (url: string, options: object) => Ioredis
  const client = new Redis(url, { lazyConnect: true, connectTimeout: CONNECT_TIMEOUT, retryStrategy: () => null, maxRetriesPerRequest: 1 })
  let first: Error | undefined
  client.on('error', error => { first ??= error })
  // What `connect` rejects with says no more than that the connection is closed.
  await client.connect().catch(error => { throw first ?? error })
  return { client: client as unknown as RedisClient, close: () => { client.disconnect() } }
}

/** Returns the appids of the keys with this prefix. @throws {SessionStoreError} */
async function appidsIn (connection: RedisConnection, prefix: string, timeout: number): Promise<string[]> {
  const appids = new Set<string>()
  const start = connection.keyPrefix + prefix
  for await (const keys of scanKeys(connection, `${literally(start)}*:{*}`, timeout)) {
    for (const key of keys) {
      const appid = appidOf(key.slice(start.length))
      if (appid !== null) appids.add(appid)
    }
  }
  return [...appids]
}

/** Returns the appid in the key of a session, without the prefix; null for a key of another program. */
function appidOf (key: string): string | null {
  // The lists of an index have a colon more, which no appid has.
  const [, encoded] = /^([^{:]+):\{[0-9a-f]{64}\}$/.exec(key) ?? []
  try {
    const appid = encoded === undefined ? null : decodeURIComponent(encoded)
    if (appid !== null) checkAppid(appid)
    return appid
  } catch {
    return null
  }
}
