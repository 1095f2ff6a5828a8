import t from 'tap'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from '../../index'
import { age } from '../support/aged-sessions'
import { sessionFiles } from '../support/session-files'
import { newSession } from '../support/new-session'
import { fileSessions } from '../support/command'

const HOUR = 3600
const DAY = 24 * HOUR

/** What session-file-store writes, unused for so many seconds. */
function foreignSession (idle: number, data: object = {}): string {
  return JSON.stringify({ cookie: { originalMaxAge: null }, ...data, __lastAccess: Date.now() - idle * 1000 })
}

t.test('import makes sessions of those of session-file-store, once', async t => {
  const from = t.testdir({ 'one.json': foreignSession(0, { user: 'anna' }), 'two.json': foreignSession(2 * HOUR), 'three.txt': foreignSession(0) })
  const sessionDir = join(from, 'sessions')
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  t.strictSame(await fileSessions(['import', from, sessionDir, '--appid', 'shop']),
    { exitCode: 0, out: 'shop: 1 imported, 1 expired, 0 present, 0 failed\n', err: '' })
  t.equal(await store.getSession('one'), '{"user":"anna"}')
  t.equal(await store.getSession('two'), null)
  t.equal(await new SessionFileStore({ sessionDir }).getSession('one'), null, 'of this app alone')

  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--ttl', '3h']),
    { exitCode: 0, out: 'shop: 1 imported, 0 expired, 1 present, 0 failed\n' })
  t.equal(await store.getSession('two'), '{}')
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--extension', '.txt']),
    { exitCode: 0, out: 'shop: 1 imported, 0 expired, 0 present, 0 failed\n' })
  t.equal(await store.getSession('three'), '{}')
})

t.test('import leaves a session alone that its app lets lie longer than the command knows', async t => {
  const from = t.testdir({ 'one.json': foreignSession(0, { user: 'old' }) })
  const sessionDir = join(from, 'sessions')
  const store = new SessionFileStore({ sessionDir, appid: 'shop', idleTimeout: 30 * DAY, idGenerator: () => 'one' })
  await store.open()
  await newSession(store, '{"user":"new"}')
  for (const path of sessionFiles(sessionDir)) age(path, 3 * DAY)
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop']), { exitCode: 0, out: /0 imported, 0 expired, 1 present/ })
  t.equal(await store.getSession('one'), '{"user":"new"}')
})

t.test('import names what it had to leave out, on standard error alone, and ends with 1', async t => {
  const from = t.testdir({ 'good.json': foreignSession(0), 'torn.json': '{"user":"confidential', 'other.json': '[]' })
  const { exitCode, out, err } = await fileSessions(['import', from, join(from, 'sessions'), '--appid', 'shop'])
  t.equal(exitCode, 1)
  t.equal(out, 'shop: 1 imported, 0 expired, 0 present, 2 failed\n')
  t.strictSame(err.trimEnd().split('\n').sort(), [
    `failed  ${join(from, 'other.json')}: it is not a session of session-file-store`,
    `failed  ${join(from, 'torn.json')}: it is not JSON`
  ])
  t.match((await fileSessions(['import', '--help'])).out, /NAMES OF THOSE\sFILES ARE SESSION IDS/)
})

t.test('import into a directory that is open to others, or from encrypted sessions, is exit code 2', async t => {
  const from = t.testdir({ 'one.json': '{"hmac":"","ct":"","iv":"","salt":""}', open: {} })
  chmodSync(join(from, 'open'), 0o755)
  t.match(await fileSessions(['import', from, join(from, 'open'), '--appid', 'shop']), { exitCode: 2, out: '', err: /chmod 700/ })
  t.match(await fileSessions(['import', from, join(from, 'sessions'), '--appid', 'shop']), { exitCode: 2, out: '', err: /are encrypted/ })
})

t.test('import shows on a terminal how far it is', async t => {
  const from = t.testdir({ 'one.json': foreignSession(0), 'two.json': foreignSession(0) })
  const { exitCode, err } = await fileSessions(['import', from, join(from, 'sessions'), '--appid', 'shop'], { isTTY: true })
  t.equal(exitCode, 0)
  t.match(err, /shop .*%/)
})
