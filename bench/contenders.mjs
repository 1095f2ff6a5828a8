/**
 * Everything that a user would pick instead, each as the same small app: the same routes, answers
 * and session data. No contender renews its cookie with every response, saves anything for
 * anonymous visitors, or logs.
 */
import fastifyCookie from '@fastify/cookie'
import Fastify from 'fastify'
import { encryptOnce } from './encryption-floor.mjs'
import { addFilesFloor } from './files-floor.mjs'
import { addRoutes, addSessionRoutes } from './routes.mjs'

const SECRET = 'a secret that is long enough for everyone here'
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax', secure: false }
const IDLE_TIMEOUT = 7200

/** Session data as properties: most contenders have it so. */
const properties = {
  get: (session, key) => session[key],
  set: (session, key, value) => { session[key] = value },
  destroy: session => session.destroy(),
  renew: (session, keys) => session.regenerate(keys)
}

/** Session data behind `get` and `set`. */
const accessors = {
  get: (session, key) => session.get(key),
  set: (session, key, value) => { session.set(key, value) }
}

/**
 * `place` is the kind of directory that a contender stores in: 'disk', 'tmpfs' or none.
 * `keeps`: 'server' when the state is the server's, 'cookie' when the browser carries it, null
 * when there is none. `needs`: the server that it keeps sessions in, of `servers.mjs`.
 * Those that goals compare stand together, for they are measured in groups of five.
 */
export const contenders = [
  { name: 'ceiling', label: 'no session: @fastify/cookie, empty hooks', keeps: null, make: ceiling },
  { name: 'files-floor', label: 'no package: a look, an append, a new file', place: 'disk', keeps: 'server', make: filesFloor },
  { name: 'ours-disk', label: 'fastify-file-sessions', place: 'disk', keeps: 'server', make: files() },
  { name: 'encryption-floor', label: 'fastify-file-sessions and one call of AES-256-GCM a save', place: 'disk', keeps: 'server', make: encryptionFloor },
  { name: 'ours-disk-encrypted', label: 'fastify-file-sessions, encryption with a secret', place: 'disk', keeps: 'server', make: files({ encryption: { secrets: [SECRET] } }) },
  { name: 'ours-tmpfs', label: 'fastify-file-sessions', place: 'tmpfs', keeps: 'server', make: files() },
  { name: 'ours-tmpfs-encrypted', label: 'fastify-file-sessions, encryption with a secret', place: 'tmpfs', keeps: 'server', make: files({ encryption: { secrets: [SECRET] } }) },
  { name: 'ours-tmpfs-signed', label: 'fastify-file-sessions, cookie.signed', place: 'tmpfs', keeps: 'server', make: files({ signed: true }) },
  { name: 'ours-disk-fsync', label: 'fastify-file-sessions, fsync', place: 'disk', keeps: 'server', make: files({ durability: 'fsync' }) },
  { name: 'ours-tmpfs-fsync', label: 'fastify-file-sessions, fsync', place: 'tmpfs', keeps: 'server', make: files({ durability: 'fsync' }) },
  { name: 'ours-redis', label: 'fastify-file-sessions, Redis (redis)', keeps: 'server', needs: 'redis', make: oursRedis(nodeRedis) },
  { name: 'ours-redis-ioredis', label: 'fastify-file-sessions, Redis (ioredis)', keeps: 'server', needs: 'redis', make: oursRedis(ioredis) },
  { name: 'ours-redis-cached', label: 'fastify-file-sessions, Redis (redis) with cache', keeps: 'server', needs: 'redis', make: oursRedis(nodeRedis, { cache: {} }) },
  { name: 'redis-floor', label: 'no session: @fastify/cookie, empty hooks, GET by redis', keeps: null, needs: 'redis', make: redisFloor },
  { name: 'ours-postgres', label: 'fastify-file-sessions, PostgreSQL (pg)', keeps: 'server', needs: 'postgres', make: oursPostgres },
  { name: 'memory', label: '@fastify/session, memory', keeps: 'server', make: memory },
  { name: 'redis', label: '@fastify/session, connect-redis', keeps: 'server', needs: 'redis', make: redis },
  { name: 'pg-simple', label: '@fastify/session, connect-pg-simple', keeps: 'server', needs: 'postgres', make: pgSimple },
  { name: 'file-store-disk', label: '@fastify/session, session-file-store', place: 'disk', keeps: 'server', make: fileStore },
  { name: 'file-store-tmpfs', label: '@fastify/session, session-file-store', place: 'tmpfs', keeps: 'server', make: fileStore },
  { name: 'secure', label: '@fastify/secure-session (data in the cookie)', keeps: 'cookie', make: secure },
  { name: 'mgcrea', label: '@mgcrea/fastify-session, memory', keeps: 'server', make: mgcrea },
  { name: 'express-disk', label: 'express-session, session-file-store', place: 'disk', keeps: 'server', make: express }
]

async function ceiling () {
  return await withoutSessions((request, reply, done) => { done() })
}

/** What a store in Redis costs that does nothing but read one key for each request, by the cheapest call of the client. */
async function redisFloor ({ redisPort }) {
  const { client, close } = await nodeRedis(redisPort)
  await client.set('session', JSON.stringify({ user: { id: 48213, name: 'Grace Hopper', role: 'editor' }, csrf: 'Wb3xYkqT0nC5uJ8r', n: 1 }))
  return await withoutSessions((request, reply, done) => {
    client.sendCommand(['GET', 'session'], { timeout: undefined }).then(text => { request.data = JSON.parse(text) }).then(done, done)
  }, close)
}

async function withoutSessions (load, close = () => {}) {
  const app = Fastify()
  await app.register(fastifyCookie)
  app.decorateRequest('data', null)
  app.addHook('preHandler', load)
  app.addHook('onClose', close)
  app.addHook('onSend', (request, reply, payload, done) => { done() })
  addRoutes(app, { get: () => 1, set: () => {} })
  return listening(app)
}

async function filesFloor ({ dir }) {
  const app = Fastify()
  await app.register(fastifyCookie)
  const { destroy } = addFilesFloor(app, dir)
  addRoutes(app, properties)
  app.get('/cart', (request, reply) => {
    reply.send({ name: request.session.user?.name, bytes: JSON.stringify(request.session.cart ?? null).length })
  })
  app.get('/logout', (request, reply) => {
    destroy(request)
    reply.send({ ok: true })
  })
  return listening(app)
}

function files (options) {
  return async ({ dir }) => listening(await ours({ sessionDir: dir, idleTimeout: IDLE_TIMEOUT, ...options }))
}

/** Sessions are stored as they are; each change of one is followed by what encryption cannot do without. */
function encryptionFloor (options) {
  const set = (session, key, value) => {
    properties.set(session, key, value)
    encryptOnce()
  }
  return files({ data: { ...properties, set } })(options)
}

async function ours ({ signed = false, data = properties, ...options }) {
  const { default: fileSessions } = await import('fastify-file-sessions')
  const app = Fastify()
  await app.register(fastifyCookie, signed ? { secret: SECRET } : {})
  await app.register(fileSessions, { rolling: false, cookie: { ...COOKIE, signed }, ...options })
  addRoutes(app, data)
  addSessionRoutes(app, data)
  app.get('/update', async request => ({ n: await request.session.update(draft => ++draft.n) }))
  return app
}

function oursRedis (connect, options) {
  return async ({ redisPort }) => {
    const { RedisSessionStore } = await import('fastify-file-sessions/redis')
    const { client, close } = await connect(redisPort)
    const app = await ours({ store: new RedisSessionStore({ client, idleTimeout: IDLE_TIMEOUT, ...options }) })
    app.addHook('onClose', close)
    return listening(app)
  }
}

async function nodeRedis (port) {
  const { createClient } = await import('redis')
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  await client.connect()
  return { client, close: () => client.close() }
}

async function ioredis (port) {
  const { Redis } = await import('ioredis')
  const client = new Redis({ host: '127.0.0.1', port })
  return { client, close: () => client.quit() }
}

async function oursPostgres ({ postgresPort }) {
  const { PostgresSessionStore } = await import('fastify-file-sessions/postgres')
  const pool = await postgresPool(postgresPort)
  const app = await ours({ store: new PostgresSessionStore({ pool, idleTimeout: IDLE_TIMEOUT }) })
  app.addHook('onClose', () => pool.end())
  return listening(app)
}

async function postgresPool (port) {
  const { default: { Pool } } = await import('pg')
  return new Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
}

async function fastifySession (store) {
  const { default: plugin } = await import('@fastify/session')
  const app = Fastify()
  await app.register(fastifyCookie)
  await app.register(plugin, { secret: SECRET, store, cookie: COOKIE, rolling: false, saveUninitialized: false })
  addRoutes(app, properties)
  addSessionRoutes(app, properties)
  return app
}

async function memory () {
  return listening(await fastifySession())
}

async function redis ({ redisPort }) {
  const { RedisStore } = await import('connect-redis')
  const { client, close } = await nodeRedis(redisPort)
  const app = await fastifySession(new RedisStore({ client, ttl: IDLE_TIMEOUT }))
  app.addHook('onClose', close)
  return listening(app)
}

async function pgSimple ({ postgresPort }) {
  const { default: session } = await import('express-session')
  const { default: connectPgSimple } = await import('connect-pg-simple')
  const pool = await postgresPool(postgresPort)
  const PgStore = connectPgSimple(session)
  const store = new PgStore({ pool, ttl: IDLE_TIMEOUT, createTableIfMissing: true, pruneSessionInterval: false })
  const app = await fastifySession(store)
  app.addHook('onClose', () => pool.end())
  return listening(app)
}

async function sessionFileStore (dir) {
  const { default: session } = await import('express-session')
  const { default: sessionFileStore } = await import('session-file-store')
  const FileStore = sessionFileStore(session)
  return new FileStore({ path: dir, ttl: IDLE_TIMEOUT, reapInterval: -1, logFn: () => {} })
}

async function fileStore ({ dir }) {
  return listening(await fastifySession(await sessionFileStore(dir)))
}

async function secure () {
  const { default: plugin } = await import('@fastify/secure-session')
  const app = Fastify()
  await app.register(fastifyCookie)
  await app.register(plugin, { key: Buffer.alloc(32, SECRET), expiry: IDLE_TIMEOUT, cookie: COOKIE })
  addRoutes(app, accessors)
  addSessionRoutes(app, { ...accessors, destroy: session => session.delete() })
  return listening(app)
}

async function mgcrea () {
  const { default: plugin } = await import('@mgcrea/fastify-session')
  const app = Fastify()
  await app.register(fastifyCookie)
  await app.register(plugin, { secret: SECRET, saveUninitialized: false, cookie: COOKIE })
  addRoutes(app, accessors)
  addSessionRoutes(app, { ...accessors, destroy: session => session.destroy() })
  return listening(app)
}

async function express ({ dir }) {
  const { default: createApp } = await import('express')
  const { default: session } = await import('express-session')
  const app = createApp()
  app.disable('x-powered-by')
  // No other contender computes one.
  app.disable('etag')
  app.use(session({
    name: 'sid',
    secret: SECRET,
    store: await sessionFileStore(dir),
    cookie: COOKIE,
    rolling: false,
    resave: false,
    saveUninitialized: false
  }))
  const routes = { get: (path, handler) => app.get(path, (request, response) => handler(request, { send: body => response.json(body) })) }
  addRoutes(routes, properties)
  addSessionRoutes(routes, {
    ...properties,
    destroy: session => new Promise((resolve, reject) => session.destroy(error => error ? reject(error) : resolve()))
  })
  return await new Promise((resolve, reject) => {
    const server = app.listen(0, '127.0.0.1', error => error
      ? reject(error)
      : resolve({ port: server.address().port, close: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections() }) }))
  })
}

async function listening (app) {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: app.server.address().port, close: () => app.close() }
}
