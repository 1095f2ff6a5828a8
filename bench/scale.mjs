/**
 * How a directory of a thousand, a hundred thousand and a million sessions compares: reads, saves,
 * memory, and the sweep that removes expired sessions beside a load.
 *
 *     npm run bench:scale [-- --sizes 1000,100000 --directory /where/there/is/room --check]
 *
 * With --check it ends with 1 when a goal for many sessions is missed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { spread, watchMemory } from './watch.mjs'

const { SessionFileStore } = createRequire(import.meta.url)('../dist/index.js')

const APPID = 'sid'
const TEXT = JSON.stringify({ user: { id: 4711, name: 'somebody' }, cart: [1, 2, 3], visits: 42 }).padEnd(100)
const SAMPLE = 5000
/** One session in so many has expired. */
const EXPIRED = 10
const MAKERS = 2
const LOADERS = 8
/** Milliseconds between two requests of each. */
const PAUSE = 1
const HELD_TOO_LONG = 5
/** With many sessions everything may take so many times as long as with few. */
const SLOWER = 1.5
/** Bytes that the caches may hold. */
const CACHE = 32 * 1024 * 1024
/** Milliseconds by which a figure may be too high. */
const TICK = 1

const [, , role, ...parameters] = process.argv
if (role === 'make') await make(...parameters)
else if (role === 'measure') await measure(...parameters)
else await run()

async function run () {
  const { values } = parseArgs({
    options: {
      sizes: { type: 'string', default: '1000,100000,1000000' },
      directory: { type: 'string', default: tmpdir() },
      check: { type: 'boolean', default: false }
    }
  })
  const results = []
  for (const size of values.sizes.split(',').map(Number)) {
    const sessionDir = await mkdtemp(join(values.directory, 'file-sessions-scale-'))
    try {
      const began = performance.now()
      const made = await Promise.all(Array.from({ length: MAKERS }, () =>
        answerOf('make', [sessionDir, size / MAKERS], null)))
      const makeTime = performance.now() - began
      console.error(`${size} sessions made in ${(makeTime / 1000).toFixed(1)} s`)
      results.push({ size, ...await answerOf('measure', [sessionDir], made.flat()) })
    } finally {
      await rm(sessionDir, { recursive: true, force: true })
    }
  }
  console.log(table(results))
  const missed = missedGoals(results)
  if (missed.length > 0) console.log(`\nMissed: ${missed.join('; ')}`)
  if (values.check) process.exitCode = missed.length === 0 ? 0 : 1
}

/** What many sessions may cost beside few. */
function missedGoals (results) {
  const [few, many] = [results[0], results.at(-1)]
  return [
    ...['read', 'save'].filter(what => many[what].median > SLOWER * few[what].median)
      .map(what => `a ${what} takes ${(many[what].median / few[what].median).toFixed(2)} times as long with ${many.size} sessions as with ${few.size}`),
    ...(many.heapLeft - few.heapLeft > CACHE ? [`${((many.heapLeft - few.heapLeft) / 1048576).toFixed(0)} MiB more stay in memory`] : []),
    ...results.filter(isHeldTooLong).map(({ size }) => `the sweep of ${size} sessions holds the event loop for more than ${HELD_TOO_LONG} ms`)
  ]
}

/** A machine with other things to do holds a loop that does nothing, too. */
function isHeldTooLong ({ quiet, idle }) {
  return quiet.held.max > Math.max(HELD_TOO_LONG + TICK, idle.max)
}

/** Runs a part of this file in a process of its own. */
async function answerOf (role, parameters, message) {
  const child = fork(fileURLToPath(import.meta.url), [role, ...parameters.map(String)], { execArgv: ['--expose-gc'] })
  child.send(message)
  const gone = once(child, 'exit').then(([code]) => { throw new Error(`${role} ended with ${code}`) })
  const [answer] = await Promise.race([once(child, 'message'), gone])
  await gone.catch(() => {})
  return answer
}

async function make (sessionDir, count) {
  const store = new SessionFileStore({ appid: APPID, sessionDir })
  await store.open()
  const sample = []
  const keepEach = Math.max(Math.ceil(count * MAKERS / SAMPLE), 1)
  let next = 0
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < count) {
      const number = next++
      const sesid = await store.newId()
      await store.create(store.nameOf(sesid), { text: TEXT })
      if (number % EXPIRED === 1) await age(sessionDir, store.nameOf(sesid))
      // What is read and saved later is never one of the expired.
      else if (number % keepEach === 0) sample.push(sesid)
    }
  }))
  process.send(sample, () => { process.disconnect() })
}

async function age (sessionDir, name) {
  const then = Date.now() / 1000 - 4 * 3600
  await utimes(join(sessionDir, APPID, name.slice(0, 2), name.slice(2)), then, then)
}

async function measure (sessionDir) {
  const [sample] = await once(process, 'message')
  const store = new SessionFileStore({ appid: APPID, sessionDir })
  const memory = watchMemory()

  const firstRead = await latencies(sample, id => store.read(store.nameOf(id)))
  const read = await latencies(sample, id => store.read(store.nameOf(id)))
  const save = await latencies(sample, id => store.putSession(id, TEXT))

  // The same load again without the sweep, so that what the machine and the garbage collector do
  // is told apart from the sweep.
  const swept = await underLoad(store, sample, () => store.reap())
  const alone = await underLoad(store, sample, () => pause(Math.min(Math.max(swept.time, 1000), 30_000)))
  globalThis.gc()
  let loop = watchLoop()
  const began = performance.now()
  const counts = await store.reap()
  const quiet = { time: performance.now() - began, held: loop.stop() }
  loop = watchLoop()
  await pause(quiet.time)
  const idle = loop.stop()

  const answer = { firstRead, read, save, swept, alone, quiet, idle, left: counts.seen, ...memory.stop() }
  process.send(answer, () => { process.disconnect() })
}

async function latencies (ids, work) {
  const times = createHistogram()
  for (const id of ids) {
    const began = performance.now()
    await work(id)
    record(times, performance.now() - began)
  }
  return spread(times)
}

/** A histogram counts whole numbers, and nothing below 1: nanoseconds. */
function record (histogram, milliseconds) {
  histogram.record(Math.max(Math.round(milliseconds * 1e6), 1))
}

/** Does `work` while requests for sessions never stop: three reads to one save. */
async function underLoad (store, ids, work) {
  globalThis.gc()
  const load = { on: true }
  const times = createHistogram()
  const loaders = Array.from({ length: LOADERS }, async (_, loader) => {
    for (let round = loader; load.on; round += LOADERS) {
      const id = ids[round % ids.length]
      const began = performance.now()
      if (round % 4 === 0) await store.putSession(id, TEXT)
      else await store.read(store.nameOf(id))
      record(times, performance.now() - began)
      await pause(PAUSE)
    }
  })
  // Until everything is warm, nothing is counted.
  await pause(500)
  times.reset()
  const loop = watchLoop()
  const began = performance.now()
  const answer = await work()
  const time = performance.now() - began
  const held = loop.stop()
  load.on = false
  await Promise.all(loaders)
  return {
    time,
    removed: answer?.expired,
    rate: times.count / time * 1000,
    request: spread(times),
    held
  }
}

/**
 * How long the event loop was held, by the clock: what the machine did meanwhile counts, and so
 * does waiting for the disk. Measured from one tick to the next, so a figure may be a tick too high.
 * A watcher in JavaScript would make more garbage than a sweep.
 */
function watchLoop () {
  const ticks = monitorEventLoopDelay({ resolution: TICK })
  ticks.enable()
  return {
    stop () {
      ticks.disable()
      return spread(ticks)
    }
  }
}

function table (results) {
  const us = ({ median, p99 }) => `${(median * 1000).toFixed(0)} / ${(p99 * 1000).toFixed(0)} µs`
  const ms = value => `${value.toFixed(1)} ms`
  const mb = bytes => `${(bytes / 1048576).toFixed(0)} MiB`
  const seconds = value => `${(value / 1000).toFixed(1)} s`
  const rows = [
    ['Read, first time (median / p99)', result => us(result.firstRead)],
    ['Read, again', result => us(result.read)],
    ['Save', result => us(result.save)],
    ['Memory at most: rss, heap', ({ most }) => `${mb(most.rss)}, ${mb(most.heap)}`],
    ['Heap afterwards', result => mb(result.heapLeft)],
    ['A sweep with nothing to remove, and nothing else going on', ({ quiet }) => seconds(quiet.time)],
    ['A sweep under load', ({ swept }) => `${seconds(swept.time)}, ${swept.removed} removed`],
    ['Requests under load: without, with a sweep', ({ alone, swept }) =>
      `${us(alone.request)}, ${us(swept.request)}`],
    ['Requests per second: without, with', ({ alone, swept }) => `${alone.rate.toFixed(0)}, ${swept.rate.toFixed(0)}`],
    ['Event loop held at most: by nothing, by the sweep alone', ({ idle, quiet }) => `${ms(idle.max)}, ${ms(quiet.held.max)}`],
    ['Under load, p99.9: without, with', ({ alone, swept }) => `${ms(alone.held.p999)}, ${ms(swept.held.p999)}`],
    ['Under load, at most: without, with', ({ alone, swept }) => `${ms(alone.held.max)}, ${ms(swept.held.max)}`]
  ]
  const lines = [
    `| Sessions | ${results.map(({ size }) => size.toLocaleString('en')).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(results.length)}`,
    ...rows.map(([name, cell]) => `| ${name} | ${results.map(cell).join(' | ')} |`)
  ]
  const held = results.filter(isHeldTooLong)
  lines.push('', held.length === 0
    ? `No sweep held the event loop for more than ${HELD_TOO_LONG} ms, or for longer than doing nothing did.`
    : held.map(({ size, quiet, idle }) => `HELD TOO LONG: ${ms(quiet.held.max)} in the sweep of ${size} sessions, ${ms(idle.max)} without it.`).join('\n'))
  return lines.join('\n')
}
