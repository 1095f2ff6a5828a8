// Many processes update a few sessions while they are killed and stopped at random. Afterwards
// everything that was acknowledged must be there, once.
//
//   npm run torture -- --seconds 60 --processes 4 [--durability fsync]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { JSON_CODEC, openManager } from './manager.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    processes: { type: 'string', default: '4' },
    durability: { type: 'string', default: 'os' },
    encryption: { type: 'boolean', default: false }
  }
})
// For this process and its children: they open the store alike.
if (values.encryption) process.env.TORTURE_ENCRYPTION = 'a secret for the time of the torture'
const seconds = positive('seconds')
const processes = positive('processes')

const KEPT = 4
const SLOTS = 6
/** Past the time after which a lock is taken away. */
const STALL = 2500
const FILLER = 'x'.repeat(2500)
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))
const log = { debug () {}, warn () {} }

const directory = fs.mkdtempSync(join(tmpdir(), 'session-torture-'))
const sessionDir = join(directory, 'sessions')
const { store, manager } = await openManager({ sessionDir, durability: values.durability }, JSON_CODEC)
const slots = []
/** Ids that must never work again. */
const ended = new Set()
const workers = new Set()
const notes = new Map()
const figures = Object.fromEntries(['kills', 'stops', 'destroys', 'regenerates', 'acknowledged', 'found', 'lost', 'doubled', 'unreadable',
  'resurrected', 'errors', 'blocked', 'descriptors leaked', 'staging directories left by the killed'].map(name => [name, 0]))
let started = 0
let failed = true
try {
  for (let slot = 0; slot < SLOTS; slot++) slots.push(await createSession())
  for (let count = 0; count < processes; count++) await startWorker()
  await torture()
  await stopWorkers()
  await judge()
  failed = ['lost', 'doubled', 'unreadable', 'resurrected', 'errors', 'blocked', 'descriptors leaked'].some(name => figures[name] !== 0) ||
    figures.acknowledged === 0
} finally {
  for (const worker of workers) worker.child.kill('SIGKILL')
  await Promise.all([...workers].map(({ exited }) => exited))
  fs.rmSync(directory, { recursive: true, force: true })
}
for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`)
process.exitCode = failed ? 1 : 0

async function torture () {
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) {
    await wait(100 + Math.random() * 400)
    const dice = Math.random()
    const victim = [...workers][Math.floor(Math.random() * workers.size)]
    if (dice < 0.65) await kill(victim)
    else if (dice < 0.75) stop(victim)
    else if (dice < 0.9) await regenerateSession(Math.floor(Math.random() * SLOTS))
    else await destroySession(KEPT + Math.floor(Math.random() * (SLOTS - KEPT)))
  }
}

async function startWorker () {
  const name = `w${started++}`
  const path = join(directory, `${name}.notes`)
  const child = fork(WORKER, [name, sessionDir, values.durability, path])
  const worker = { name, child, killed: false, exited: once(child, 'exit'), leaked: null, stopped: null }
  notes.set(worker, path)
  workers.add(worker)
  child.on('message', message => { worker.leaked = message.leaked ?? null })
  await once(child, 'message')
  child.send({ slots })
}

async function kill (worker) {
  clearTimeout(worker.stopped)
  worker.killed = true
  worker.child.kill('SIGKILL')
  await worker.exited
  workers.delete(worker)
  figures.kills++
  await startWorker()
}

function stop (worker) {
  if (worker.stopped !== null) return
  figures.stops++
  worker.child.kill('SIGSTOP')
  worker.stopped = setTimeout(() => {
    worker.stopped = null
    worker.child.kill('SIGCONT')
  }, STALL)
}

async function createSession () {
  const { session } = manager.begin(log)
  Object.assign(session, { updates: {}, filler: FILLER })
  await session.save()
  return { key: session.sessionId, sesid: session.sessionId }
}

async function load (sesid) {
  return (await manager.load([{ sesid, renew: false }], log)).session
}

async function destroySession (slot) {
  const { sesid } = slots[slot]
  await (await load(sesid)).destroy()
  await replaceSlot(slot, await createSession())
  figures.destroys++
}

/** Moves a session to a new id, while the workers go on updating it under the old one. */
async function regenerateSession (slot) {
  const { key, sesid } = slots[slot]
  const session = await load(sesid)
  const saves = Array.from({ length: started }, (_, number) => `save-w${number}`)
  await session.regenerate(['updates', 'filler', ...saves])
  if (session.deleted) throw new Error('only this process ends sessions')
  await replaceSlot(slot, { key, sesid: session.sessionId })
  figures.regenerates++
}

async function replaceSlot (slot, next) {
  const { sesid } = slots[slot]
  ended.add(sesid)
  if (await store.getSession(sesid) !== null) figures.resurrected++
  slots[slot] = next
  for (const { child } of workers) child.send({ slots })
}

async function stopWorkers () {
  for (const worker of workers) {
    clearTimeout(worker.stopped)
    worker.child.kill('SIGCONT')
    worker.child.send({ stop: true })
  }
  for (const worker of workers) {
    const [code] = await worker.exited
    if (code !== 0 || worker.leaked === null) figures.errors++
    else figures['descriptors leaked'] += worker.leaked
  }
  workers.clear()
}

async function judge () {
  const sessions = new Map()
  for (const { key, sesid } of slots) sessions.set(key, await readSession(sesid))
  for (const [worker, path] of notes) judgeWorker(worker, path, sessions)
  for (const sesid of ended) {
    if (await store.getSession(sesid) !== null) figures.resurrected++
  }
  for (const { sesid } of slots) await sealSeveralTimes(sesid)
  const left = fs.readdirSync(sessionDir, { recursive: true })
  figures['staging directories left by the killed'] = left.filter(name => name.endsWith('.tmp')).length
  figures.blocked += left.filter(name => name.endsWith('.lock')).length
}

async function readSession (sesid) {
  try {
    return JSON.parse(await store.getSession(sesid))
  } catch {
    return null
  }
}

/** What a worker was told, against what is there. One more may have been stored when it was killed. */
function judgeWorker ({ name, killed }, path, sessions) {
  const acknowledged = new Map(slots.map(({ key }) => [key, { updates: 0, saves: 0 }]))
  for (const line of fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n') : []) {
    // The last line may be cut short: then it was not acknowledged.
    if (!line.endsWith('}')) continue
    const { key, update, save, gone, fault, message } = JSON.parse(line)
    if (fault !== undefined) complain(fault, message)
    if (gone !== undefined && !ended.has(gone)) figures.unreadable++
    const count = acknowledged.get(key)
    if (count !== undefined && update !== undefined) count.updates = update
    if (count !== undefined && save !== undefined) count.saves = save
  }
  for (const [key, { updates, saves }] of acknowledged) {
    const session = sessions.get(key)
    figures.acknowledged += updates + saves
    if (session === null) {
      figures.unreadable++
      continue
    }
    compare(updates, session.updates[name] ?? 0, killed)
    compare(saves, session[`save-${name}`] ?? 0, killed)
  }
}

function compare (acknowledged, found, killed) {
  figures.found += Math.min(found, acknowledged)
  figures.lost += Math.max(acknowledged - found, 0)
  figures.doubled += Math.max(found - acknowledged - (killed ? 1 : 0), 0)
}

function complain (fault, message) {
  if (message !== undefined) console.error(message)
  figures[fault === 'error' ? 'errors' : fault]++
}

/** A lock that a killed process left must not be in anybody's way, and must go with the next seal. */
async function sealSeveralTimes (sesid) {
  for (let update = 0; update < 30; update++) {
    const stored = await (await load(sesid)).update(draft => { draft.last = update; return true })
    if (stored !== true) figures.blocked++
  }
}

function positive (name) {
  const value = Number(values[name])
  if (Number.isFinite(value) && value > 0) return value
  console.error(`--${name} must be a number above 0`)
  process.exit(2)
}
