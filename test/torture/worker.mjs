// One of the processes that are killed: updates the sessions that it is told of, each in turn, and
// notes in a file of its own what was acknowledged. A session that moves to a new id keeps its key.
import fs from 'node:fs'
import { setImmediate as later } from 'node:timers/promises'
import { JSON_CODEC, openManager } from './manager.mjs'

const [name, sessionDir, durability, notes] = process.argv.slice(2)
const { manager, store } = await openManager({ sessionDir, durability }, JSON_CODEC)
const acknowledgements = fs.openSync(notes, 'a')
const log = { debug () {}, warn () { note({ fault: 'unreadable' }) } }
const slots = []
const loops = new Map()
const stop = new AbortController()
let descriptors = 0

process.on('message', message => {
  if (message.stop) {
    stop.abort()
    Promise.all(loops.values()).then(async () => {
      await store.close()
      process.send({ leaked: fs.readdirSync('/proc/self/fd').length - descriptors })
      process.disconnect()
    }, fail)
    return
  }
  // A pool thread and whatever else is made at first use is there by now.
  descriptors ||= fs.readdirSync('/proc/self/fd').length
  slots.splice(0, slots.length, ...message.slots)
  for (const slot of slots.keys()) {
    if (!loops.has(slot)) loops.set(slot, work(slot).catch(fail))
  }
})
process.send({ ready: true })

async function work (slot) {
  const counts = new Map()
  while (!stop.signal.aborted) {
    const { key, sesid } = slots[slot]
    const count = counts.get(key) ?? counts.set(key, { updates: 0, saves: 0 }).get(key)
    const visit = await manager.load([{ sesid, renew: false }], log)
    if (visit.sesid === null) {
      note({ gone: sesid })
      await later()
      continue
    }
    const { session } = visit
    if (Math.random() < 0.7) {
      const stored = await session.update(draft => {
        const before = draft.updates[name] ?? 0
        if (before !== count.updates) note({ fault: before < count.updates ? 'lost' : 'doubled', key })
        draft.updates[name] = before + 1
        return true
      })
      if (stored !== true) continue
      note({ update: ++count.updates, key })
    } else {
      session[`save-${name}`] = count.saves + 1
      await session.save()
      if (session.deleted) continue
      note({ save: ++count.saves, key })
    }
  }
}

function note (line) {
  fs.writeSync(acknowledgements, `${JSON.stringify(line)}\n`)
}

function fail (error) {
  note({ fault: 'error', message: String(error.cause ?? error) })
  process.exit(1)
}
