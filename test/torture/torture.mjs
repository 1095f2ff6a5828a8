// Many processes update a few sessions while they are killed and stopped at random, and while the
// server of the store has trouble. Afterwards everything that was acknowledged must be there, once.
//
//   npm run torture -- --seconds 60 --processes 4 [--durability fsync]
//   npm run torture -- --store redis|postgres
//   npm run torture -- --store sentinel|cluster|standby [--replicas 1]    a primary is killed, its replica promoted;
//                                                                         standby: that of PostgreSQL
//   npm run torture -- --find [--encryption]              finding and ending sessions, see find.mjs
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Crew, notesIn } from './crew.mjs'
import { tortureFinding, WORST } from './find.mjs'
import { judgeWorker } from './judge.mjs'
import { openManager, placeOf, PLACES } from './place.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'files' },
    seconds: { type: 'string', default: '60' },
    processes: { type: 'string', default: '4' },
    durability: { type: 'string', default: 'os' },
    replicas: { type: 'string', default: '0' },
    encryption: { type: 'boolean', default: false },
    find: { type: 'boolean', default: false },
    mutant: { type: 'string' }
  }
})
// For this process and its children: they open the store alike.
if (values.encryption) process.env.TORTURE_ENCRYPTION = 'a secret for the time of the torture'
const seconds = positive('seconds')
const processes = positive('processes')
const kind = values.store
if (!PLACES.includes(kind)) refuse(`--store must be ${PLACES.join(', ')}`)

const KEPT = 4
const SLOTS = 6
/** Milliseconds after a fault, for requests to get on, and at most for the server to come back. */
const CALM = 700
const PATIENCE = 60_000
const FILLER = 'x'.repeat(2500)
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))
const log = { debug () {}, warn () {} }

const directory = fs.mkdtempSync(join(tmpdir(), 'session-torture-'))
const teardowns = []
const place = await placeOf(kind)
const started = await place.start({ directory, ...values }, teardown => { teardowns.push(teardown) })
const { settings, faults } = started
/** What this process's store made: an id whose answer was lost is among the last. */
const ids = []
const slots = []
/** Ids that must never work again. */
const ended = new Set()
const crew = new Crew({ program: WORKER, directory, kind, settings, commandFor: started.commandFor, greet: () => ({ slots }) })
const figures = Object.fromEntries(['kills', 'stops', ...Object.keys(faults), 'destroys', 'regenerates', 'refused', 'acknowledged', 'found', 'lost',
  'doubled', 'unreadable', 'resurrected', 'errors', 'blocked', 'descriptors leaked',
  ...kind === 'files' ? ['staging directories left by the killed'] : ['regenerates that failed and ended their session']].map(name => [name, 0]))
/** How a call failed, and how often. */
const refusals = new Map()
const worst = ['lost', 'doubled', 'unreadable', 'resurrected', 'errors', 'blocked', 'descriptors leaked']
let failed = true
let opened
let finding
try {
  failed = values.find ? await findFails() : await updatesFail()
} finally {
  await crew.destroy()
  for (const teardown of teardowns.reverse()) await teardown()
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
}
for (const [name, value] of Object.entries(values.find ? finding : figures)) console.log(`${name}: ${value}`)
for (const [message, count] of refusals) console.log(`refused ${count} times: ${message}`)
process.exit(failed ? 1 : 0)

async function updatesFail () {
  opened = await openManager(kind, settings, 0, { idGenerator: newId })
  for (let slot = 0; slot < SLOTS; slot++) slots.push(await createSession())
  for (let count = 0; count < processes; count++) await crew.start()
  const end = Date.now() + seconds * 1000
  await Promise.all([torture(end), trouble(end)])
  await endWorkers()
  await judge()
  const fails = figures.acknowledged === 0 || worst.some(name => figures[name] !== 0 && !started.mayLose?.includes(name))
  await opened.close()
  return fails
}

async function findFails () {
  const { figures, refusals: refused } = await tortureFinding({ ...values, kind, started, directory, seconds, processes })
  finding = figures
  for (const [message, count] of refused) refusals.set(message, count)
  return figures.logins === 0 || figures.revocations === 0 || figures['ids renewed'] === 0 || WORST.some(name => figures[name] !== 0 && !started.mayLose?.includes(name))
}

async function torture (end) {
  while (Date.now() < end) {
    await wait(100 + Math.random() * 400)
    const dice = Math.random()
    if (dice < 0.45) await crew.kill()
    else if (dice < 0.55) crew.stop()
    else if (dice < 0.8) await regenerateSession(Math.floor(Math.random() * SLOTS))
    else await destroySession(KEPT + Math.floor(Math.random() * (SLOTS - KEPT)))
  }
}

/** The server has one trouble after the other. */
async function trouble (end) {
  const names = Object.keys(faults)
  for (let turn = 0; names.length > 0 && Date.now() < end; turn++) {
    const name = names[turn % names.length]
    await faults[name]()
    figures[name]++
    await wait(CALM)
  }
}

/** Does something until the store does not refuse it. */
async function insist (step) {
  for (const end = Date.now() + PATIENCE; ;) {
    try {
      return await step()
    } catch (error) {
      if (error.code !== 'SESSION_STORE' || Date.now() > end) throw error
      refused(error.message.replace(/[0-9]+/g, 'N'))
      await wait(50)
    }
  }
}

async function createSession () {
  return await insist(async () => {
    const { session } = opened.manager.begin(log)
    Object.assign(session, { updates: {}, filler: FILLER })
    await session.save()
    return { key: session.sessionId, sesid: session.sessionId }
  })
}

async function load (sesid) {
  return (await opened.manager.load([{ sesid, renew: false }], log)).session
}

async function destroySession (slot) {
  const { sesid } = slots[slot]
  await insist(async () => { await (await load(sesid)).destroy() })
  await replaceSlot(slot, await createSession())
  figures.destroys++
}

/** Moves a session to a new id, while the workers go on updating it under the old one. */
async function regenerateSession (slot) {
  const { key, sesid } = slots[slot]
  const saves = Array.from({ length: crew.notes.length }, (_, number) => `save-w${number}`)
  const before = ids.length
  const next = await insist(async () => {
    const session = await load(sesid)
    // Only this process ends sessions: it is gone by an attempt whose answer was lost.
    if (session.sessionId !== sesid) return await aliveAmong(ids.slice(before))
    await session.regenerate(['updates', 'filler', ...saves])
    if (session.deleted) throw Object.assign(new Error('a regenerate has met another'), { code: 'SESSION_STORE' })
    return session.sessionId
  })
  if (next === undefined) figures['regenerates that failed and ended their session']++
  await replaceSlot(slot, next === undefined ? await createSession() : { key, sesid: next })
  figures.regenerates++
}

async function aliveAmong (candidates) {
  for (const sesid of candidates) if (await opened.store.getSession(sesid) !== null) return sesid
  return undefined
}

async function replaceSlot (slot, next) {
  const { sesid } = slots[slot]
  ended.add(sesid)
  if (await insist(() => opened.store.getSession(sesid)) !== null) figures.resurrected++
  slots[slot] = next
  crew.tell({ slots })
}

async function endWorkers () {
  for (const { code, last: { leaked } } of await crew.end()) {
    if (code !== 0 || leaked === undefined) figures.errors++
    else figures['descriptors leaked'] += leaked
  }
  Object.assign(figures, { kills: crew.kills, stops: crew.stops })
}

async function judge () {
  const sessions = new Map()
  for (const { key, sesid } of slots) sessions.set(key, await readSession(sesid))
  for (const [index, path] of crew.notes.entries()) judgeWorker(`w${index}`, notesIn(path), { sessions, ended, figures, refused })
  for (const sesid of ended) {
    if (await insist(() => opened.store.getSession(sesid)) !== null) figures.resurrected++
  }
  if (kind !== 'files') return
  for (const { sesid } of slots) await sealSeveralTimes(sesid)
  const { locks, staging } = place.leftovers(settings)
  figures['staging directories left by the killed'] = staging
  figures.blocked += locks
}

async function readSession (sesid) {
  try {
    return JSON.parse(await insist(() => opened.store.getSession(sesid)))
  } catch {
    return null
  }
}

/** A lock that a killed process left must not be in the way of others, and must go with the next seal. */
async function sealSeveralTimes (sesid) {
  for (let update = 0; update < 30; update++) {
    const stored = await (await load(sesid)).update(draft => { draft.last = update; return true })
    if (stored !== true) figures.blocked++
  }
}

function newId () {
  const sesid = randomBytes(24).toString('base64url')
  ids.push(sesid)
  return sesid
}

function refused (message) {
  figures.refused++
  refusals.set(message, (refusals.get(message) ?? 0) + 1)
}

function positive (name) {
  const value = Number(values[name])
  if (Number.isFinite(value) && value > 0) return value
  return refuse(`--${name} must be a number above 0`)
}

function refuse (message) {
  console.error(message)
  process.exit(2)
}
