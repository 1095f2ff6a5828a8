import fs from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { openSite, visit } from '../support/site.mjs'

/** C0 but the line feed, DEL, C1, and what turns the direction of writing. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const EVIL = '\u001b]0;owned\u0007\u001b[2J\r\u007f\u009b31m\u202egnp.exe\u2066'
const HASH = /[0-9a-f]{62}/

async function command (ground) {
  const sessionDir = ground.directory()
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  const sesid = await store.newSession()
  await store.putSession(sesid, JSON.stringify({ user: EVIL }) + EVIL)
  // The name of the directory of an appid that no app can have.
  const appid = [...'\u001b[2Jx\u007f'].map(character => /[a-z0-9_-]/.test(character) ? character : `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
  fs.mkdirSync(join(sessionDir, appid), { mode: 0o700 })
  fs.writeFileSync(join(sessionDir, `${EVIL.replaceAll('/', '')}`), '', { mode: 0o600 })
  fs.writeFileSync(join(sessionDir, 'sid', EVIL), '', { mode: 0o600 })
  const foreign = ground.directory()
  fs.writeFileSync(join(foreign, `${EVIL}.json`), 'x')
  for (const [args, input] of [
    [['list', sessionDir]], [['list', sessionDir, '--json']], [['verify', sessionDir]], [['clean', sessionDir]],
    [['show', sessionDir, '--appid', 'sid', '-'], sesid], [['show', join(sessionDir, EVIL), '--appid', 'sid', 'x']],
    [['clean', `${sessionDir}${EVIL}`]], [['delete', `${sessionDir}${EVIL}`, '--appid', 'sid', 'x']],
    [['import', foreign, sessionDir, '--appid', 'sid']]
  ]) {
    const { output } = ground.command(args, { input })
    ground.judge(CONTROLS.test(output), `file-sessions ${args[0]} prints control characters`)
  }
}

async function logLines (ground) {
  const lines = []
  const logger = { level: 'trace', stream: { write: line => { lines.push(line) } } }
  const sessionDir = join(ground.directory(), `sessions${EVIL.replaceAll('/', '')}`)
  const app = await openSite(ground, { sessionDir, reapInterval: 0 }, { fastify: { logger } })
  for (const fault of ['directory', 'link']) {
    const { cookie } = await visit(app, '/set', { body: { n: 1 } })
    const [path] = sessionFiles(sessionDir).filter(path => fs.lstatSync(path).isFile())
    fs.unlinkSync(path)
    if (fault === 'directory') fs.mkdirSync(path)
    else fs.symlinkSync('/nowhere', path)
    for (const [url, body] of [['/read'], ['/set', { n: 2 }], ['/logout', {}], ['/login', { user: 'ann', keep: ['n'] }]]) {
      const answer = await visit(app, url, { cookie, body })
      ground.judge(CONTROLS.test(answer.body.message ?? ''), "an error's message has control characters of the directory's name")
    }
    const error = await new SessionFileStore({ sessionDir }).getSession(cookie.split('=')[1]).then(() => null, error => error)
    ground.judge(HASH.test(`${error?.message} ${error?.cause?.message} ${error?.stack} ${error?.cause?.stack}`), "a cause's message holds the hash of a session file")
    ground.judge(HASH.test(inspect(error)), 'an error that is printed holds the hash of a session file')
  }
  ground.judge(lines.some(line => HASH.test(line)), 'a log line holds the hash of a session file')
  ground.judge(lines.some(line => CONTROLS.test(line)), 'a log line has control characters')
}

export const attacks = [
  { entry: 17, name: 'control characters in names, appids and data: the command', run: command },
  { entry: 17, name: 'control characters and hashes in errors and log lines', run: logLines }
]
