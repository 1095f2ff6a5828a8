/**
 * `npm run bench:trouble`: how long reads wait while something else goes on. The reads are those of one
 * app, at a fixed rate, so that a server that falls behind shows.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createHistogram, performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contenders } from './contenders.mjs'
import { DEFAULT_DISK, makePlace } from './places.mjs'
import { startServer } from './processes.mjs'
import { visit } from './visitor.mjs'

const { values: options, positionals: [role, ...parameters] } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    sessions: { type: 'string', default: '20000' },
    dir: { type: 'string', default: DEFAULT_DISK }
  }
})
/** Milliseconds between two reads. */
const EVERY = 2
const VISITORS = 64

/** What goes on beside the reads. `wrap`: options of the app's process; `beside`: work of another process. */
const TROUBLES = [
  { what: 'nothing' },
  { what: 'another process saves sessions of 100 KB', beside: 'save' },
  { what: `another process sweeps ${Number(options.sessions).toLocaleString('en-US')} sessions, again and again`, beside: 'sweep' },
  { what: 'the app writes, and the disk is quick', writes: true },
  { what: 'the app writes, and each second the disk takes 100 ms for a write', writes: true, nodeOptions: ['--import', new URL('slow-disk.mjs', import.meta.url).href] }
]

if (role === 'beside') await beside(...parameters)
else await run()

async function run () {
  const place = makePlace(options.dir)
  const contender = contenders.find(({ name }) => name === 'ours-disk')
  console.log('| while … | reads | median, ms | p99, ms | p99.9, ms | at most, ms |\n| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const { what, beside, writes = false, nodeOptions = [] } of TROUBLES) {
    const server = await startServer(contender, { place: place.path, nodeOptions })
    const cookies = []
    while (cookies.length < VISITORS) cookies.push((await visit(server.port, '/login')).cookie)
    const other = beside === undefined ? null : fork(fileURLToPath(import.meta.url), ['beside', server.dir, beside, '--sessions', options.sessions])
    if (other !== null) await once(other, 'message')
    const times = await reads(server.port, cookies, writes)
    other?.kill()
    await server.stop()
    const at = percentile => (times.percentile(percentile) / 1e6).toFixed(1)
    console.log(`| ${what} | ${times.count} | ${at(50)} | ${at(99)} | ${at(99.9)} | ${(times.max / 1e6).toFixed(1)} |`)
  }
  process.exit()
}

/** Times count from when a read was due, in nanoseconds. */
async function reads (port, cookies, writes) {
  const times = createHistogram()
  const load = { on: true }
  const writing = writes
    ? cookies.slice(0, 8).map(async cookie => { while (load.on) await visit(port, '/write', cookie) })
    : []
  const under = []
  const start = performance.now() + 500
  const end = start + Number(options.seconds) * 1000
  for (let due = start - 500; due < end; due += EVERY) {
    const wait = due - performance.now()
    if (wait > 0) await pause(wait)
    const answered = visit(port, '/read', cookies[under.length % cookies.length])
    under.push(due < start ? answered : answered.then(() => { times.record(Math.max(Math.round((performance.now() - due) * 1e6), 1)) }))
  }
  await Promise.all(under)
  load.on = false
  await Promise.all(writing)
  return times
}

/** The other process works until it is killed. It uses the same directory. */
async function beside (dir, work) {
  const { SessionFileStore } = await import('fastify-file-sessions')
  const store = new SessionFileStore({ appid: 'sid', sessionDir: `${dir}/sessions` })
  await store.open()
  if (work === 'sweep') {
    const count = Number(options.sessions)
    for (let n = 0; n < count; n++) await store.newSession()
    process.send('ready')
    for (;;) await store.reap()
  }
  const ids = []
  while (ids.length < 8) ids.push(await store.newSession())
  process.send('ready')
  for (let n = 0; ; n++) await store.putSession(ids[n % ids.length], String(n % 10).repeat(100_000))
}
