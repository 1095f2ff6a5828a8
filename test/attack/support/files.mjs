import fs from 'node:fs'
import { join } from 'node:path'

const SESSION = /^[0-9a-f]{62}$/

/** The paths of all session files below a session directory. */
export function sessionFiles (sessionDir) {
  return fs.readdirSync(sessionDir, { recursive: true, withFileTypes: true })
    .filter(entry => SESSION.test(entry.name) && !entry.isDirectory())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
}

/** How many sessions a store has that live and hold more than nothing. */
export async function liveSessions (store) {
  let count = 0
  for await (const { size } of store.sessions()) if (size > '{}'.length) count++
  return count
}

export function setTimes (path, secondsFromNow) {
  const time = Date.now() / 1000 + secondsFromNow
  fs.lutimesSync(path, time, time)
}
