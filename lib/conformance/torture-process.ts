import { once } from 'node:events'
import { writeSync, openSync } from 'node:fs'
import { setImmediate as later } from 'node:timers/promises'
import type { RecordStore } from '../store/session-store'
import type { Note, Slot } from './torture-judge'
import { storeOf } from './torture-module'

/** One of the processes that `torture` starts and kills: updates the sessions that it is told of, and notes what was acknowledged. */
async function main ([module = '', name = '', notes = '']: string[]): Promise<void> {
  const file = openSync(notes, 'a')
  const note = (line: Note): void => { writeSync(file, `${JSON.stringify(line)}\n`) }
  try {
    const store = await storeOf(module)
    await updateUntilTold(store, name, note)
    await store.close()
  } catch (error) {
    note({ error: String(error) })
  }
  process.disconnect()
}

async function updateUntilTold (store: RecordStore, name: string, note: (line: Note) => void): Promise<void> {
  const stop = new AbortController()
  let slots: readonly Slot[] = []
  process.on('message', (message: { slots?: Slot[] }) => {
    if (message.slots === undefined) stop.abort()
    else slots = message.slots
  })
  process.send?.('ready')
  await once(process, 'message')
  await Promise.all(slots.map(async (_, index) => {
    const counts = new Map<string, number>()
    while (!stop.signal.aborted) {
      await update(store, slots[index] as Slot, name, counts, note)
      await later()
    }
  }))
}

/** Counts one up in the session, if it is there and no other process comes between. */
async function update (
  store: RecordStore, { key, name }: Slot, worker: string, counts: Map<string, number>, note: (line: Note) => void
): Promise<void> {
  const session = await store.read(name)
  if (session === null) return
  const known = counts.get(key) ?? 0
  const updates = JSON.parse(session.text) as Record<string, number>
  const found = updates[worker] ?? 0
  if (found !== known) note({ key, fault: found < known ? 'lost' : 'doubled' })
  const { result } = await store.replace(name, { text: JSON.stringify({ ...updates, [worker]: found + 1 }) }, session.version)
  counts.set(key, result === 'replaced' ? found + 1 : found)
  if (result === 'replaced') note({ key, acknowledged: found + 1 })
}

main(process.argv.slice(2))
