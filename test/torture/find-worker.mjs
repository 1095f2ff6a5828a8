// One of the processes that are killed: logs in, switches users, regenerates, renews, finds and ends sessions, and
// notes in a file of its own what it was told, for find-judge.mjs.
import { randomBytes } from 'node:crypto'
import diagnosticsChannel from 'node:diagnostics_channel'
import fs from 'node:fs'
import { setImmediate as later, setTimeout as wait } from 'node:timers/promises'
import { indexOf } from '../../dist/lib/store/session-index.js'
import { clock, dataOf, INDEXES, MUTANTS, RENEWAL, TEAMS, USERS, whoOf } from './find-rules.mjs'
import { openManager } from './place.mjs'

const [index, kind, settings, path, given] = process.argv.slice(2)
const { mutant, secrets } = JSON.parse(given)
const notes = fs.openSync(path, 'a')
/** A response whose headers are not sent yet. */
const OUTLET = { closedBecause: () => null, put () {}, opened () {} }
/** An id that could not be renewed is renewed by a later request. */
const log = { debug () {}, warn (_fields, message) { note(/could not get a new id/.test(message) ? { refused: message } : { fault: message }) } }
const AT_ONCE = 4
const stop = new AbortController()
/** Ids of sessions that some process was answered with, and that may have ended. */
let pool = []
const { store, manager, close } = await openAtLast()
if (mutant !== '') MUTANTS[mutant](indexOf(store), store)
// The old id names no session of its own from then on.
diagnosticsChannel.subscribe('fastify-file-sessions:renewed', ({ from, cause }) => { if (cause === 'age') note({ renewed: from, gone: from, to: clock() }) })

/** What may happen, and how often beside the others. */
const ACTIONS = [[25, login], [15, switchUser], [18, regenerate], [40, visit], [6, revokeAll], [6, revoke], [4, destroy], [8, list], [1, sweep]]
const TOTAL = ACTIONS.reduce((sum, [weight]) => sum + weight, 0)

process.on('message', message => {
  if (message.pool !== undefined) pool = message.pool
  if (message.stop) stop.abort()
})
process.send({ ready: true })
await Promise.all(Array.from({ length: AT_ONCE }, work)).catch(fail)
await close()
process.disconnect()

/** A server may just be down. */
async function openAtLast () {
  for (let attempt = 0; ; attempt++) {
    try {
      return await openManager(kind, JSON.parse(settings), Number(index), secrets === undefined ? {} : { encryption: { secrets } }, INDEXES, RENEWAL)
    } catch (error) {
      if (kind === 'files' || attempt === 100) fail(error)
      await wait(100)
    }
  }
}

async function work () {
  while (!stop.signal.aborted) {
    let dice = Math.random() * TOTAL
    const [, action] = ACTIONS.find(([weight]) => (dice -= weight) < 0)
    try {
      await action()
    } catch (error) {
      if (error.code !== 'SESSION_STORE') throw error
      note({ refused: error.message.replace(/[0-9]+/g, 'N') })
      await wait(50)
    }
    await later()
  }
}

async function login () {
  const visit = manager.begin(log)
  const who = newWho(random('chain'))
  visit.about = () => ({ chain: who.chain })
  Object.assign(visit.session, { who: dataOf(who), updates: {} })
  await visit.session.save()
  answered(visit.session, who)
}

async function switchUser () {
  const session = await loaded()
  if (session === null) return
  const who = newWho(whoOf(session).chain)
  session.who = dataOf(who)
  const from = clock()
  try {
    await session.save()
  } catch (error) {
    note({ failed: who.chain, from, to: clock() })
    throw error
  }
  answered(session, who)
}

async function regenerate () {
  const session = await loaded()
  if (session === null) return
  const before = session.handle
  await session.regenerate(['who', 'updates'])
  // Another call moves or ends it: the old id may work for a moment.
  if (session.deleted) return
  note({ gone: before, to: clock() })
  tell(session)
}

/** A whole request, which renews the id when it is old enough. */
async function visit () {
  const visit = await brought()
  if (visit === null) return
  const change = visit.finishNow() ?? await visit.finish()
  if (change.change === 'send') tell({ sessionId: change.sesid })
}

async function destroy () {
  const session = await loaded()
  if (session === null) return
  const { handle } = session
  await session.destroy()
  note({ gone: handle, to: clock() })
}

async function revoke () {
  const session = await loaded()
  if (session === null) return
  const { handle } = session
  await store.revoke(handle)
  note({ gone: handle, to: clock() })
}

async function revokeAll () {
  const session = Math.random() < 0.5 ? await loaded() : null
  const who = session === null ? newWho('nobody') : whoOf(session)
  const name = Math.random() < 0.8 ? 'user' : 'team'
  const from = clock()
  await store.revokeAll(name, who[name], session === null ? {} : { except: session })
  note({ revokedAll: name, value: who[name], from, to: clock(), except: session === null ? undefined : who.chain })
}

async function list () {
  const name = Math.random() < 0.5 ? 'user' : 'team'
  const value = newWho('')[name]
  const from = clock()
  const found = []
  for await (const { about } of store.sessionsOf(name, value)) found.push(about?.chain ?? null)
  note({ found, index: name, value, from, to: clock() })
}

async function sweep () {
  const { failed, error } = await store.reapIndexes()
  if (failed > 0) throw error
}

/** A session that some process was answered with; null when it has ended. */
async function loaded () {
  return (await brought())?.session ?? null
}

async function brought () {
  const sesid = pool[Math.floor(Math.random() * pool.length)]
  if (sesid === undefined) return null
  const from = clock()
  const visit = await manager.load([{ sesid, renew: false }], log)
  if (visit.sesid === null) return null
  visit.outlet = OUTLET
  const { session } = visit
  const { chain, stint, user, team } = whoOf(session)
  visit.about = () => ({ chain })
  note({ seen: stint, chain, user, team, handle: session.handle, from, to: clock() })
  return visit
}

function answered (session, { chain, stint, user, team }) {
  if (session.deleted) return
  note({ answered: stint, chain, user, team, at: clock() })
  tell(session)
}

function tell ({ sessionId }) {
  if (sessionId !== undefined && process.connected) process.send({ sesid: sessionId })
}

function newWho (chain) {
  return { chain, stint: random('stint'), user: `u${Math.floor(Math.random() * USERS)}`, team: `t${Math.floor(Math.random() * TEAMS)}` }
}

function random (kind) {
  return `${kind}-${randomBytes(9).toString('base64url')}`
}

function note (line) {
  fs.writeSync(notes, `${JSON.stringify(line)}\n`)
}

function fail (error) {
  note({ fault: String(error.stack ?? error) })
  process.exit(1)
}
