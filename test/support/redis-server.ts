import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort } from './free-port'

/** The server to test with: set `REDIS_SERVER=valkey-server` to try another. */
const PROGRAM = process.env.REDIS_SERVER ?? 'redis-server'
const STEP = 20

/** Why tests that need a Redis server are skipped; false when there is one. */
export const redisIsMissing: string | false = isHere() ? false : `${PROGRAM} is not installed`

/** What a helper needs of a test: to be told when it is over. */
export interface Test {
  teardown (callback: () => unknown): unknown
}

/** A server of this test's own, on a free port, with its own directory. */
export class RedisServer {
  #process: ChildProcess | null = null

  private constructor (readonly port: number, readonly directory: string, private readonly parameters: readonly string[]) {}

  /** Starts one that ends with the test. `options` are those of its configuration, without the dashes. */
  static async start (t: Test, options: Record<string, string> = {}, mode: readonly string[] = []): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'redis-server-'))
    const server = new RedisServer(await freePort(), directory, [
      ...mode, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')])
    ])
    t.teardown(async () => {
      await server.kill()
      await rm(directory, { recursive: true, force: true })
    })
    await server.start()
    return server
  }

  get url (): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, also again: on the same port, with what it kept on the disk. */
  async start (): Promise<void> {
    const { port, directory, parameters } = this
    const child = spawn(PROGRAM, [
      ...parameters, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--daemonize', 'no',
      '--repl-diskless-sync-delay', '0'
    ], { stdio: 'ignore' })
    this.#process = child
    const end = (): void => { child.kill('SIGKILL') }
    process.once('exit', end)
    child.once('exit', () => { process.removeListener('exit', end) })
    while (!await answers(port)) {
      if (child.exitCode !== null) throw new Error(`${PROGRAM} ended with ${child.exitCode} on port ${port}`)
      await sleep(STEP)
    }
  }

  /** Ends it at once, as a crash does. */
  async kill (): Promise<void> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** The process stands still: its connections stay open, and nothing is answered. */
  stop (): void {
    this.#process?.kill('SIGSTOP')
  }

  continue (): void {
    this.#process?.kill('SIGCONT')
  }

  /** Runs one command on a connection of its own. */
  async run (...command: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, RESP: 2 })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(command)
    } finally {
      client.destroy()
    }
  }

  /** Runs it until its answer fits. */
  async until (command: readonly string[], fits: (answer: string) => boolean): Promise<void> {
    for (;;) {
      const answer = await this.run(...command).catch((error: unknown) => String(error))
      if (fits(String(answer))) return
      await sleep(STEP)
    }
  }
}

/** A Redis Cluster of masters without replicas. Slots are shared out evenly. */
export async function startCluster (t: Test, masters = 3, options: Record<string, string> = {}): Promise<RedisServer[]> {
  const ports = await Promise.all(Array.from({ length: masters }, freePort))
  const servers = await Promise.all(ports.map(busPort => RedisServer.start(t, {
    // No server is given up by the others because the machine is busy.
    'cluster-node-timeout': '60000', ...options, 'cluster-enabled': 'yes', 'cluster-port': String(busPort)
  })))
  const [first, ...others] = servers as [RedisServer, ...RedisServer[]]
  const share = 16384 / masters
  await Promise.all(servers.map(async (server, index) => {
    await server.run('CLUSTER', 'ADDSLOTSRANGE', String(Math.floor(index * share)), String(Math.floor((index + 1) * share) - 1))
  }))
  for (const [index, { port }] of others.entries()) {
    await first.run('CLUSTER', 'MEET', '127.0.0.1', String(port), String(ports[index + 1]))
  }
  for (const server of servers) {
    await server.until(['CLUSTER', 'INFO'], answer => /cluster_state:ok/.test(answer) && answer.includes(`cluster_known_nodes:${masters}`))
    await server.until(['CLUSTER', 'NODES'], answer => answer.split(' connected').length === masters + 1)
  }
  return servers
}

/** Adds a replica of one of its primaries to a cluster, and waits until it is in step and known to all `servers`. */
export async function addReplica (t: Test, servers: readonly RedisServer[], primary: RedisServer, options: Record<string, string> = {}): Promise<RedisServer> {
  const busPort = await freePort()
  const replica = await RedisServer.start(t, {
    'cluster-node-timeout': '60000', ...options, 'cluster-enabled': 'yes', 'cluster-port': String(busPort)
  })
  const id = String(await primary.run('CLUSTER', 'MYID'))
  await primary.run('CLUSTER', 'MEET', '127.0.0.1', String(replica.port), String(busPort))
  for (const server of [...servers, replica]) await server.until(['CLUSTER', 'NODES'], answer => answer.split(' connected').length === servers.length + 2)
  await replica.run('CLUSTER', 'REPLICATE', id)
  await primary.until(['INFO', 'replication'], answer => /slave0:.*state=online/.test(answer))
  for (const server of servers) await server.until(['CLUSTER', 'NODES'], answer => answer.includes(` ${id} `))
  return replica
}

export interface Replicated {
  readonly primary: RedisServer
  readonly replica: RedisServer
}

/** A primary with one replica that is in step. */
export async function startReplicated (t: Test, options: Record<string, string> = {}): Promise<Replicated> {
  const primary = await RedisServer.start(t, options)
  const replica = await RedisServer.start(t, { ...options, replicaof: `127.0.0.1 ${primary.port}` })
  await primary.until(['INFO', 'replication'], answer => /slave0:.*state=online/.test(answer))
  return { primary, replica }
}

/** The name that the sentinel of {@link startSentinel} gives the primary. */
export const SENTINEL_NAME = 'sessions'

/** A primary with one replica, and one sentinel that promotes the replica when the primary has not answered for so many milliseconds. */
export async function startSentinel (t: Test, patience: number): Promise<Replicated & { readonly sentinel: RedisServer }> {
  const replicated = await startReplicated(t)
  const { primary } = replicated
  const directory = await mkdtemp(join(tmpdir(), 'redis-sentinel-'))
  t.teardown(async () => { await rm(directory, { recursive: true, force: true }) })
  const file = join(directory, 'sentinel.conf')
  await writeFile(file, [
    `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${primary.port} 1`,
    `sentinel down-after-milliseconds ${SENTINEL_NAME} ${patience}`,
    `sentinel failover-timeout ${SENTINEL_NAME} 3000`,
    ''
  ].join('\n'))
  const sentinel = await RedisServer.start(t, {}, [file, '--sentinel'])
  await sentinel.until(['SENTINEL', 'REPLICAS', SENTINEL_NAME], answer => answer.includes(String(replicated.replica.port)))
  return { ...replicated, sentinel }
}

function isHere (): boolean {
  try {
    execFileSync(PROGRAM, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function answers (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = await once(socket, 'data') as [Buffer]
    return answer.toString().startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
