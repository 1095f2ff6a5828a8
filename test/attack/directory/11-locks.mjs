import fs from 'node:fs'
import { basename, join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { openSite, visit } from '../support/site.mjs'

const NAMES = ['precious.txt', 'key.pem', '0123456789abcdef']
/** Milliseconds that a save is let wait for a lock in unrest. Locks are taken away after two seconds. */
const LONGEST_WAIT = 40_000

/** A directory of things that no process may touch. */
function treasure (ground) {
  const path = ground.directory()
  for (const name of NAMES) fs.writeFileSync(join(path, name), 'precious')
  return path
}

function missing (path, names = NAMES) {
  return names.filter(name => !fs.existsSync(join(path, name))).length
}

/** How many of the files are nowhere below the directory: a lock may be moved, with what is in it. */
function lost (directory, names) {
  const kept = fs.readdirSync(directory, { recursive: true }).map(path => basename(path))
  return names.filter(name => !kept.includes(name)).length
}

/** Everything that removes, rewrites or looks at a session, by its id. */
const WORKS = {
  logout: ({ app, cookie }) => visit(app, '/logout', { cookie, body: {} }),
  'file-sessions delete': ({ ground, sessionDir, cookie }) => ground.command(['delete', sessionDir, '--appid', 'sid', '-'], { input: cookie.split('=')[1] }),
  'saves until the file is rewritten' ({ app, cookie }) {
    return Promise.race([fill(app, cookie), new Promise(resolve => { setTimeout(resolve, LONGEST_WAIT).unref() })])
  },
  clear: ({ app }) => app.sessionStore.clear().catch(() => {}),
  sweep: ({ app }) => app.sessionStore.reap(),
  regenerate: ({ app, cookie }) => visit(app, '/login', { cookie, body: { user: 'ann' } })
}

async function fill (app, cookie) {
  let answer
  for (let save = 0; save < 12; save++) answer = await visit(app, '/set', { cookie, body: { filler: `${save}`.repeat(2500) } })
  return answer
}

async function linkedLock (ground) {
  for (const [name, work] of Object.entries(WORKS)) {
    const sessionDir = ground.directory()
    const target = treasure(ground)
    const app = await openSite(ground, { sessionDir })
    const { cookie } = await visit(app, '/set', { body: { n: 1 } })
    const [path] = sessionFiles(sessionDir)
    fs.symlinkSync(target, `${path}.lock`)
    // Old enough for a sweep.
    fs.lutimesSync(`${path}.lock`, 1e9, 1e9)
    await work({ ground, app, sessionDir, cookie })
    ground.judge(missing(target) > 0, `${name}: the files of a lock's target are removed`)
  }
}

async function foreignInLock (ground) {
  for (const [name, work] of Object.entries(WORKS)) {
    const sessionDir = ground.directory()
    const app = await openSite(ground, { sessionDir })
    const { cookie } = await visit(app, '/set', { body: { n: 1 } })
    const [path] = sessionFiles(sessionDir)
    fs.mkdirSync(`${path}.lock`, { mode: 0o700 })
    const names = NAMES.slice(0, 2)
    for (const name of names) fs.writeFileSync(join(`${path}.lock`, name), 'precious')
    fs.utimesSync(`${path}.lock`, 1e9, 1e9)
    await work({ ground, app, sessionDir, cookie })
    ground.judge(lost(sessionDir, names) > 0, `${name}: files in a lock are removed that are not ours`)
  }
}

async function directoryInLock (ground) {
  for (const inside of ['subdirectory', '0123456789abcdef']) {
    for (const name of ['logout', 'file-sessions delete', 'clear']) {
      const sessionDir = ground.directory()
      const app = await openSite(ground, { sessionDir })
      const { cookie } = await visit(app, '/set', { body: { n: 1 } })
      const [path] = sessionFiles(sessionDir)
      fs.mkdirSync(join(`${path}.lock`, inside), { recursive: true, mode: 0o700 })
      await WORKS[name]({ ground, app, sessionDir, cookie })
      const text = await new SessionFileStore({ sessionDir }).getSession(cookie.split('=')[1]).catch(() => 'unreadable')
      ground.judge(text !== null, `${name}: a session with a directory in its lock cannot be ended`)
    }
  }
}

async function restlessLock (ground) {
  const sessionDir = ground.directory()
  const app = await openSite(ground, { sessionDir })
  const { cookie } = await visit(app, '/set', { body: { n: 1 } })
  const [path] = sessionFiles(sessionDir)
  await ground.start('restless-lock.mjs', [`${path}.lock`])
  const saving = fill(app, cookie)
  const answer = await Promise.race([saving, new Promise(resolve => { setTimeout(resolve, LONGEST_WAIT, null) })])
  ground.judge(answer === null, 'a lock whose token changes all the time holds a save for as long as that goes on')
}

export const attacks = [
  { entry: 11, name: 'a symbolic link as a lock', run: linkedLock },
  { entry: 11, name: 'a lock that holds foreign files', run: foreignInLock },
  { entry: 11, name: 'a lock that holds a directory', run: directoryInLock },
  { entry: 11, name: 'a lock whose token changes every millisecond', run: restlessLock }
]
