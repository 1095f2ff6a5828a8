// One of the processes that are killed: updates the sessions that it is told of, each in turn, and
// notes in a file of its own what was acknowledged. A session that moves to a new id keeps its key.
import fs from 'node:fs'
import { setImmediate as later, setTimeout as wait } from 'node:timers/promises'
import { openManager } from './place.mjs'

const [index, kind, settings, notes] = process.argv.slice(2)
const name = `w${index}`
const acknowledgements = fs.openSync(notes, 'a')
const log = { debug () {}, warn () { note({ fault: 'unreadable' }) } }
const slots = []
const loops = new Map()
const stop = new AbortController()
let descriptors = 0
const { manager, close } = await openAtLast()

process.on('message', message => {
  if (message.stop) {
    stop.abort()
    Promise.all(loops.values()).then(async () => {
      await close()
      const leaked = kind === 'files' ? openDescriptors() - descriptors : 0
      // A Sentinel client that is destroyed while it looks for the primary connects again, and would keep the process.
      process.send({ leaked }, () => { process.exit() })
    }, fail)
    return
  }
  // A pool thread and whatever else is made at first use is there by now.
  descriptors ||= openDescriptors()
  slots.splice(0, slots.length, ...message.slots)
  for (const slot of slots.keys()) {
    if (!loops.has(slot)) loops.set(slot, work(slot).catch(fail))
  }
})
process.send({ ready: true })

/** Always 0 on Windows, which has no list of them. */
function openDescriptors () {
  return process.platform === 'win32' ? 0 : fs.readdirSync('/proc/self/fd').length
}

/** A server may just be down. */
async function openAtLast () {
  for (let attempt = 0; ; attempt++) {
    try {
      return await openManager(kind, JSON.parse(settings), Number(index))
    } catch (error) {
      if (kind === 'files' || attempt === 100) fail(error)
      await wait(100)
    }
  }
}

async function work (slot) {
  const counts = new Map()
  let unsure = false
  // What may have been stored is found out before the end.
  while (!stop.signal.aborted || unsure) {
    const { key, sesid } = slots[slot]
    const count = counts.get(key) ?? counts.set(key, { updates: 0, saves: 0, unsureUpdates: 0, unsureSaves: 0 }).get(key)
    try {
      await visit(key, sesid, count)
      unsure = count.unsureUpdates + count.unsureSaves > 0
    } catch (error) {
      if (error.code !== 'SESSION_STORE') throw error
      note({ refused: error.message.replace(/[0-9]+/g, 'N') })
      unsure = count.unsureUpdates + count.unsureSaves > 0
      await wait(50)
    }
  }
}

async function visit (key, sesid, count) {
  const visit = await manager.load([{ sesid, renew: false }], log)
  if (visit.sesid === null) {
    note({ gone: sesid })
    // The session has ended, or moves: its key shows what became of the updates.
    if (stop.signal.aborted) Object.assign(count, { unsureUpdates: 0, unsureSaves: 0 })
    await later()
    return
  }
  const { session } = visit
  if (count.unsureSaves > 0 || (count.unsureUpdates === 0 && Math.random() < 0.3)) await save(session, key, count)
  else await update(session, key, count)
}

async function update (session, key, count) {
  note({ unsure: ++count.unsureUpdates, of: 'updates', key })
  const stored = await session.update(draft => {
    const before = draft.updates[name] ?? 0
    // This attempt is one of the unsure ones, and has not been stored.
    if (before < count.updates || before > count.updates + count.unsureUpdates - 1) note({ fault: before < count.updates ? 'lost' : 'doubled', by: Math.max(count.updates - before, 1) })
    draft.updates[name] = before + 1
    return before + 1
  })
  if (stored === undefined) {
    count.unsureUpdates--
    return
  }
  // At the version that this one was stored on nothing else can be stored any more.
  Object.assign(count, { updates: stored, unsureUpdates: 0 })
  note({ update: stored, key })
}

async function save (session, key, count) {
  note({ unsure: ++count.unsureSaves, of: 'saves', key })
  session[`save-${name}`] = count.saves + 1
  await session.save()
  if (session.deleted) {
    count.unsureSaves--
    return
  }
  Object.assign(count, { saves: count.saves + 1, unsureSaves: 0 })
  note({ save: count.saves, key })
}

function note (line) {
  fs.writeSync(acknowledgements, `${JSON.stringify(line)}\n`)
}

function fail (error) {
  note({ fault: 'error', message: String(error.cause ?? error) })
  process.exit(1)
}
