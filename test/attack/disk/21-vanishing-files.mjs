import { SessionFileStore } from 'fastify-file-sessions'
import { hook, systemError } from '../support/fs-hooks.mjs'
import { openSite, visit } from '../support/site.mjs'

/** Makes the nth call of this name on a session file fail once as if the file were not there. */
const fault = { name: '', at: 0, calls: 0 }
for (const name of ['open', 'lstat', 'stat', 'lutimes', 'utimes']) {
  hook(name, path => {
    if (fault.name !== name || !/\/[0-9a-f]{62}$/.test(path)) return
    if (fault.calls++ === fault.at) throw systemError('ENOENT', name, -2)
  })
}

function arm (name, at) {
  Object.assign(fault, { name, at, calls: 0 })
}

/** Returns whether a call failed. */
function disarm () {
  fault.name = ''
  return fault.calls > fault.at
}

async function storeCalls (ground) {
  for (const name of ['open', 'lstat', 'stat', 'lutimes']) {
    for (let at = 0; at < 3; at++) {
      for (const isKnown of [true, false]) {
        for (const durability of ['os', 'fsync']) {
          const sessionDir = ground.directory()
          const maker = new SessionFileStore({ sessionDir, durability })
          await maker.open()
          const sesid = await maker.newSession()
          await maker.putSession(sesid, 'before')
          const store = isKnown ? maker : new SessionFileStore({ sessionDir, durability })
          arm(name, at)
          const text = await store.getSession(sesid).catch(() => 'failed')
          if (disarm()) ground.judge(text === null, `a session is gone for a reader as a file was missing for a moment (${name})`)
          arm(name, at)
          const isDone = await store.putSession(sesid, 'after').then(() => true, () => false)
          const hasFailed = disarm()
          const stored = await new SessionFileStore({ sessionDir }).getSession(sesid)
          if (hasFailed) ground.judge(isDone && stored !== 'after', `an acknowledged save is not stored as a file was missing for a moment (${name})`)
        }
      }
    }
  }
}

async function requests (ground) {
  for (const name of ['open', 'lstat', 'stat', 'lutimes']) {
    for (let at = 0; at < 3; at++) {
      for (const isKnown of [true, false]) {
        for (const [url, body] of [['/read'], ['/set', { n: 2 }], ['/count', {}]]) {
          const sessionDir = ground.directory()
          const maker = await openSite(ground, { sessionDir })
          const { cookie } = await visit(maker, '/login', { body: { user: 'ann' } })
          const app = isKnown ? maker : await openSite(ground, { sessionDir })
          arm(name, at)
          const answer = await visit(app, url, { cookie, body })
          const hasFailed = disarm()
          if (!hasFailed) continue
          ground.tried()
          ground.succeeded(`${url} clears the cookie as a file was missing for a moment (${name})`, answer.cookie === '' ? 1 : 0)
          ground.succeeded(`${url} begins another session as a file was missing for a moment (${name})`, answer.cookie && answer.cookie !== cookie ? 1 : 0)
          const isLive = url === '/read' ? answer.body.user === 'ann' : answer.status !== 410
          ground.succeeded(`${url} finds no session as a file was missing for a moment (${name})`, isLive || answer.status === 500 ? 0 : 1)
        }
      }
    }
  }
}

/** Two processes on a mount where rename is not atomic for others. It may be refused at the start. */
async function bindfs (ground) {
  const mount = ground.mountWith('bindfs', [ground.directory()])
  const sessionDir = `${mount}/sessions`
  const store = new SessionFileStore({ sessionDir })
  const isRefused = await store.open().then(() => false, () => true)
  ground.tried()
  if (isRefused) return
  const ids = [await store.newSession(), await store.newSession()]
  const children = []
  for (let count = 0; count < 3; count++) children.push(await ground.start('rewriter.mjs', [sessionDir, 250, ...ids]))
  const reports = []
  for (const child of children) child.on('message', report => { reports.push(report) })
  for (const child of children) child.send('go')
  await Promise.all(children.map(({ exited }) => exited))
  for (const { reads, gone } of reports) {
    ground.tried(reads)
    ground.succeeded('a live session is gone for a moment on bindfs', gone)
  }
}

export const attacks = [
  { entry: 21, name: 'a session file that is missing for one call: the store', run: storeCalls },
  { entry: 21, name: 'a session file that is missing for one call: requests', run: requests },
  { entry: 21, name: 'a mount where rename is not atomic for others (bindfs)', run: bindfs }
]
