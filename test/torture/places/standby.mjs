import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { PostgresSessionStore } from '../../../dist/postgres.js'
import { load, TIMEOUT } from './server-faults.mjs'

const NAME = 'standby'
/** Milliseconds in which requests run into what happens. */
const MOMENT = 500

/**
 * A primary of PostgreSQL and its standby, behind an address that each failover moves. With `replicas`
 * the standby is synchronous.
 */
export async function start ({ replicas }, teardown) {
  const { PostgresServer } = load('../../support/postgres-server.ts')
  const { TcpProxy } = load('../../support/tcp-proxy.ts')
  const isSynchronous = replicas !== '0'
  const settings = { cluster_name: NAME, synchronous_commit: 'on', fsync: 'on', ...isSynchronous ? { synchronous_standby_names: NAME } : {} }
  let primary = await PostgresServer.start({ teardown }, { fsync: true, settings })
  let standby = await primary.replica({ teardown }, settings)
  const address = await TcpProxy.start(primary.address.port)
  teardown(() => address.stop())
  /** Until the standby has all that the primary has. */
  const settle = async () => {
    const client = new pg.Client(primary.address)
    await client.connect()
    const state = isSynchronous ? 'sync' : 'async'
    const inStep = "SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming' AND sync_state = $2 AND sent_lsn - flush_lsn < 1000"
    while ((await client.query(inStep, [NAME, state])).rowCount === 0) await wait(20)
    await client.end()
  }
  await settle()
  /** The standby takes the place of the primary, which is down or about to be. */
  const promote = async () => {
    await standby.promote()
    address.lead(standby.address.port);
    [primary, standby] = [standby, primary]
  }
  const rebuild = async () => {
    await standby.follow(primary)
    await settle()
  }
  return {
    settings: { address: { ...primary.address, port: address.port } },
    faults: {
      async 'primary killed, its standby promoted' () {
        await primary.kill()
        await promote()
        await rebuild()
      },
      // It goes on with what it was sent, but nothing follows it any more.
      async 'primary stopped, its standby promoted' () {
        const stopped = primary
        stopped.pause()
        await promote()
        stopped.resume()
        await wait(MOMENT)
        await stopped.kill()
        await rebuild()
      },
      async 'standby killed' () {
        await standby.kill()
        await wait(MOMENT)
        await standby.start()
        await settle()
      },
      // What waited for the standby is there after the restart, and the standby does not have it.
      async 'primary restarted without its standby, then killed, and the standby promoted' () {
        await standby.kill()
        await wait(MOMENT)
        await primary.kill()
        await primary.start()
        await wait(MOMENT)
        await primary.kill()
        await standby.start()
        await promote()
        await rebuild()
      }
    },
    // By default a primary does not wait for its standby.
    mayLose: isSynchronous ? [] : ['lost', 'doubled', 'unreadable', 'resurrected']
  }
}

export async function open ({ address }, _index, options) {
  const pool = new pg.Pool({ ...address, max: 4 })
  return {
    store: new PostgresSessionStore({ pool, timeout: TIMEOUT, ...options }),
    close: () => pool.end()
  }
}
