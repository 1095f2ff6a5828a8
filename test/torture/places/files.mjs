import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from '../../../dist/lib/store/files/session-file-store.js'

export async function start ({ directory, durability }) {
  return { settings: { sessionDir: join(directory, 'sessions'), durability }, faults: {} }
}

export async function open ({ sessionDir, durability }, _index, options) {
  return { store: new SessionFileStore({ sessionDir, durability, ...options }), async close () {} }
}

/** What killed processes have left in the directory. */
export function leftovers ({ sessionDir }) {
  const left = fs.readdirSync(sessionDir, { recursive: true })
  return { locks: left.filter(name => name.endsWith('.lock')).length, staging: left.filter(name => name.endsWith('.tmp')).length }
}
