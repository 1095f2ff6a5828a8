/**
 * `npm run bench:store`: the store alone, without HTTP, beside write-file-atomic, which other file
 * stores are made of: so that a change in the file layer shows.
 */
import { mkdtempSync } from 'node:fs'
import { readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SessionFileStore } from 'fastify-file-sessions'
import writeFileAtomic from 'write-file-atomic'
import { DEFAULT_DISK, DEFAULT_TMPFS, makePlace } from './places.mjs'
import { pinSelf, SERVER_CORE } from './processes.mjs'
import { ratio, spread } from './statistics.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.5' },
    dir: { type: 'string', default: DEFAULT_DISK },
    tmpfs: { type: 'string', default: DEFAULT_TMPFS }
  }
})
const rounds = Number(options.rounds)
const seconds = Number(options.seconds)

// As under load: what the thread pool does is on the same core.
pinSelf(SERVER_CORE)

const SESSIONS = 64
const text = n => JSON.stringify({ user: { id: 48213, name: 'Grace Hopper', role: 'editor' }, csrf: 'Wb3xYkqT0nC5uJ8r', n })
const operations = ['get', 'put', 'update', 'new', 'del']
const depths = [1, 16]

for (const place of [makePlace(options.dir), makePlace(options.tmpfs)]) {
  const subjects = [
    { label: 'os', make: dir => store(dir, 'os') },
    { label: 'fsync', make: dir => store(dir, 'fsync') },
    { label: 'write-file-atomic, fsync: false', make: dir => atomic(dir, false) },
    { label: 'write-file-atomic', make: dir => atomic(dir, true) }
  ].map(subject => ({ ...subject, results: new Map() }))

  for (let round = 0; round < rounds; round++) {
    for (const operation of operations) {
      for (const depth of depths) {
        for (const subject of subjects) {
          // Removed in the end only: ext4 is slow to make files after many were deleted.
          const dir = mkdtempSync(join(place.path, 'sessions-'))
          const { rate, cpu } = await measure(await subject.make(dir), operation, depth)
          const key = `${operation} × ${depth}`
          const { rates, cpus } = subject.results.get(key) ?? { rates: [], cpus: [] }
          subject.results.set(key, { rates: [...rates, rate], cpus: [...cpus, cpu] })
        }
      }
    }
  }
  print(place.filesystem, subjects)
}
process.exit()

/** Operations per second and processor time of each in µs, with `depth` of them under way at any time. */
async function measure (subject, operation, depth) {
  const ids = []
  while (ids.length < SESSIONS) ids.push(await subject.new(text(0)))
  // What is deleted has to be there first; making it is not measured.
  if (operation === 'del') return await measureDeletion(subject, depth)
  let done = 0
  let end = 0
  const work = async first => {
    // Each has sessions of its own: two updates of one would conflict.
    for (let i = first; performance.now() < end; i += depth) {
      if (operation === 'new') await subject.new(text(i))
      else await subject[operation](ids[i % SESSIONS], i)
      done++
    }
  }
  const all = () => Promise.all(Array.from({ length: depth }, (_, i) => work(i)))
  end = performance.now() + seconds * 200
  await all()
  done = 0
  const stop = stopwatch()
  end = performance.now() + seconds * 1000
  await all()
  const { time, cpu } = stop()
  if (await subject.get(ids[0]) === null) throw new Error('a session is lost')
  return { rate: done / time * 1000, cpu: cpu / done }
}

async function measureDeletion (subject, depth) {
  const BATCH = 256
  let done = 0
  const sum = { time: 0, cpu: 0 }
  for (const end = performance.now() + seconds * 2000; performance.now() < end;) {
    const ids = await Promise.all(Array.from({ length: BATCH }, () => subject.new(text(0))))
    const stop = stopwatch()
    await Promise.all(Array.from({ length: depth }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await subject.del(id)
    }))
    const { time, cpu } = stop()
    sum.time += time
    sum.cpu += cpu
    done += BATCH
  }
  return { rate: done / sum.time * 1000, cpu: sum.cpu / done }
}

/** Answers milliseconds that have passed, and µs of processor time. */
function stopwatch () {
  const start = performance.now()
  const cpuStart = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpuStart)
    return { time: performance.now() - start, cpu: user + system }
  }
}

async function store (dir, durability) {
  const store = new SessionFileStore({ sessionDir: dir, durability })
  await store.open()
  return {
    get: id => store.getSession(id),
    put: (id, n) => store.putSession(id, text(n)),
    update: async (id, n) => {
      const { version } = await store.read(store.nameOf(id))
      const { result } = await store.replace(store.nameOf(id), { text: text(n) }, version)
      if (result !== 'replaced') throw new Error(`an update is answered ${result}`)
    },
    new: async text => {
      const id = await store.newId()
      await store.create(store.nameOf(id), { text })
      return id
    },
    del: id => store.delSession(id)
  }
}

function atomic (dir, fsync) {
  let made = 0
  const path = id => join(dir, `${id}.json`)
  const write = (id, text) => writeFileAtomic(path(id), text, { fsync, mode: 0o600 })
  return {
    get: id => readFile(path(id), 'utf8'),
    put: (id, n) => write(id, text(n)),
    update: async (id, n) => {
      await readFile(path(id), 'utf8')
      await write(id, text(n))
    },
    new: async text => {
      const id = String(made++)
      await write(id, text)
      return id
    },
    del: id => unlink(path(id))
  }
}

function print (filesystem, subjects) {
  const keys = operations.flatMap(operation => depths.map(depth => `${operation} × ${depth}`))
  console.log(`Operations per second on ${filesystem}: median of ${rounds} rounds (least–most); × 1: one after the other, × 16: so many at once\n`)
  printTable(keys, subjects, 'rates')
  console.log('Processor time of each, µs\n')
  printTable(keys, subjects, 'cpus')
  const [os, fsync, atomic, atomicFsync] = subjects
  for (const [mine, other, target] of [[fsync, atomicFsync, 3], [os, atomic, null]]) {
    for (const depth of depths) {
      const key = `put × ${depth}`
      const { median, min, max } = ratio(mine.results.get(key).rates, other.results.get(key).rates)
      console.log(`${filesystem}, ${key}: ${mine.label} is ${median.toFixed(2)} × ${other.label} (${min.toFixed(2)}–${max.toFixed(2)})` +
        (target === null ? '' : `; target ${target}: ${median >= target ? 'met' : 'not met'}`))
    }
  }
  console.log()
}

function printTable (keys, subjects, figure) {
  console.log(`| | ${keys.join(' | ')} |\n| --- |${' ---: |'.repeat(keys.length)}`)
  for (const { label, results } of subjects) {
    const cells = keys.map(key => {
      const { median, min, max } = spread(results.get(key)[figure])
      const [middle, least, most] = [median, min, max].map(value => Math.round(value).toLocaleString('en-US'))
      return `${middle} (${least}–${most})`
    })
    console.log(`| ${label} | ${cells.join(' | ')} |`)
  }
  console.log()
}
