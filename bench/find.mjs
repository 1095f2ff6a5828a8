/**
 * Finding and ending the sessions of one user among a million sessions: how long each takes, what a sweep of the
 * indexes costs, how long it holds the event loop, and whether memory grows.
 *
 *     npm run bench:find [-- --users 100,10000,100000 --each 10 --store files|redis --directory /where/there/is/room --check]
 *
 * The sessions and their lists are written by the store, as it writes them for logins, a list at once. With --check
 * it ends with 1 when a goal is missed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { servers } from './servers.mjs'
import { spread, watchMemory } from './watch.mjs'

const require = createRequire(import.meta.url)
const { SessionFileStore } = require('../dist/index.js')
const { SessionManager } = require('../dist/lib/session/session-manager.js')
const { encodeList, newLogin } = require('../dist/lib/store/index-entry.js')
const { listName } = require('../dist/lib/store/index-labels.js')
const { MARGIN } = require('../dist/lib/store/index-lists.js')
const { headFor } = require('../dist/lib/store/session-header.js')
const { sessionHandle } = require('../dist/lib/store/session-id.js')
const { indexOf } = require('../dist/lib/store/session-index.js')

const JSON_CODEC = { encode: data => JSON.stringify(data), decode: text => JSON.parse(text) }
const INDEXES = { indexes: { user: data => data.user }, maxPerValue: {}, onLimit: 'end-oldest' }
const LOG = { debug () {}, warn () {} }
const ABOUT = JSON.stringify({ agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', address: '203.0.113.7' })
const textOf = user => JSON.stringify({ user, cart: [1, 2, 3], visits: 42 }).padEnd(100)
const MAKERS = 2
const AT_ONCE = 32
/** Of so many lists one has an entry whose session is gone for long. */
const STALE = 100
const LONG_AGO = 3600_000
/** So many users are listed, logged in and logged out. */
const SAMPLE = 1000
/** Goals: milliseconds for a listing, and for the event loop; how much longer anything may take with many; bytes that may stay in memory. */
const LISTED_IN = 5
const HELD_TOO_LONG = 5
const SLOWER = 1.5
const CACHE = 32 * 1024 * 1024
/** The resolution of the watch of the event loop (ms): by so much a figure may be too high. */
const TICK = 1

const SCHEDULE = '/proc/self/schedstat'
const schedule = existsSync(SCHEDULE) ? openSync(SCHEDULE, 'r') : null
const statistics = Buffer.alloc(64)

const [, , role, ...parameters] = process.argv
if (role === 'make') await make(...parameters)
else if (role === 'measure') await measure(...parameters)
else await run()

async function run () {
  const { values } = parseArgs({
    options: {
      users: { type: 'string', default: '100,10000,100000' },
      each: { type: 'string', default: '10' },
      store: { type: 'string', default: 'files' },
      directory: { type: 'string', default: tmpdir() },
      check: { type: 'boolean', default: false }
    }
  })
  const results = []
  for (const users of values.users.split(',').map(Number)) {
    const server = values.store === 'redis' ? await servers.redis.start() : null
    const directory = await mkdtemp(join(values.directory, 'file-sessions-find-'))
    const place = server === null ? directory : String(server.port)
    try {
      const began = performance.now()
      await Promise.all(Array.from({ length: MAKERS }, (_, maker) => answerOf('make', [values.store, place, users, values.each, maker])))
      console.error(`${users * values.each} sessions of ${users} users made in ${((performance.now() - began) / 1000).toFixed(1)} s`)
      results.push({ users, sessions: users * values.each, ...await answerOf('measure', [values.store, place, users]) })
    } finally {
      await server?.stop()
      await rm(directory, { recursive: true, force: true })
    }
  }
  console.log(table(results))
  const missed = missedGoals(results)
  console.log(missed.length === 0 ? '\nAll goals are met.' : `\nMissed: ${missed.join('; ')}`)
  if (values.check) process.exitCode = missed.length === 0 ? 0 : 1
}

function missedGoals (results) {
  const [few, many] = [results[0], results.at(-1)]
  return [
    ...results.filter(({ listed }) => listed.median > LISTED_IN).map(({ sessions }) => `a listing takes more than ${LISTED_IN} ms among ${sessions}`),
    ...['listed', 'login', 'revoked'].filter(what => many[what].median > SLOWER * few[what].median)
      .map(what => `${what}: ${(many[what].median / few[what].median).toFixed(2)} times as long among ${many.sessions} sessions as among ${few.sessions}`),
    ...many.heapLeft - few.heapLeft > CACHE ? [`${((many.heapLeft - few.heapLeft) / 1048576).toFixed(0)} MiB more stay in memory`] : [],
    ...results.filter(({ swept: { held, idle } }) => (held.used > 0.001 ? held.used : held.max) > Math.max(HELD_TOO_LONG + TICK, idle.used > 0.001 ? 0 : idle.max)).map(({ sessions }) => `the sweep of the indexes of ${sessions} sessions holds the event loop for more than ${HELD_TOO_LONG} ms`)
  ]
}

/** Runs a part of this file in a process of its own. */
async function answerOf (role, parameters) {
  const child = fork(fileURLToPath(import.meta.url), [role, ...parameters.map(String)], { execArgv: ['--expose-gc'] })
  const gone = once(child, 'exit').then(([code]) => { throw new Error(`${role} ended with ${code}`) })
  const [answer] = await Promise.race([once(child, 'message'), gone])
  await gone.catch(() => {})
  return answer
}

async function open (kind, place) {
  if (kind === 'files') {
    const store = new SessionFileStore({ sessionDir: place })
    await store.open()
    return { store, close: () => store.close() }
  }
  const { createClient } = require('redis')
  const { RedisSessionStore } = require('../dist/redis.js')
  const client = createClient({ socket: { host: '127.0.0.1', port: Number(place) } })
  await client.connect()
  const store = new RedisSessionStore({ client })
  await store.open()
  return { store, close: async () => { await store.close(); client.destroy() } }
}

/** Writes each second user's sessions and list: what as many logins would have left. */
async function make (kind, place, users, each, maker) {
  const { store, close } = await open(kind, place)
  const { labels } = indexOf(store)
  const { records, idleTimeout } = store.companion()
  let next = Number(maker)
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < users) {
      const user = next
      next += MAKERS
      const [label] = labels.of('user', user)
      const entries = []
      for (let count = 0; count < each; count++) {
        const name = store.nameOf(await store.newId())
        const login = newLogin(Date.now())
        entries.push({ handle: sessionHandle(name), login, at: Date.now(), isEnded: false, about: ABOUT })
        await store.create(name, { text: headFor({ indexed: { [label]: login } }) + textOf(user) })
      }
      if (user % STALE === 1) {
        const at = Date.now() - LONG_AGO
        entries.push({ handle: sessionHandle(store.nameOf(await store.newId())), login: newLogin(at), at, isEnded: false, about: ABOUT })
      }
      await records.create(listName(label), { text: encodeList({ label, entries }), idleTimeout: idleTimeout + MARGIN })
    }
  }))
  await records.close()
  await close()
  process.send('made', () => { process.disconnect() })
}

async function measure (kind, place, userCount) {
  const { store, close } = await open(kind, place)
  const manager = new SessionManager(store, JSON_CODEC, false, false, INDEXES)
  const memory = watchMemory()
  const step = Math.max(Math.floor(userCount / SAMPLE), 1)
  const users = Array.from({ length: Math.min(SAMPLE, userCount) }, (_, at) => at * step)

  let found = 0
  const list = async user => { for await (const session of store.sessionsOf('user', user)) if (session.about !== undefined) found++ }
  const listedFirst = await latencies(users, list)
  const listed = await latencies(users, list)
  const login = await latencies(users, user => logIn(manager, { user }))
  const plainLogin = await latencies(users, visitor => logIn(manager, { visitor }))

  globalThis.gc()
  const heapBefore = process.memoryUsage().heapUsed
  let loop = watchLoop()
  let began = performance.now()
  const counts = await store.reapIndexes()
  const swept = { time: performance.now() - began, held: loop.stop(), ...counts }
  loop = watchLoop()
  await pause(Math.min(swept.time, 30_000))
  swept.idle = loop.stop()
  globalThis.gc()
  swept.grown = process.memoryUsage().heapUsed - heapBefore
  loop = watchLoop()
  began = performance.now()
  const { seen } = await store.reap?.() ?? {}
  const reaped = { time: performance.now() - began, held: loop.stop(), seen }

  let ended = 0
  const revoked = await latencies(users, async user => { ended += await store.revokeAll('user', user) })
  const answer = { found: found / 2 / users.length, ended: ended / users.length, listedFirst, listed, login, plainLogin, swept, reaped, revoked, ...memory.stop() }
  await close()
  process.send(answer, () => { process.disconnect() })
}

async function logIn (manager, data) {
  const { session } = manager.begin(LOG)
  Object.assign(session, data)
  await session.save()
}

async function latencies (all, work) {
  const times = createHistogram()
  for (const each of all) {
    const began = performance.now()
    await work(each)
    // A histogram counts whole numbers, and nothing below 1: nanoseconds.
    times.record(Math.max(Math.round((performance.now() - began) * 1e6), 1))
  }
  return spread(times)
}

/**
 * How long the event loop was held, from one tick to the next: by the clock, where what else the machine does
 * counts; and, on Linux, by the processor time of the thread, where it does not.
 */
function watchLoop () {
  const ticks = monitorEventLoopDelay({ resolution: TICK })
  const used = createHistogram()
  let last = threadTime()
  const timer = setInterval(() => {
    const now = threadTime()
    used.record(Math.max(now - last, 1))
    last = now
  }, TICK)
  ticks.enable()
  return {
    stop () {
      ticks.disable()
      clearInterval(timer)
      return { ...spread(ticks), used: used.max / 1e6 }
    }
  }
}

/** Processor time of this thread, in nanoseconds; always 0 where the system does not tell. */
function threadTime () {
  if (schedule === null) return 0
  return Number(statistics.toString('latin1', 0, readSync(schedule, statistics, 0, statistics.length, 0)).split(' ')[0])
}

function table (results) {
  const ms = ({ median, p99 }) => `${median.toFixed(2)} / ${p99.toFixed(2)} ms`
  const mb = bytes => `${(bytes / 1048576).toFixed(0)} MiB`
  const rows = [
    ['`sessionsOf` one user, first time (median / p99)', result => `${ms(result.listedFirst)}, ${result.found.toFixed(0)} found`],
    ['`sessionsOf`, again', result => ms(result.listed)],
    ['Login, with an index and without', ({ login, plainLogin }) => `${ms(login)}, ${ms(plainLogin)}`],
    ['`revokeAll` of one user', result => `${ms(result.revoked)}, ${result.ended.toFixed(0)} ended`],
    ['`reapIndexes`', ({ swept }) => `${(swept.time / 1000).toFixed(1)} s, ${swept.seen} seen, ${swept.removed} removed`],
    ['Event loop held at most: by nothing, by the sweep of the indexes, by that of the sessions', ({ swept, reaped }) => [swept.idle, swept.held, reaped.held].map(({ max }) => `${max.toFixed(1)} ms`).join(', ')],
    ['The same, by processor time', ({ swept, reaped }) => [swept.idle, swept.held, reaped.held].map(({ used }) => `${used.toFixed(1)} ms`).join(', ')],
    ['By the clock, p99.9', ({ swept, reaped }) => [swept.idle, swept.held, reaped.held].map(({ p999 }) => `${p999.toFixed(1)} ms`).join(', ')],
    ['Memory at most: rss, heap', ({ most }) => `${mb(most.rss)}, ${mb(most.heap)}`],
    ['Heap afterwards; grown by the sweep', ({ heapLeft, swept }) => `${mb(heapLeft)}; ${mb(swept.grown)}`]
  ]
  return [
    `| Sessions, of users | ${results.map(({ sessions, users }) => `${sessions.toLocaleString('en')}, ${users.toLocaleString('en')}`).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(results.length)}`,
    ...rows.map(([name, cell]) => `| ${name} | ${results.map(cell).join(' | ')} |`)
  ].join('\n')
}
