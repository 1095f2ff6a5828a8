import { spawn, execFile, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { freePort } from './free-port'

const run = promisify(execFile)

/** The directory of the programs of PostgreSQL; undefined when it is not installed. */
export const POSTGRES_PROGRAMS = programs()
/** Why a test with a PostgreSQL server is skipped; false when it is not. */
export const NO_POSTGRES = POSTGRES_PROGRAMS === undefined && 'PostgreSQL is not installed'
/** Why a test with a standby is skipped; false when it is not. */
export const NO_STANDBY = NO_POSTGRES !== false ? NO_POSTGRES : !existsSync(join(POSTGRES_PROGRAMS as string, 'pg_basebackup')) && 'pg_basebackup is not installed'

export interface PostgresServerOptions {
  /** Whether the server waits for the disk. A power loss is what nothing else survives. @default false */
  fsync?: boolean
  /** Settings of postgresql.conf, by their names. */
  settings?: Record<string, string | number>
  /** The directory of the programs. @default that of the installed version */
  programs?: string
}

/** How a client finds the server: what `new Pool()` of pg takes. */
export interface PostgresAddress {
  host: string
  port: number
  user: string
  database: string
}

/**
 * A PostgreSQL server of the test's own: a data directory in the directory for temporary files, and
 * a port that was free. Any local user can connect, so it holds nothing but a test's data.
 */
export class PostgresServer {
  readonly address: PostgresAddress
  readonly #directory: string
  readonly #programs: string
  readonly #settings: string[]
  #process: ChildProcess | null = null
  #ended: Promise<unknown> = Promise.resolve()
  #log = ''

  private constructor (directory: string, port: number, programs: string, settings: string[]) {
    this.address = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }
    this.#directory = directory
    this.#programs = programs
    this.#settings = settings
  }

  /** Makes a server and starts it. It is stopped and removed with the test. */
  static async start (t: Pick<Test, 'teardown'>, options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const { fsync = false, settings = {}, programs = POSTGRES_PROGRAMS as string } = options
    const server = await PostgresServer.#make(t, programs, { fsync: fsync ? 'on' : 'off', ...settings })
    await copyTemplate(await template(programs), server.#data)
    await server.start()
    return server
  }

  static async #make (
    t: Pick<Test, 'teardown'>, programs: string, settings: Record<string, string | number>
  ): Promise<PostgresServer> {
    const directory = await mkdtemp(join(tmpdir(), 'postgres-'))
    await chown(directory, OWNER.uid, OWNER.gid)
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const server = new PostgresServer(directory, await freePort(), programs, given)
    t.teardown(async () => {
      await server.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    })
    return server
  }

  get #data (): string {
    return join(this.#directory, 'data')
  }

  /** The address as a URL. */
  get url (): string {
    const { host, port, user, database } = this.address
    return `postgres://${user}@${host}:${port}/${database}`
  }

  /** The process ids of the server and of what it has started. */
  get pids (): number[] {
    const pid = this.#process?.pid
    if (pid === undefined || !isAlive(pid)) return []
    const children = `/proc/${pid}/task/${pid}/children`
    return [pid, ...(existsSync(children) ? readFileSync(children, 'latin1').split(' ').filter(Boolean).map(Number) : [])]
  }

  /** What it wrote last. */
  get log (): string {
    return this.#log
  }

  /** Starts the server, also one that was stopped or killed, and waits until it takes connections. */
  async start (): Promise<void> {
    const child = spawn(...asOwner(join(this.#programs, 'postgres'), [
      '-D', this.#data, '-p', String(this.address.port), '-k', this.#directory,
      '-c', 'listen_addresses=127.0.0.1', '-c', 'lc_messages=C', '-c', 'shared_buffers=16MB', ...this.#settings
    ]))
    this.#log = ''
    this.#ended = new Promise(resolve => { child.once('close', resolve) })
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stderr as NodeJS.ReadableStream).on('line', line => {
        this.#log = `${this.#log}${line}\n`.slice(-10_000)
        if (/ready to accept (read-only )?connections/.test(line)) resolve()
      })
      child.once('close', () => { reject(new Error(`PostgreSQL ended:\n${this.#log}`)) })
    })
    this.#process = child
  }

  /** Stops the server. `fast` ends the connections and writes everything out; `immediate` leaves the next start to recover what was committed. */
  async stop (mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    this.resume()
    this.#process?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await this.#gone()
  }

  /** Kills the server and all its processes with SIGKILL. */
  async kill (): Promise<void> {
    const { pids } = this
    signal(pids, 'SIGKILL')
    await this.#gone()
    // The children are not ours, so that nothing tells when they are gone: a moment after the signal.
    while (pids.some(isAlive)) await new Promise(setImmediate)
  }

  /** Stops all its processes in their tracks: connections stay open and are not answered. */
  async pause (): Promise<void> {
    // The list may lack a process that was made, or stood behind one that ended, while it was read.
    while (!this.pids.every(isStopped)) {
      signal(this.pids, 'SIGSTOP')
      await new Promise(setImmediate)
    }
  }

  /** Lets a paused server go on. */
  resume (): void {
    signal(this.pids, 'SIGCONT')
  }

  /** Makes a second server that follows this one, and starts it. It is stopped and removed with the test. */
  async replica (t: Pick<Test, 'teardown'>, settings: Record<string, string | number> = {}): Promise<PostgresServer> {
    const replica = await PostgresServer.#make(t, this.#programs, { fsync: 'off', ...settings })
    await replica.follow(this)
    return replica
  }

  /** Becomes a copy of another server, which it follows from now on. What it held is removed. */
  async follow ({ address: { host, port, user } }: PostgresServer): Promise<void> {
    await rm(this.#data, { recursive: true, force: true })
    await runAsOwner(join(this.#programs, 'pg_basebackup'), [
      '-D', this.#data, '-h', host, '-p', String(port), '-U', user, '-X', 'stream', '-c', 'fast', '-R', '--no-sync'
    ])
    await this.start()
  }

  /** Makes a replica the primary; waits until it takes writes. */
  async promote (): Promise<void> {
    await runAsOwner(join(this.#programs, 'pg_ctl'), ['promote', '-w', '-D', this.#data])
  }

  async #gone (): Promise<void> {
    await this.#ended
    this.#process = null
  }
}

/** PostgreSQL refuses to run as root. */
export const OWNER = process.getuid?.() === 0 ? ownerFor(['postgres', 'nobody']) : userInfo()

function ownerFor (names: string[]): { uid: number, gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':'))
  const [, , uid, gid] = names.map(name => users.find(([user]) => user === name)).find(user => user !== undefined) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** Runs a program as the owner, in the directory for temporary files; it ends with this process, however that ends. */
export function asOwner (program: string, parameters: string[]): [string, string[], object] {
  const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'], LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] }
  if (!existsSync('/usr/bin/setpriv')) return [program, parameters, { ...options, uid: OWNER.uid, gid: OWNER.gid }]
  const user = process.getuid?.() === 0 ? [`--reuid=${OWNER.uid}`, `--regid=${OWNER.gid}`, '--clear-groups'] : []
  return ['/usr/bin/setpriv', [...user, '--pdeathsig=QUIT', program, ...parameters], options]
}

async function runAsOwner (program: string, parameters: string[]): Promise<void> {
  await run(...asOwner(program, parameters))
}

/**
 * Returns a data directory that `initdb` has just made, for others to copy: making one takes seconds.
 * It is kept in the directory for temporary files, and used only if it belongs to the owner alone.
 */
async function template (programs: string): Promise<string> {
  const { stdout } = await run(join(programs, 'postgres'), ['--version'])
  const version = /\d+(\.\d+)?/.exec(stdout)?.[0] ?? 'unknown'
  const path = join(tmpdir(), `postgres-template-${version}-${OWNER.uid}`)
  if (existsSync(path)) return await checked(path)

  const directory = await mkdtemp(join(tmpdir(), 'postgres-'))
  await chown(directory, OWNER.uid, OWNER.gid)
  const data = join(directory, 'data')
  await runAsOwner(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'])
  // Another test may have been first: its directory is not empty, and is as good as this one.
  await rename(data, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  await rm(directory, { recursive: true, force: true })
  return await checked(path)
}

async function checked (path: string): Promise<string> {
  const status = await lstat(path)
  if (!status.isDirectory() || status.uid !== OWNER.uid || (status.mode & 0o077) !== 0) {
    throw new Error(`${path} belongs to another user, or others may use it: remove it`)
  }
  return path
}

async function copyTemplate (from: string, to: string): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', from, to]).catch(async () => {
    await rm(to, { recursive: true, force: true })
    await run('cp', ['-Rp', from, to])
  })
}

function signal (pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Whether the process runs; one that has ended may still be listed until its parent has asked. */
function isAlive (pid: number): boolean {
  return !/^[ZX]?$/.test(stateOf(pid))
}

function isStopped (pid: number): boolean {
  return /^[TZX]?$/.test(stateOf(pid))
}

/** Returns the letter that Linux has for it; '' for a process that is not there. */
function stateOf (pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? ''
  } catch {
    return ''
  }
}

/** Returns what POSTGRES_PROGRAMS says, or the newest version that is installed: where Debian and its kin put it, or on the PATH. */
function programs (): string | undefined {
  const given = process.env['POSTGRES_PROGRAMS']
  if (given !== undefined) return given
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : []
  const places = [...versions.map(version => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')]
  return places.find(place => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')))
}
