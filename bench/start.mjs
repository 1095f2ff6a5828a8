/**
 * `npm run bench:start`: what it takes to have sessions at all, beside the alternatives: the time to the
 * first answer, the memory of active sessions, and what is installed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contenders } from './contenders.mjs'
import { DEFAULT_DISK, DEFAULT_TMPFS, makePlace } from './places.mjs'
import { startServer } from './processes.mjs'
import { servers, startServers } from './servers.mjs'
import { median } from './statistics.mjs'
import { visit } from './visitor.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** What an app installs for each, beside its framework. */
const PACKAGES = {
  ceiling: ['@fastify/cookie'],
  'ours-disk': [],
  'ours-redis': ['redis'],
  memory: ['@fastify/cookie', '@fastify/session'],
  redis: ['@fastify/cookie', '@fastify/session', 'connect-redis', 'redis'],
  'pg-simple': ['@fastify/cookie', '@fastify/session', 'connect-pg-simple', 'pg'],
  'file-store-disk': ['@fastify/cookie', '@fastify/session', 'session-file-store'],
  secure: ['@fastify/cookie', '@fastify/secure-session'],
  mgcrea: ['@fastify/cookie', '@mgcrea/fastify-session'],
  'express-disk': ['express-session', 'session-file-store']
}
const SESSIONS = 1000

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } })
const chosen = contenders.filter(({ name, needs }) => name in PACKAGES && (options.only?.split(',').includes(name) ?? true) &&
  servers[needs]?.missing === undefined)
const places = { disk: makePlace(DEFAULT_DISK), tmpfs: makePlace(DEFAULT_TMPFS) }
const { ports, stop } = await startServers(chosen)
const starts = new Map(chosen.map(contender => [contender, []]))
for (let round = 0; round < Number(options.rounds); round++) {
  for (const contender of chosen) starts.get(contender).push(await coldStart(contender))
}

console.log(`| | to the first answer, ms | processor time of it, ms | ${SESSIONS.toLocaleString('en-US')} sessions: heap, KB | with external memory, KB | packages | size, KB |`)
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const contender of chosen) {
  const runs = starts.get(contender)
  const { heap, all } = await memoryOfSessions(contender)
  const { count, size } = installed(contender)
  console.log(`| ${[contender.label, median(runs.map(({ time }) => time)).toFixed(0), median(runs.map(({ cpu }) => cpu)).toFixed(0),
    (heap / 1000).toFixed(0), (all / 1000).toFixed(0), count, (size / 1000).toFixed(0)].join(' | ')} |`)
}
await stop()
process.exit()

function start (contender) {
  return startServer(contender, { place: places[contender.place]?.path, ports })
}

/** A new process up to the answer to a login, in milliseconds. */
async function coldStart (contender) {
  const before = performance.now()
  const server = await start(contender)
  await visit(server.port, '/login')
  const time = performance.now() - before
  const { user, system } = await server.ask('cpu')
  await server.stop()
  return { time, cpu: (user + system) / 1000 }
}

/** Bytes by which the process grows when so many visitors log in, and each is seen once more. */
async function memoryOfSessions (contender) {
  const server = await start(contender)
  await logIn(server.port)
  const before = await server.ask('memory')
  await logIn(server.port)
  const after = await server.ask('memory')
  await server.stop()
  const heap = after.heapUsed - before.heapUsed
  return { heap, all: heap + after.external - before.external }
}

async function logIn (port) {
  for (let n = 0; n < SESSIONS; n++) {
    const { cookie } = await visit(port, '/login')
    await visit(port, '/read', cookie)
  }
}

/** The packages that come with these, their own dependencies included, and their bytes. */
function installed ({ name }) {
  const found = new Set()
  for (const each of PACKAGES[name]) add(each, ROOT, found)
  let count = 0
  let size = 0
  if (name.startsWith('ours')) {
    const { dependencies, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    for (const each of Object.keys(dependencies)) add(each, ROOT, found)
    count = 1
    for (const file of files) size += sizeOf(join(ROOT, file))
  }
  for (const path of found) size += sizeOf(path)
  return { count: count + found.size, size }
}

function add (name, from, found) {
  const path = packageIn(name, from)
  if (path === null || found.has(path)) return
  found.add(path)
  const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  for (const dependency of Object.keys(dependencies)) add(dependency, path, found)
}

function packageIn (name, from) {
  const path = join(from, 'node_modules', name)
  if (statSync(join(path, 'package.json'), { throwIfNoEntry: false }) !== undefined) return path
  return dirname(from) === from ? null : packageIn(name, dirname(from))
}

/** What other packages bring along in a directory of theirs is counted as theirs. */
function sizeOf (path) {
  const status = statSync(path)
  if (!status.isDirectory()) return status.size
  return readdirSync(path).filter(name => name !== 'node_modules').reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
