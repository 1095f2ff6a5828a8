import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles, setTimes } from '../support/files.mjs'
import { hook, systemError } from '../support/fs-hooks.mjs'
import { openSite, visit } from '../support/site.mjs'

/** What the store says of a disk, at whichever call it fails. */
async function complaints (sessionDir, { isNew }) {
  const store = new SessionFileStore({ sessionDir })
  const messages = []
  const note = error => { messages.push(error.message) }
  if (isNew) await store.open().catch(note)
  for (let count = 0; count < 20; count++) await store.newSession().catch(note)
  return messages
}

function judge (ground, messages, pattern, what) {
  if (messages.length === 0) throw new Error('nothing has failed')
  ground.tried(messages.length)
  ground.succeeded(`${what}: "${messages.find(message => !pattern.test(message))?.replace(/ in \S+/, '')}"`, messages.filter(message => !pattern.test(message)).length)
}

async function fullDisk (ground) {
  for (const [options, isNew] of [['size=64k', false], ['size=64k', true], ['nr_inodes=4', false], ['nr_inodes=1', true]]) {
    const mount = ground.tmpfs(options)
    const sessionDir = join(mount, 'sessions')
    if (!isNew) await new SessionFileStore({ sessionDir }).open()
    if (options.startsWith('size')) fill(join(mount, 'filler'))
    judge(ground, await complaints(sessionDir, { isNew }), /ENOSPC.*full/, `a full disk (${options})`)
  }
}

function fill (path) {
  const fd = fs.openSync(path, 'w')
  try {
    for (;;) fs.writeSync(fd, Buffer.alloc(1024))
  } catch {
    // It is full.
  } finally {
    fs.closeSync(fd)
  }
}

async function readOnlyDisk (ground) {
  for (const isNew of [true, false]) {
    const mount = ground.tmpfs('size=1m')
    const sessionDir = join(mount, 'sessions')
    if (!isNew) await new SessionFileStore({ sessionDir }).open()
    ground.sh('mount', '-o', 'remount,ro', mount)
    judge(ground, await complaints(sessionDir, { isNew }), /EROFS.*read-only/, 'a read-only disk')
  }
}

/** Node has no name for EDQUOT. */
async function quota (ground) {
  for (const call of ['write', 'mkdir', 'open']) {
    const sessionDir = ground.directory()
    await new SessionFileStore({ sessionDir }).open()
    let isOn = true
    hook(call, target => {
      if (isOn && (typeof target === 'number' || target.startsWith(`${sessionDir}/sid/`))) throw systemError('Unknown system error -122', call, -122)
    })
    judge(ground, await complaints(sessionDir, { isNew: false }), /quota/, `a quota that is used up (${call})`)
    isOn = false
  }
}

/** A touch is due, and cannot be made. */
async function readOnlyTouch (ground) {
  const mount = ground.tmpfs('size=1m')
  const sessionDir = join(mount, 'sessions')
  const maker = await openSite(ground, { sessionDir })
  const { cookie } = await visit(maker, '/login', { body: { user: 'ann' } })
  const sites = []
  for (const options of [{}, { rolling: false }, { cookie: { maxAge: 86_400 } }, { rolling: false, cookie: { maxAge: 86_400 } }]) {
    const lines = []
    const logger = { level: 'debug', stream: { write: line => { lines.push(line) } } }
    sites.push({ lines, app: await openSite(ground, { sessionDir, reapInterval: 0, ...options }, { fastify: { logger } }) })
  }
  for (const path of sessionFiles(sessionDir)) setTimes(path, -600)
  ground.sh('mount', '-o', 'remount,ro', mount)
  for (const { app, lines } of sites) {
    const { status, body } = await visit(app, '/read', { cookie })
    ground.judge(status !== 200 || body.user !== 'ann', 'a session that can be read is not served, as its touch fails')
    ground.succeeded('a touch that fails is not logged', lines.some(line => /EROFS/.test(line)) ? 0 : 1)
  }
}

export const attacks = [
  { entry: 26, name: 'what is said of a full disk', run: fullDisk },
  { entry: 26, name: 'what is said of a read-only disk', run: readOnlyDisk },
  { entry: 26, name: 'what is said of a quota', run: quota },
  { entry: 26, name: 'a touch that is due on a read-only disk', run: readOnlyTouch }
]
