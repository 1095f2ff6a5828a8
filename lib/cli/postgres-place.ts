import { Socket } from 'node:net'
import type { Lifetimes } from '../store/clock'
import type { SettledEncryption } from '../store/encryption-options'
import type { PostgresClient } from '../store/postgres/options'
import { PostgresSessionStore } from '../store/postgres/postgres-session-store'
import { qualified } from '../store/postgres/schema'
import { importClient } from './client-package'
import type { Finding, Place, PlaceOptions } from './place'
import { ServerPlace } from './server-place'
import { asStoreError, connecting } from './server-trouble'
import type { ServerUrl } from './server-url'

const CLIENTS = ['pg']
/** Milliseconds. */
const CONNECT_TIMEOUT = 5000
const END_TIMEOUT = 1000

interface Pool extends PostgresClient { on: (event: 'error', listener: () => void) => void, end: () => Promise<void> }

/** Opens the sessions in a table of PostgreSQL. @throws {SessionError} */
export async function openPostgres (
  { address, title, parameters }: ServerUrl, { maxSize }: PlaceOptions, findClient = () => importClient(CLIENTS)
): Promise<Place> {
  const { exports } = await findClient()
  const Pool = exports['Pool'] as new (options: object) => Pool
  const sockets: Socket[] = []
  const stream = (): Socket => {
    const socket = new Socket()
    sockets.push(socket)
    return socket
  }
  const pool = new Pool({ connectionString: address, connectionTimeoutMillis: CONNECT_TIMEOUT, max: 2, stream })
  pool.on('error', () => {})
  const { table = 'sessions', schema = 'public' } = parameters
  const makeStore = (appid: string, limits: Lifetimes, encryption: SettledEncryption | true = true): PostgresSessionStore =>
    // For texts as they are stored, which are longer when they are encrypted.
    new PostgresSessionStore({ pool, appid, table, schema, maxSize, encryption, ...limits })
  await connecting(title, pool.query('SELECT 1', [])).catch(async error => {
    await pool.end()
    throw error
  })
  return new ServerPlace({
    title,
    makeStore,
    appids: () => appidsIn(pool, qualified(schema, table)),
    async * findings (): AsyncGenerator<Finding> {
      const store = makeStore('sid', { idleTimeout: 7200, absoluteTimeout: undefined })
      // The table is made by the app, or from the printed schema.
      await appidsIn(pool, qualified(schema, table))
      await store.open()
      yield { subject: 'server', isGood: true, text: 'answers, and can keep sessions' }
      for (const warning of store.warnings) yield { subject: 'setting', isGood: false, text: warning }
    },
    close: () => ended(pool, sockets)
  })
}

/** Ends the pool. It waits for its connections, and a server that does not answer ends none. */
async function ended (pool: Pool, sockets: readonly Socket[]): Promise<void> {
  const timer = setTimeout(() => { for (const socket of sockets) socket.destroy() }, END_TIMEOUT)
  await pool.end()
  clearTimeout(timer)
}

/** @throws {SessionStoreError} when there is no such table, or it may not be read */
async function appidsIn (pool: Pool, table: string): Promise<string[]> {
  try {
    const { rows } = await pool.query(`SELECT DISTINCT appid FROM ${table} WHERE status = 'live'`, [])
    // The lists of an index have a space in it, which no appid has.
    return rows.map(row => (row as { appid: string }).appid).filter(appid => !appid.includes(' '))
  } catch (error) {
    throw asStoreError(error)
  }
}
