import { resolve } from 'node:path'

const APPID = 'sid'

/**
 * Where the sessions are, by a directory or an address: `./sessions`, `redis://localhost` (rediss:// with TLS) or
 * `postgres://localhost/shop`. Returns the options of fastify-file-sessions, a name to show, and what is to be done
 * at the end. The client of a database is imported only where it is used: npm install redis, or npm install pg.
 */
export async function openStore (place) {
  const { protocol } = URL.canParse(place) ? new URL(place) : { protocol: 'file:' }
  switch (protocol) {
    case 'redis:': case 'rediss:': return await openRedis(place)
    case 'postgres:': case 'postgresql:': return await openPostgres(place)
    case 'file:': return { options: { appid: APPID, sessionDir: place }, name: resolve(place), close () {} }
    default: throw new Error(`SESSION_STORE must be a directory, redis://… or postgres://…, and not ${protocol}//…`)
  }
}

async function openRedis (url) {
  const { createClient } = await client('redis')
  const { RedisSessionStore } = await import('fastify-file-sessions/redis')
  const redis = createClient({ url })
  // Without a listener, a connection that breaks would end the process. The client connects again by itself.
  redis.on('error', error => console.error(`Redis: ${error.message || error.code}`))
  await redis.connect()
  return { options: { store: new RedisSessionStore({ client: redis, appid: APPID }) }, name: nameOf(url), close: () => redis.close() }
}

async function openPostgres (url) {
  const { default: { Pool } } = await client('pg')
  const { PostgresSessionStore } = await import('fastify-file-sessions/postgres')
  const pool = new Pool({ connectionString: url })
  pool.on('error', error => console.error(`PostgreSQL: ${error.message || error.code}`))
  return { options: { store: new PostgresSessionStore({ pool, appid: APPID }) }, name: nameOf(url), close: () => pool.end() }
}

async function client (name) {
  try {
    return await import(name)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`SESSION_STORE needs the package ${name}: npm install ${name}`)
  }
}

/** The address without user and password. */
function nameOf (url) {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
