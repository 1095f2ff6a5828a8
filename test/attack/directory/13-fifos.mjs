import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { fetchFrom } from '../support/site.mjs'

/** Milliseconds. What is not answered after so long hangs. */
const HANGS = 10_000

async function fifos (ground) {
  ground.needCommands('mkfifo')
  const sessionDir = ground.directory()
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  const ids = []
  // As many as Node has threads for files, and one more.
  for (let count = 0; count < 5; count++) ids.push(await store.newSession())
  for (const path of sessionFiles(sessionDir)) {
    fs.unlinkSync(path)
    ground.sh('mkfifo', '-m', '600', path)
  }
  const server = await ground.start('server.mjs', [JSON.stringify({ sessionDir })])
  const { port } = server.first
  const ask = (url, options) => fetchFrom(port, url, { ...options, signal: AbortSignal.timeout(HANGS) }).catch(error => ({ status: 0, error }))
  const stuck = ids.map(sesid => ask('/read', { cookie: `sid=${sesid}` }))
  const answer = await ask('/set', { body: { n: 1 } })
  ground.judge(answer.status !== 200, 'FIFOs in place of session files keep other requests from being answered')
  const answers = await Promise.all(stuck)
  ground.judge(answers.some(({ status }) => status === 0), 'a request whose session file is a FIFO is never answered')
  server.kill('SIGTERM')
  const ended = await Promise.race([server.exited, new Promise(resolve => { setTimeout(resolve, HANGS, null) })])
  ground.judge(ended === null, 'FIFOs in place of session files keep the process from ending at SIGTERM')
}

/** The file that checkDisk writes to for trial is another file's name. */
async function probe (ground) {
  for (const kind of ['linkSync', 'symlinkSync']) {
    const sessionDir = ground.directory()
    const store = new SessionFileStore({ sessionDir })
    await store.open()
    const sesid = await store.newSession()
    await store.putSession(sesid, 'mine')
    const [path] = sessionFiles(sessionDir)
    fs[kind](path, join(sessionDir, 'sid/disk-check.tmp'))
    await store.checkDisk().catch(() => {})
    const text = await new SessionFileStore({ sessionDir }).getSession(sesid).catch(() => null)
    ground.judge(text !== 'mine', 'checkDisk writes over a session')
  }
}

export const attacks = [
  { entry: 13, name: 'FIFOs in place of session files', run: fifos },
  { entry: 13, name: "a link in place of checkDisk's file", run: probe }
]
