/**
 * `npm run bench:store`: the store alone, without HTTP, beside write-file-atomic, which other file
 * stores are made of: so that a change in the file layer shows.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SessionFileStore } from 'fastify-file-sessions'
import writeFileAtomic from 'write-file-atomic'
import { DEFAULT_DISK, DEFAULT_TMPFS, makePlace } from './places.mjs'
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
          const dir = join(place.path, 'sessions')
          mkdirSync(dir, { mode: 0o700 })
          const rate = await measure(await subject.make(dir), operation, depth)
          rmSync(dir, { recursive: true })
          const key = `${operation} × ${depth}`
          subject.results.set(key, [...subject.results.get(key) ?? [], rate])
        }
      }
    }
  }
  print(place.filesystem, subjects)
}
process.exit()

/** Operations per second, `depth` of them under way at any time. */
async function measure (subject, operation, depth) {
  const ids = []
  while (ids.length < SESSIONS) ids.push(await subject.new(text(0)))
  // What is deleted has to be there first; making it is not measured.
  if (operation === 'del') return await measureDeletion(subject, depth)
  let done = 0
  let end = 0
  const work = async first => {
    for (let i = first; performance.now() < end; i++) {
      if (operation === 'new') await subject.new(text(i))
      else await subject[operation](ids[i % SESSIONS], i)
      done++
    }
  }
  const all = () => Promise.all(Array.from({ length: depth }, (_, i) => work(i * SESSIONS / depth)))
  end = performance.now() + seconds * 200
  await all()
  done = 0
  const start = performance.now()
  end = start + seconds * 1000
  await all()
  const rate = done / (performance.now() - start) * 1000
  if (await subject.get(ids[0]) === null) throw new Error('a session is lost')
  return rate
}

async function measureDeletion (subject, depth) {
  const BATCH = 256
  let done = 0
  let time = 0
  for (const end = performance.now() + seconds * 2000; performance.now() < end;) {
    const ids = await Promise.all(Array.from({ length: BATCH }, () => subject.new(text(0))))
    const start = performance.now()
    await Promise.all(Array.from({ length: depth }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await subject.del(id)
    }))
    time += performance.now() - start
    done += BATCH
  }
  return done / time * 1000
}

async function store (dir, durability) {
  const store = new SessionFileStore({ sessionDir: dir, durability })
  await store.open()
  return {
    get: id => store.getSession(id),
    put: (id, n) => store.putSession(id, text(n)),
    update: async (id, n) => {
      const { version } = await store.readSession(id)
      const { result } = await store.replaceSession(id, text(n), version)
      if (result !== 'replaced') throw new Error(`an update is answered ${result}`)
    },
    new: async text => (await store.createSession(text)).sesid,
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
  console.log(`| | ${keys.join(' | ')} |\n| --- |${' ---: |'.repeat(keys.length)}`)
  for (const { label, results } of subjects) {
    console.log(`| ${label} | ${keys.map(key => {
      const { median, min, max } = spread(results.get(key))
      return [median, min, max].map(value => Math.round(value).toLocaleString('en-US')).join(' (').replace(/ \(([^(]*)$/, '–$1)')
    }).join(' | ')} |`)
  }
  const [os, fsync, atomic, atomicFsync] = subjects
  for (const [mine, other, target] of [[fsync, atomicFsync, 3], [os, atomic, null]]) {
    for (const depth of depths) {
      const { median, min, max } = ratio(mine.results.get(`put × ${depth}`), other.results.get(`put × ${depth}`))
      console.log(`${filesystem}, put × ${depth}: ${mine.label} is ${median.toFixed(2)} × ${other.label} (${min.toFixed(2)}–${max.toFixed(2)})` +
        (target === null ? '' : `; target ${target}: ${median >= target ? 'met' : 'not met'}`))
    }
  }
  console.log()
}
