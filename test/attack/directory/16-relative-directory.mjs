import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { openSite, visit } from '../support/site.mjs'

async function changedDirectory (ground) {
  for (const isOpened of [true, false]) {
    const here = ground.directory()
    const there = trap(ground)
    process.chdir(here)
    const store = new SessionFileStore({ sessionDir: 'sessions' })
    if (isOpened) await store.open()
    process.chdir(there)
    await store.open().catch(() => {})
    await store.newSession().catch(() => {})
    ground.judge(fs.readdirSync(join(there, 'sessions')).length > 0, 'after a chdir the store uses another directory')
  }
  const here = ground.directory()
  process.chdir(here)
  const app = await openSite(ground, { sessionDir: './sessions' })
  const there = trap(ground)
  process.chdir(there)
  const { cookie } = await visit(app, '/set', { body: { n: 1 } })
  ground.judge(fs.readdirSync(join(there, 'sessions')).length > 0, 'after a chdir the app uses another directory')
  process.chdir(here)
  const { body } = await visit(app, '/read', { cookie })
  ground.judge(body.n !== 1, 'after a chdir the app loses its sessions')
}

/** A directory of the same name that every user may use. */
function trap (ground) {
  const path = ground.directory()
  fs.mkdirSync(join(path, 'sessions'))
  fs.chmodSync(join(path, 'sessions'), 0o777)
  return path
}

export const attacks = [{ entry: 16, name: 'process.chdir() with a relative sessionDir', run: changedDirectory }]
