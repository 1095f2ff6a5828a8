import { createClient } from 'redis'
import { RedisSessionStore } from '../../../dist/redis.js'
import { faultsOf, load, TIMEOUT } from './server-faults.mjs'

export async function start (_options, teardown) {
  const { RedisServer } = load('../../support/redis-server.ts')
  const server = await RedisServer.start({ teardown }, { appendonly: 'yes', appendfsync: 'always' })
  const control = {
    kill: () => server.kill(), start: () => server.start(), stop: () => server.stop(), resume: () => server.continue()
  }
  const { proxy, faults } = await faultsOf(control, server.port, teardown)
  return { settings: { ports: [server.port, proxy.port] }, faults }
}

export async function open ({ ports }, index, options) {
  const client = createClient({ socket: { host: '127.0.0.1', port: ports[index % 2], reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  return {
    store: new RedisSessionStore({ client, timeout: TIMEOUT, ...options }),
    async close () { client.destroy() }
  }
}
