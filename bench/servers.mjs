/**
 * The servers that some contenders keep sessions in. They do not run on the app's core, because they are not
 * a part of its process, and save nothing to the disk.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isInstalled, pinned, STORE_CORE } from './processes.mjs'

/** By what a contender needs: why there is none of it, and how to start one. */
export const servers = {
  redis: { missing: isInstalled('redis-server') ? undefined : 'redis-server is not installed', start: startRedis },
  postgres: { missing: postgresPrograms() === undefined ? 'PostgreSQL is not installed' : undefined, start: startPostgres }
}

/** Starts what these contenders need. `ports` is what `startServer` takes. */
export async function startServers (contenders) {
  const needed = [...new Set(contenders.map(({ needs }) => needs).filter(needs => needs !== undefined))]
  const started = await Promise.all(needed.map(async name => [name, await servers[name].start()]))
  return {
    ports: Object.fromEntries(started.map(([name, { port }]) => [`${name}Port`, port])),
    stop: async () => { await Promise.all(started.map(([, { stop }]) => stop())) }
  }
}

async function startRedis () {
  const port = await freePort()
  const directory = temporary('redis')
  const child = spawn(...pinned(STORE_CORE, 'redis-server', [
    '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory
  ]), { stdio: ['ignore', 'pipe', 'inherit'] })
  return await ready(child, child.stdout, /Ready to accept connections/, 'SIGTERM', port)
}

/** As another user when this is root, for PostgreSQL refuses to run as root. */
async function startPostgres () {
  const programs = postgresPrograms()
  const port = await freePort()
  const directory = temporary('postgres')
  const owner = process.getuid() === 0 ? ownerOf('postgres') ?? ownerOf('nobody') : {}
  if (owner.uid !== undefined) chownSync(directory, owner.uid, owner.gid)
  const as = { ...owner, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  const data = join(directory, 'data')
  const made = spawnSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...as, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb made no database: ${made.stderr}`)
  const child = spawn(...pinned(STORE_CORE, join(programs, 'postgres'), [
    '-D', data, '-p', String(port), '-k', directory, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'autovacuum=off'
  ]), { ...as, stdio: ['ignore', 'ignore', 'pipe'] })
  return await ready(child, child.stderr, /ready to accept connections/, 'SIGINT', port)
}

/** Waits for a line of its output. It ends with this process. */
async function ready (child, output, line, signal, port) {
  const ended = once(child, 'exit')
  const killWithParent = () => { child.kill(signal) }
  process.once('exit', killWithParent)
  let text = ''
  await new Promise((resolve, reject) => {
    output.on('data', data => {
      text = (text + data).slice(-10_000)
      if (line.test(text)) resolve()
    })
    child.once('exit', () => { reject(new Error(`${child.spawnargs.join(' ')} ended:\n${text}`)) })
    child.once('error', reject)
  })
  return {
    port,
    stop: async () => {
      process.off('exit', killWithParent)
      child.kill(signal)
      await ended
    }
  }
}

function temporary (name) {
  const directory = mkdtempSync(join(tmpdir(), `fastify-file-sessions-bench-${name}-`))
  process.once('exit', () => { rmSync(directory, { recursive: true, force: true, maxRetries: 3 }) })
  return directory
}

function ownerOf (name) {
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':')).find(([user]) => user === name) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** The directory of the programs, where Debian and others have it. */
function postgresPrograms () {
  const versions = '/usr/lib/postgresql'
  const debian = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)).map(version => join(versions, version, 'bin')) : []
  return [...debian, ...(process.env.PATH ?? '').split(':')].find(path => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')))
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
