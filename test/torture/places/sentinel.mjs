import fs from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, createSentinel } from 'redis'
import { RedisSessionStore } from '../../../dist/redis.js'
import { startHosts, startOn } from './hosts.mjs'

const NAME = 'sessions'
const TIMEOUT = 2
const STEP = 100
/** Milliseconds for which a host is cut off: longer than a failover takes. */
const PARTITION = 5000
/** A sentinel takes its time to make a replica of a primary that is back. */
const PATIENCE = 45_000

/** A primary and a replica on two hosts, and a sentinel on each of three. */
export async function start ({ directory, replicas }, teardown) {
  const hosts = startHosts(teardown)
  const [a, b] = hosts
  for (const host of hosts) Object.assign(host, { port: await freePort(), sentinel: await freePort() })
  for (const host of [a, b]) startServer(host, host === a ? null : a, directory, teardown)
  for (const host of hosts) startSentinel(host, a, directory, teardown)
  const watch = createClient({ socket: { host: hosts[2].address, port: hosts[2].sentinel, reconnectStrategy: STEP }, RESP: 2 })
  watch.on('error', () => {})
  await watch.connect()
  teardown(() => { watch.destroy() })
  const primary = async () => {
    const [address, port] = await watch.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME])
    return [a, b].find(host => host.address === address && String(host.port) === port)
  }
  /** Until the replica is in step, and every sentinel would promote it. */
  const settle = async () => await until(async () => {
    const host = await primary()
    if (!/role:master[^]*slave0:[^\n]*state=online/.test(await ask(host.address, host.port, 'INFO', 'replication'))) return false
    const replica = host === a ? b : a
    for (const { address, sentinel } of hosts) {
      const known = await ask(address, sentinel, 'SENTINEL', 'REPLICAS', NAME)
      const leader = await ask(address, sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
      if (leader !== `${host.address},${host.port}` || !known.includes(`${replica.address}:${replica.port}`) || /s_down|disconnected/.test(known)) return false
    }
    return /^OK 3/.test(await ask(hosts[2].address, hosts[2].sentinel, 'SENTINEL', 'CKQUORUM', NAME))
  })
  await settle()
  const faults = {
    async 'primary killed, its replica promoted' () {
      const killed = await primary()
      killed.server.child.kill('SIGKILL')
      await killed.server.exited
      await until(async () => await primary() !== killed)
      startServer(killed, await primary(), directory, teardown)
      await settle()
    }
  }
  if (a.cutOff !== undefined) {
    faults['host of the primary cut off'] = async () => {
      const host = await primary()
      host.cutOff()
      await wait(PARTITION)
      host.connect()
      await settle()
    }
  }
  return {
    settings: { replicas: Number(replicas), sentinels: hosts.map(({ address, sentinel }) => ({ host: address, port: sentinel })) },
    faults,
    // The processes are on the first two hosts.
    commandFor: index => hosts[index % 2].command,
    // By default a primary does not wait for its replica.
    mayLose: replicas === '0' ? ['lost', 'doubled', 'unreadable', 'resurrected'] : []
  }
}

export async function open ({ replicas, sentinels }, _index, options) {
  const client = createSentinel({ name: NAME, sentinelRootNodes: sentinels, scanInterval: 1000 })
  client.on('error', () => {})
  await client.connect()
  return {
    store: new RedisSessionStore({ client, timeout: TIMEOUT, ...options, ...replicas > 0 ? { replicas: { count: replicas, timeout: 1 } } : {} }),
    async close () { client.destroy() }
  }
}

function startServer (host, primary, directory, teardown) {
  const own = join(directory, `redis-${host.name}`)
  fs.mkdirSync(own, { recursive: true })
  host.server = startOn(host, ['redis-server', '--bind', host.address, '--port', String(host.port), '--dir', own, '--save', '', '--protected-mode', 'no',
    '--appendonly', 'yes', '--repl-diskless-sync-delay', '0', '--repl-timeout', '5', '--repl-ping-replica-period', '1',
    ...primary === null ? [] : ['--replicaof', primary.address, String(primary.port)]], teardown)
}

function startSentinel (host, primary, directory, teardown) {
  const file = join(directory, `sentinel-${host.name}.conf`)
  fs.writeFileSync(file, [
    `bind ${host.address}`, `port ${host.sentinel}`, 'protected-mode no', `sentinel monitor ${NAME} ${primary.address} ${primary.port} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`, `sentinel failover-timeout ${NAME} 3000`, ''
  ].join('\n'))
  startOn(host, ['redis-server', file, '--sentinel'], teardown)
}

async function ask (address, port, ...command) {
  const client = createClient({ socket: { host: address, port, reconnectStrategy: false, connectTimeout: 1000 }, RESP: 2 })
  client.on('error', () => {})
  try {
    await client.connect()
    return String(await client.sendCommand(command))
  } finally {
    if (client.isOpen) client.destroy()
  }
}

async function until (holds) {
  for (const end = Date.now() + PATIENCE; ; await wait(STEP)) {
    if (await holds().catch(() => false)) return
    if (Date.now() > end) throw new Error('the servers do not get on')
  }
}

async function freePort () {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
