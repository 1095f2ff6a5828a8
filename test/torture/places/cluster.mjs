import { setTimeout as wait } from 'node:timers/promises'
import { createCluster } from 'redis'
import { RedisSessionStore } from '../../../dist/redis.js'
import { load, TIMEOUT } from './server-faults.mjs'

const PRIMARIES = 3
/** Milliseconds after which the others give a server up. */
const PATIENCE = '1000'
const STEP = 50

/** A cluster of three primaries with a replica each. */
export async function start ({ replicas }, teardown) {
  const { addReplica, startCluster } = load('../../support/redis-server.ts')
  const options = { appendonly: 'yes', 'cluster-node-timeout': PATIENCE, 'cluster-replica-validity-factor': '0', 'repl-ping-replica-period': '1' }
  const servers = await startCluster({ teardown }, PRIMARIES, options)
  // Each pair is a primary and its replica.
  const pairs = []
  for (const primary of servers.slice()) {
    const replica = await addReplica({ teardown }, servers, primary, options)
    servers.push(replica)
    pairs.push([primary, replica])
  }
  /** Until every replica is in step, and every server sees a whole cluster. */
  const settle = async () => {
    for (const [primary] of pairs) await primary.until(['INFO', 'replication'], answer => /role:master[^]*slave0:[^\n]*state=online/.test(answer))
    for (const server of servers) {
      await server.until(['CLUSTER', 'INFO'], answer => answer.includes('cluster_state:ok'))
      await server.until(['CLUSTER', 'NODES'], answer => !answer.includes('fail') && answer.match(/slave/g)?.length === pairs.length)
    }
  }
  await settle()
  let turn = 0
  /** The next primary is gone by `end` until its replica has its place, and is back by `begin`. */
  const failover = (end, begin) => async () => {
    const pair = pairs[turn++ % PRIMARIES]
    const [primary, replica] = pair
    await end(primary)
    await replica.until(['INFO', 'replication'], answer => answer.includes('role:master'))
    await wait(STEP)
    await begin(primary)
    pair.reverse()
    await settle()
  }
  return {
    settings: { replicas: Number(replicas), ports: servers.map(({ port }) => port) },
    faults: {
      'primary killed, its replica promoted': failover(primary => primary.kill(), primary => primary.start()),
      'primary stopped, its replica promoted': failover(primary => primary.stop(), primary => primary.continue())
    },
    // By default a primary does not wait for its replica.
    mayLose: replicas === '0' ? ['lost', 'doubled', 'unreadable', 'resurrected'] : []
  }
}

export async function open ({ replicas, ports }, _index, options) {
  const client = createCluster({
    rootNodes: ports.map(port => ({ socket: { host: '127.0.0.1', port } })),
    defaults: { socket: { reconnectStrategy: STEP } }
  })
  client.on('error', () => {})
  await client.connect()
  return {
    store: new RedisSessionStore({ client, timeout: TIMEOUT, ...options, ...replicas > 0 ? { replicas: { count: replicas, timeout: 1 } } : {} }),
    async close () { client.destroy() }
  }
}
