import t from 'tap'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from '../../index'
import { age } from '../support/aged-sessions'
import { sessionFiles } from '../support/session-files'
import { newSession } from '../support/new-session'
import { fileSessions } from '../support/command'

const SECRET = 'a secret of the server, 32 bytes at the least'
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
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop']),
    { exitCode: 0, out: /^shop: 1 imported, 1 expired, 0 present, 0 ended, 0 failed\nIf the app has the option indexes, run "file-sessions reindex" now: .*\n$/, err: '' })
  t.equal(await store.getSession('one'), '{"user":"anna"}')
  t.equal(await store.getSession('two'), null)
  t.equal(await new SessionFileStore({ sessionDir }).getSession('one'), null, 'of this app alone')

  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--ttl', '3h']),
    { exitCode: 0, out: 'shop: 1 imported, 0 expired, 1 present, 0 ended, 0 failed\n' })
  t.equal(await store.getSession('two'), '{}')
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--extension', '.txt']),
    { exitCode: 0, out: 'shop: 1 imported, 0 expired, 0 present, 0 ended, 0 failed\n' })
  t.equal(await store.getSession('three'), '{}')
})

t.test('a session that has ended since it was imported stays ended', async t => {
  const directory = t.testdir({ old: { 'one.json': foreignSession(0, { user: 'anna' }), 'two.json': foreignSession(0) } })
  const [from, copy, sessionDir] = ['old', 'copy', 'sessions'].map(name => join(directory, name)) as [string, string, string]
  cpSync(from, copy, { recursive: true })
  const store = new SessionFileStore({ sessionDir, appid: '__Host-shop' })
  const importing = ['import', from, sessionDir, '--appid', '__Host-shop']
  t.match(await fileSessions(importing), { exitCode: 0, out: /: 2 imported, / })
  await store.delSession('one')
  t.match(await fileSessions(importing), { exitCode: 0, out: '__Host-shop: 0 imported, 0 expired, 1 present, 1 ended, 0 failed\n' })
  t.match(JSON.parse((await fileSessions(['import', copy, sessionDir, '--appid', '__Host-shop', '--json'])).out),
    { imported: 0, present: 1, ended: 1 }, 'from a copy as well')
  t.equal(await store.getSession('one'), null)
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'other']), { out: /^other: 2 imported, / }, 'each appid by itself')
  t.strictSame(readdirSync(from), ['one.json', 'two.json'], 'nothing is written over there')

  const memory = join(sessionDir, '.imported-__%48ost-shop')
  t.equal(statSync(memory).mode & 0o777, 0o600)
  t.notMatch(readFileSync(memory, 'utf8'), /one|two/)
  for (const [args, out] of [
    [['verify'], /^3 sessions: 0 torn, 0 unreadable; 0 foreign\n$/],
    [['list'], /^__Host-shop +1 /m],
    [['clean'], /^__Host-shop: removed 0 of 1 sessions/],
    [['doctor'], /good {2}__Host-shop: reaper/]
  ] as const) t.match(await fileSessions([...args, sessionDir]), { out, err: '' })
  t.ok(existsSync(memory))
  mkdirSync(join(sessionDir, '.imported-shop'))
  writeFileSync(join(sessionDir, '.imported-Shop'), '')
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 1, out: /; 2 foreign\n$/ }, 'what only looks like it')
  for (const name of ['.imported-shop', '.imported-Shop', '__%48ost-shop', 'other']) rmSync(join(sessionDir, name), { recursive: true })
  t.match(await fileSessions(['list', sessionDir, '--json']), { exitCode: 0, out: '[]\n' }, 'a session directory without sessions')
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
  t.match(out, /^shop: 1 imported, 0 expired, 0 present, 0 ended, 2 failed\n/)
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

t.test('arguments in the wrong order are an error that says so', async t => {
  const directory = t.testdir({ old: { 'one.json': foreignSession(0) }, other: { 'one.txt': '' }, empty: {} })
  const [old, sessions, other, empty] = ['old', 'sessions', 'other', 'empty'].map(name => join(directory, name)) as [string, string, string, string]
  await newSession(new SessionFileStore({ sessionDir: sessions, appid: 'shop' }), '{}')
  t.match(await fileSessions(['import', sessions, old, '--appid', 'shop']), {
    exitCode: 2, out: '', err: /sessions is a session directory of this package: name session-file-store's directory first.*import --help/s
  })
  t.strictSame(readdirSync(old), ['one.json'], 'and nothing is made')
  t.match(await fileSessions(['import', other, sessions, '--appid', 'shop']), { exitCode: 2, out: '', err: /no file in .*other ends in \.json: .*--extension/ })
  t.match(await fileSessions(['import', join(directory, 'nowhere'), sessions, '--appid', 'shop']),
    { exitCode: 2, out: '', err: /there is no directory .*nowhere: name the one that is session-file-store's path/ })
  t.match(await fileSessions(['import', join(old, 'one.json'), sessions, '--appid', 'shop']), { exitCode: 2, out: '', err: /cannot look.*ENOTDIR/ })
  chmodSync(empty, 0o700)
  t.match(await fileSessions(['import', empty, sessions, '--appid', 'shop']), { exitCode: 0, out: /0 imported/ }, 'a directory that has had no sessions yet')
})

t.test('with the module of the indexes imported sessions are found at once, encrypted ones too', async t => {
  const from = t.testdir({ 'one.json': foreignSession(0, { user: 'anna' }), 'two.json': foreignSession(0, { user: 'bob' }), 'odd.json': foreignSession(0, { user: {} }) })
  const id = await new SessionFileStore({ sessionDir: join(from, 'none') }).newId()
  cpSync(join(from, 'one.json'), join(from, `${id}.json`))
  const [sessionDir, encryptedDir, module] = ['sessions', 'encrypted', 'indexes.mjs'].map(name => join(from, name)) as [string, string, string]
  writeFileSync(module, 'export const indexes = { user: data => data.user }')
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--module', module]),
    { exitCode: 1, out: 'shop: 3 imported, 0 expired, 0 present, 0 ended, 1 failed\n', err: /odd.json: the value of the index user must be a string/ })
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  t.equal(await store.revokeAll('user', 'anna'), 2)
  t.equal(await store.getSession('one'), null)
  t.equal(await store.getSession('two'), '{"user":"bob"}')
  const secrets = join(from, 'secrets')
  writeFileSync(secrets, `${SECRET}\n`, { mode: 0o600 })
  const encrypting = ['import', from, encryptedDir, '--appid', 'shop', '--secrets', secrets]
  t.match(await fileSessions([...encrypting, '--module', module]), { out: /^shop: 1 imported, .*3 failed\n$/ })
  const encrypted = new SessionFileStore({ sessionDir: encryptedDir, appid: 'shop', encryption: { secrets: [SECRET] } })
  t.equal(await encrypted.getSession(id), '{"user":"anna"}')
  t.equal(await encrypted.revokeAll('user', 'anna'), 1)
  rmSync(encryptedDir, { recursive: true })
  t.match(await fileSessions(encrypting), { out: /"file-sessions reindex" cannot look into encrypted ones. With --module they enter/ })
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'other', '--module', join(from, 'one.json')]), { exitCode: 2, err: /cannot be used/ })
})

t.test('import shows on a terminal how far it is', async t => {
  const from = t.testdir({ 'one.json': foreignSession(0), 'two.json': foreignSession(0) })
  const { exitCode, err } = await fileSessions(['import', from, join(from, 'sessions'), '--appid', 'shop'], { isTTY: true })
  t.equal(exitCode, 0)
  t.match(err, /shop .*%/)
})

t.test('a server in place of a directory: the command says so, and nothing of the URL', async t => {
  const directory = t.testdir({ old: {} })
  const [from, sessionDir] = [join(directory, 'old'), join(directory, 'sessions')]
  const url = 'redis://user:hunter2@127.0.0.1:1'
  for (const [args, message] of [
    [[url, sessionDir], /^file-sessions: import reads a directory of session-file-store, not a server: copy takes sessions/],
    [[from, url], /^file-sessions: import makes sessions in a directory alone: copy takes them to a server/]
  ] as const) {
    const { exitCode, out, err } = await fileSessions(['import', ...args, '--appid', 'shop'])
    t.strictSame({ exitCode, out }, { exitCode: 2, out: '' })
    t.match(err, message)
    t.notMatch(err, /hunter2|127\.0/)
  }
  t.notOk(existsSync(sessionDir))
})
