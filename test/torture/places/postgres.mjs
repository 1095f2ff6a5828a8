import pg from 'pg'
import { PostgresSessionStore } from '../../../dist/postgres.js'
import { faultsOf, load, TIMEOUT } from './server-faults.mjs'

export async function start (_options, teardown) {
  const { PostgresServer } = load('../../support/postgres-server.ts')
  const server = await PostgresServer.start({ teardown }, { fsync: true, settings: { synchronous_commit: 'on' } })
  const control = {
    kill: () => server.kill(), start: () => server.start(), stop: () => server.pause(), resume: () => server.resume()
  }
  const { proxy, faults } = await faultsOf(control, server.address.port, teardown)
  return { settings: { address: server.address, ports: [server.address.port, proxy.port] }, faults }
}

export async function open ({ address, ports }, index, options) {
  const pool = new pg.Pool({ ...address, port: ports[index % 2], max: 4 })
  return {
    store: new PostgresSessionStore({ pool, timeout: TIMEOUT, ...options }),
    close: () => pool.end()
  }
}
