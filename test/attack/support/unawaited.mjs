// Has a save or an update fail that no handler waits for, and ends with 0 if the process outlives it:
// node unawaited.mjs <sessionDir> save|update watched|unwatched data|disk
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { setImmediate as later } from 'node:timers/promises'
import Fastify from 'fastify'
import fileSessions from 'fastify-file-sessions'

const [sessionDir, action, watcher, fault] = process.argv.slice(2)
process.send('ready')
if (watcher === 'watched') subscribe('fastify-file-sessions:error', () => {})
const app = Fastify()
await app.register(fileSessions, { sessionDir })
app.get('/make', async ({ session }) => { session.n = 1 })
app.get('/fail', async ({ session }) => {
  if (fault === 'disk') breakFiles()
  const value = fault === 'data' ? 1n : 2
  if (action === 'update') session.update(draft => { draft.n = value })
  else {
    session.n = value
    session.save()
  }
  session.skipSave()
  return {}
})
const { headers } = await app.inject('/make')
await app.inject({ url: '/fail', headers: { cookie: String(headers['set-cookie']).split(';')[0] } })
for (let turn = 0; turn < 20; turn++) await later()
await app.close()
process.exit(0)

/** Puts a directory where the session's file is. */
function breakFiles () {
  for (const name of fs.readdirSync(sessionDir, { recursive: true })) {
    if (!/[0-9a-f]{62}$/.test(name)) continue
    fs.unlinkSync(`${sessionDir}/${name}`)
    fs.mkdirSync(`${sessionDir}/${name}`)
  }
}
