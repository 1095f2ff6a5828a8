import t, { type Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync, chmodSync, chownSync, closeSync, existsSync, lchownSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync,
  statSync, symlinkSync, utimesSync, writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { SessionFileStore } from '../../index'
import { Clock } from '../../lib/store/clock'
import { formatDuration, parseDuration } from '../../lib/cli/duration'
import { run } from '../../lib/cli/program'
import { FileStore } from '../../lib/store/files/file-store'
import { localDisk } from '../../lib/store/files/local-disk'
import { age } from '../support/aged-sessions'
import { newFile, sessionDirectory, sessionFiles } from '../support/session-files'
import { newSession } from '../support/new-session'

const HOUR = 3600
const DAY = 24 * HOUR

interface Outcome { exitCode: number, out: string, err: string }

/** Runs the command as a shell would, with text on standard input. */
async function fileSessions (args: string[], { input = '', isTTY = false } = {}): Promise<Outcome> {
  const outcome = { exitCode: 0, out: '', err: '' }
  const into = (name: 'out' | 'err'): Writable => new Writable({
    write (chunk, _encoding, done) {
      outcome[name] += String(chunk)
      done()
    }
  })
  const err = Object.assign(into('err'), { isTTY, columns: 80 })
  outcome.exitCode = await run(args, { in: Readable.from([input]), out: into('out'), err })
  return outcome
}

/** A directory with sessions of two apps: three of `shop`, one of `__Host-admin`. */
async function twoApps (t: Test) {
  const sessionDir = sessionDirectory(t)
  const shop = new SessionFileStore({ sessionDir, appid: 'shop' })
  const admin = new SessionFileStore({ sessionDir, appid: '__Host-admin' })
  const { sesid } = await newSession(shop, '{"user":"anna"}')
  const path = newFile(sessionDir)
  await newSession(shop, '{}')
  await newSession(shop, '')
  await newSession(admin, '{"user":"root"}')
  return { sessionDir, shop, admin, sesid, path, shopFiles: sessionFiles(join(sessionDir, 'shop')) }
}

t.test('durations', async t => {
  t.strictSame(['90s', '30m', '2h', '7d', '1.5h'].map(parseDuration), [90, 1800, 7200, 7 * DAY, 5400])
  for (const wrong of ['', '2', 'h', '0s', '-1h', '2 h', '2w', '2h30m']) {
    t.throws(() => parseDuration(wrong), { message: /such as 90s, 30m, 2h or 7d/ }, wrong)
  }
  const seconds = [0, 0.9, 59, 60, 61, HOUR, HOUR + 1, 2 * HOUR + 600, DAY - 1, 3 * DAY + 4 * HOUR + 5]
  t.strictSame(seconds.map(seconds => formatDuration(seconds * 1000)),
    ['0s', '0s', '59s', '1m', '1m 1s', '1h', '1h', '2h 10m', '23h 59m', '3d 4h'])
})

t.test('--help is enough to use it', async t => {
  const { exitCode, out, err } = await fileSessions(['--help'])
  t.equal(exitCode, 0)
  t.equal(err, '')
  for (const command of ['clean', 'list', 'show', 'delete', 'verify', 'import']) {
    t.match(out, new RegExp(`^ {2}${command} `, 'm'))
    const help = await fileSessions([command, '--help'])
    t.equal(help.exitCode, 0)
    t.match(help.out, new RegExp(`^Usage: file-sessions ${command} `))
  }
  t.strictSame(await fileSessions(['-h']), { exitCode, out, err })
  t.match((await fileSessions(['clean', '-h'])).out, /idleTimeout \(default: 2h\)/, 'as it would be written')
  t.match(out, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /)
})

t.test('wrong usage is exit code 2, and says what is wrong', async t => {
  const { sessionDir } = await twoApps(t)
  for (const [args, message] of [
    [[], /^Usage:/],
    [['polish'], /unknown command 'polish'/],
    [['clean'], /missing required argument 'dir'/],
    [['clean', sessionDir, '--idle', '2'], /'2' is invalid. It must be a number above 0 and a unit/],
    [['clean', sessionDir, '--dry'], /unknown option '--dry'/],
    [['clean', sessionDir, '--appid', 'a/b'], /'a\/b' is invalid. It must be a cookie name/],
    [['clean', sessionDir, '--appid', ''], /It must be a cookie name/],
    [['list', sessionDir, 'more'], /too many arguments/],
    [['show', sessionDir, 'id'], /required option '--appid <name>' not specified/],
    [['import', sessionDir, sessionDir], /required option '--appid <name>' not specified/],
    [['import', sessionDir, '--appid', 'shop'], /missing required argument 'dir'/],
    [['import', sessionDir, sessionDir, '--appid', 'shop', '--ttl', '2'], /'2' is invalid/],
    [['show', sessionDir, '--apid', 'shop', 'id'], /required option|too many arguments/]
  ] as const) {
    const { exitCode, out, err } = await fileSessions([...args])
    t.equal(exitCode, 2, args.join(' '))
    t.equal(out, '')
    t.match(err, message)
  }
})

t.test('a directory that is not there is exit code 2, and is not made', async t => {
  const missing = join(t.testdir(), 'missing')
  for (const args of [['clean', missing], ['clean', missing, '--appid', 'shop'], ['list', missing], ['verify', missing],
    ['show', missing, '--appid', 'shop', 'id'], ['delete', missing, '--appid', 'shop', 'id'],
    ['import', missing, missing, '--appid', 'shop']]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 2)
    t.match(err, /^file-sessions: ENOENT: no such file or directory/)
  }
  t.notOk(existsSync(missing))
})

t.test('an appid without sessions is exit code 1, and no directory is made for it', async t => {
  const { sessionDir } = await twoApps(t)
  for (const name of ['clean', 'list', 'verify']) {
    t.match(await fileSessions([name, join(sessionDir, 'shop')]), { exitCode: 1, err: /shop is the directory of one appid: name the directory that it is in\n$/ })
  }
  for (const args of [['clean', sessionDir, '--appid', 'nobody'], ['verify', sessionDir, '--appid', 'nobody'],
    ['show', sessionDir, '--appid', 'nobody', 'id'], ['delete', sessionDir, '--appid', 'nobody', 'id']]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 1)
    t.equal(err, `file-sessions: ${sessionDir} holds no sessions of appid nobody\n`)
  }
  t.strictSame(readdirSync(sessionDir).sort(), ['__%48ost-admin', 'shop'])
  const { exitCode, err } = await fileSessions(['clean', join(sessionDir, 'shop', 'x'.repeat(300)), '--appid', 'shop'])
  t.equal(exitCode, 2)
  t.match(err, /ENAMETOOLONG/)
})

t.test('a file in place of a directory is exit code 2', async t => {
  const directory = t.testdir({ file: '', sessions: { shop: '' } })
  chmodSync(join(directory, 'sessions'), 0o700)
  const file = join(directory, 'file')
  for (const args of [['list', file], ['clean', file, '--appid', 'shop'], ['show', file, '--appid', 'shop', 'id'],
    ['clean', join(directory, 'sessions'), '--appid', 'shop'], ['verify', join(directory, 'sessions'), '--appid', 'shop']]) {
    const { exitCode, err } = await fileSessions(args)
    t.equal(exitCode, 2, args.join(' '))
    t.match(err, /ENOTDIR/)
  }
})

t.test('clean removes what has expired, of one app or of all', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  for (const path of sessionFiles(sessionDir)) age(path, 3 * HOUR)
  age(shopFiles[0] as string, HOUR)

  const dry = await fileSessions(['clean', sessionDir, '--dry-run'])
  t.strictSame(dry, {
    exitCode: 0,
    err: '',
    out: '__Host-admin: would remove 1 of 1 sessions, 0 orphaned locks, 0 set aside\n' +
      'shop: would remove 2 of 3 sessions, 0 orphaned locks, 0 set aside\n'
  })
  t.equal(sessionFiles(sessionDir).length, 4)

  t.match(await fileSessions(['clean', sessionDir, '--idle', '1d']), { exitCode: 0, out: /shop: removed 0 of 3 sessions/ })
  t.match(await fileSessions(['clean', sessionDir, '--appid', 'shop']),
    { exitCode: 0, out: 'shop: removed 2 of 3 sessions, 0 orphaned locks, 0 set aside\n' })
  t.equal(sessionFiles(sessionDir).length, 2)
  t.match(await fileSessions(['clean', sessionDir, '--idle', '30m']), { exitCode: 0, out: /removed 1 of 1 .*\nshop: removed 1 of 1 / })
  t.strictSame(sessionFiles(sessionDir), [])
})

t.test('clean leaves a session that has a longer idle timeout of its own, and foreign files', async t => {
  const { sessionDir, shop, sesid, path } = await twoApps(t)
  await shop.putSession(sesid, '{}', { idleTimeout: 30 * DAY })
  writeFileSync(join(sessionDir, 'notes'), '')
  for (const path of [...sessionFiles(sessionDir), join(sessionDir, 'notes')]) age(path, 3 * HOUR)
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 0, out: /shop: removed 2 of 3/ })
  t.strictSame(sessionFiles(sessionDir), [path])
  t.ok(existsSync(join(sessionDir, 'notes')))
})

t.test('clean removes what is too old in all, when it is told how old that is', async t => {
  const sessionDir = sessionDirectory(t)
  const then = Date.now() - 3 * DAY * 1000
  const { sesid } = await newSession(new FileStore({ sessionDir }, localDisk, new Clock(() => then, () => 0)), '{}')
  await newSession(new SessionFileStore({ sessionDir }), '{}')
  for (const path of sessionFiles(sessionDir)) age(path, 0)
  const { lstat } = localDisk
  // The file of a session is no older than the session; its birth is nothing that a test could set.
  t.intercept(localDisk, 'lstat', { value: async (path: string) => Object.assign(await lstat(path), { birthtimeMs: then }) })
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 0, out: /sid: removed 0 of 2/ })
  t.match(await fileSessions(['clean', sessionDir, '--absolute', '4d']), { exitCode: 0, out: /sid: removed 0 of 2/ })
  t.match(await fileSessions(['clean', sessionDir, '--absolute', '2d']), { exitCode: 0, out: /sid: removed 1 of 2/ })
  t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), null)
})

t.test('clean says what it could not remove', async t => {
  const { sessionDir, path } = await twoApps(t)
  age(path, DAY)
  const { open } = localDisk
  t.intercept(localDisk, 'open', {
    value: async (...given: Parameters<typeof open>) => {
      if (given[0] === path) throw Object.assign(new Error(`EIO: i/o error, open '${path}'`), { code: 'EIO', syscall: 'open', path })
      return await open(...given)
    }
  })
  const { exitCode, out, err } = await fileSessions(['clean', sessionDir])
  t.equal(exitCode, 2)
  t.notMatch(err, path.slice(-62))
  t.match(out, /shop: removed 0 of 3 sessions, 0 orphaned locks/)
  t.match(err, /^file-sessions: 1 failed, the first: cannot remove expired sessions in .*shop: EIO; the disk reports a fault/)
})

t.test('trouble with the directory of one app keeps no other from being looked after', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  for (const path of shopFiles) age(path, DAY)
  const open = join(sessionDir, 'an-open-one')
  mkdirSync(open)
  chmodSync(open, 0o755)
  const err = `file-sessions: others may use the session directory ${open}: run chmod 700 ${open}, if it is for sessions alone\n`
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 2, out: /shop +3/, err })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: '4 session files: 0 torn', err })
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 2, out: 'shop: removed 3 of 3 sessions', err })
})

t.test('list says how many, how old and how big, and names no session', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  age(path, 3 * DAY)
  const before = statSync(path).atimeMs
  const { exitCode, out, err } = await fileSessions(['list', sessionDir, '--json'])
  t.equal(exitCode, 0)
  t.equal(err, '')
  const [admin, shop, ...more] = JSON.parse(out) as Array<{ idle: { most: number } }>
  t.strictSame(more, [])
  t.match(admin, { appid: '__Host-admin', sessions: 1, size: { least: 15, mean: 15, most: 15, total: 15 } })
  t.match(shop, { appid: 'shop', sessions: 3, size: { least: 0, mean: 6, most: 15, total: 17 } })
  t.equal(Math.floor(shop?.idle.most as number / DAY / 1000), 3)
  t.equal(statSync(path).atimeMs, before, 'and being listed is no use')

  const table = await fileSessions(['list', sessionDir])
  t.equal(table.exitCode, 0)
  const lines = table.out.split('\n')
  t.match(lines[0], /^appid +sessions +age: least/)
  t.match(lines[1], /^__Host-admin +1 +/)
  t.match(lines[2], /^shop +3 .* 3d +0 +6 +15 +17$/)
  for (const text of [out, table.out]) {
    t.notOk(text.includes(sesid))
    t.notOk(text.includes(path.slice(-62)))
    t.notOk(text.includes('anna'))
  }
})

t.test('a directory is named as the app names it', async t => {
  const { sessionDir } = await twoApps(t)
  const cwd = process.cwd()
  t.teardown(() => { process.chdir(cwd) })
  process.chdir(sessionDir)
  mkdirSync(join(dirname(sessionDir), 'elsewhere'))
  symlinkSync(join(sessionDir, 'shop'), join(dirname(sessionDir), 'elsewhere', 'link'))
  for (const name of ['.', './', `${sessionDir}/`, 'shop/..', '../elsewhere/../sessions']) {
    t.match(await fileSessions(['list', name]), { exitCode: 0, out: /shop +3/ }, name)
  }
  t.match(await fileSessions(['list', '../elsewhere/link/../../sessions']), { exitCode: 0, out: /shop +3/ }, 'by the path alone, not by where a link leads')
  t.match(await fileSessions(['verify', 'shop/']), { exitCode: 1, err: `${join(sessionDir, 'shop')} is the directory of one appid` })
})

t.test('list of an empty directory, and of an app without sessions', async t => {
  const sessionDir = sessionDirectory(t)
  mkdirSync(sessionDir, { mode: 0o700 })
  t.match(await fileSessions(['list', sessionDir, '--json']), { exitCode: 0, out: '[]\n' })
  await new SessionFileStore({ sessionDir }).open()
  const { out } = await fileSessions(['list', sessionDir, '--json'])
  t.match(JSON.parse(out), [{ appid: 'sid', sessions: 0, age: { least: 0, mean: 0, most: 0 } }])
})

t.test('show prints the text, and on standard error the rest', async t => {
  const { sessionDir, shop, sesid, path } = await twoApps(t)
  age(path, 3 * HOUR)
  const before = statSync(path).atimeMs
  t.strictSame(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), {
    exitCode: 0,
    out: '{"user":"anna"}\n',
    err: 'made 0s ago, last used 3h ago, may idle as long as the app says, 15 bytes\n'
  }, 'expired or not')
  t.equal(statSync(path).atimeMs, before)
  utimesSync(path, new Date(), new Date())
  await shop.putSession(sesid, 'text', { idleTimeout: 30 * DAY })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-'], { input: `${sesid}\n` }),
    { exitCode: 0, out: 'text\n', err: /may idle 30d, 4 bytes/ }, 'the id from standard input')
})

t.test('an id that looks like options', async t => {
  const { sessionDir } = await twoApps(t)
  for (const sesid of ['-hV', '--appid', '--help2', '-']) {
    const store = new SessionFileStore({ sessionDir, appid: 'shop', idGenerator: () => sesid })
    await newSession(store, `text of ${sesid}`)
  }
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-hV']), { exitCode: 0, out: 'text of -hV\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '--help2']), { exitCode: 0, out: 'text of --help2\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '--', '--appid']), { exitCode: 0, out: 'text of --appid\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-'], { input: '-' }), { exitCode: 0, out: 'text of -\n' })
})

t.test('show and delete of what is not there are exit code 1, and repeat no id', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  for (const command of ['show', 'delete']) {
    for (const id of ['nobody', '../../etc/passwd', '', 'x'.repeat(10_000)]) {
      t.strictSame(await fileSessions([command, sessionDir, '--appid', 'shop', id]),
        { exitCode: 1, out: '', err: 'file-sessions: appid shop has no such session\n' })
    }
    t.match(await fileSessions([command, sessionDir, '--appid', '__Host-admin', sesid]), { exitCode: 1 }, 'another app\'s')
  }
  writeFileSync(path, '')
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), { exitCode: 1 }, 'a file that holds none')
})

t.test('delete removes one session for good', async t => {
  const { sessionDir, shop, sesid, path } = await twoApps(t)
  mkdirSync(`${path}.lock`)
  writeFileSync(join(`${path}.lock`, '0123456789abcdef'), '')
  t.strictSame(await fileSessions(['delete', sessionDir, '--appid', 'shop', sesid]), { exitCode: 0, out: '', err: '' })
  t.equal(await shop.getSession(sesid), null)
  t.notOk(existsSync(`${path}.lock`))
  t.equal(sessionFiles(sessionDir).length, 3)
})

t.test('verify finds nothing wrong where nothing is', async t => {
  const { sessionDir, path } = await twoApps(t)
  renameSync(path, `${path}.${Date.now()}.aside`)
  mkdirSync(`${path}.lock`)
  writeFileSync(join(sessionDir, 'shop', 'check.0123456789abcdef.tmp'), 'of a check that is under way')
  t.strictSame(await fileSessions(['verify', sessionDir]),
    { exitCode: 0, err: '', out: '3 session files: 0 torn, 0 unreadable; 0 foreign files\n' })
})

t.test('verify names what is torn or foreign, and changes nothing', async t => {
  const { sessionDir, path, shopFiles } = await twoApps(t)
  const empty = shopFiles.find(other => other !== path) as string
  appendFileSync(path, 'half a record')
  writeFileSync(empty, '')
  const shardNotes = join(dirname(path), 'notes')
  const foreign = [join(sessionDir, 'README'), join(sessionDir, 'Photos'), join(sessionDir, 'shop', 'notes'), shardNotes]
  for (const path of foreign) writeFileSync(path, '')
  symlinkSync(path, `${path.slice(0, -62)}${'0'.repeat(62)}`)
  const before = readFileSync(path, 'latin1')
  const { exitCode, out } = await fileSessions(['verify', sessionDir])
  t.equal(exitCode, 1)
  t.strictSame(out.trimEnd().split('\n').sort(), [
    '4 session files: 2 torn, 0 unreadable; 5 foreign files',
    ...[...foreign, `${path.slice(0, -62)}${'0'.repeat(62)}`].map(path => `foreign  ${path}`),
    `torn  ${path}`, `torn  ${empty}`
  ].sort())
  t.equal(readFileSync(path, 'latin1'), before)
  t.match(await fileSessions(['verify', sessionDir, '--appid', '__Host-admin']), { exitCode: 0, out: /^1 session files/ })
})

t.test('verify reads a file again before it calls it torn', async t => {
  const { sessionDir, shop, sesid, path } = await twoApps(t)
  const whole = readFileSync(path)
  writeFileSync(path, whole.subarray(0, -3))
  t.intercept(localDisk, 'wait', { value: async () => { writeFileSync(path, whole) } })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 0, out: /0 torn/ })
  t.equal(await shop.getSession(sesid), '{"user":"anna"}')
})

t.test('verify says what it cannot read', async t => {
  const { sessionDir, path } = await twoApps(t)
  const { open } = localDisk
  t.intercept(localDisk, 'open', {
    value: async (...parameters: Parameters<typeof open>) => {
      if (parameters[0] === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      return await open(...parameters)
    }
  })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: `unreadable  ${path}\n4 session files: 0 torn, 1 unreadable; 0 foreign files\n` })
})

t.test('a progress bar on a terminal, on standard error alone', async t => {
  const { sessionDir, path } = await twoApps(t)
  appendFileSync(path, 'half a record')
  for (const [args, exitCode] of [[['clean', sessionDir], 0], [['list', sessionDir], 0], [['verify', sessionDir], 1]] as const) {
    const inPipe = await fileSessions([...args])
    t.equal(inPipe.err, '', 'none in a pipe')
    const onTerminal = await fileSessions([...args], { isTTY: true })
    t.equal(onTerminal.exitCode, exitCode)
    t.match(onTerminal.err, /shop .*%/)
    t.notMatch(onTerminal.err, '\u001B[?', 'nothing is switched off, so an interrupt leaves the terminal as it was')
    t.equal(onTerminal.out.split('\n').length, inPipe.out.split('\n').length)
    t.notMatch(onTerminal.out, '%')
  }
})

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

t.test('output escapes what a terminal would obey', async t => {
  const { sessionDir, shop } = await twoApps(t)
  const evil = join(sessionDir, '%1b%5b31m')
  mkdirSync(evil, { mode: 0o700 })
  writeFileSync(join(sessionDir, 'shop', 'a\u009b\u202eb\n'), '')
  const { out } = await fileSessions(['verify', sessionDir])
  t.match(out, 'a\\u009b\\u202eb\\u000a\n')
  for (const args of [['list', sessionDir], ['clean', sessionDir], ['list', sessionDir, '--json']]) {
    const { out, err } = await fileSessions(args, { isTTY: true })
    t.match(out, '\\u001b[31m', args.join(' '))
    t.notMatch(out + err.replaceAll('\u001b[K', ''), '\u001b[31m')
  }
  const summaries = JSON.parse((await fileSessions(['list', sessionDir, '--json'])).out) as Array<{ appid: string }>
  t.ok(summaries.some(({ appid }) => appid === '\u001b[31m'), 'and JSON means the same')
  t.match((await fileSessions(['\u001b[31mpolish'])).err, /unknown command '\\u001b\[31mpolish'/)
  t.match((await fileSessions(['list', join(sessionDir, '\u001b[31m')])).err, /ENOENT.*\\u001b\[31m/)
  const { sesid } = await newSession(shop, 'one\n\ttwo \u001b[31m \u202e')
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), { out: 'one\n\ttwo \\u001b[31m \\u202e\n' })
})

t.test('a directory that others may use is not touched', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  for (const each of sessionFiles(sessionDir)) age(each, DAY)
  const commands = [['clean', sessionDir], ['clean', sessionDir, '--appid', 'shop'], ['list', sessionDir], ['verify', sessionDir, '--appid', 'shop'],
    ['show', sessionDir, '--appid', 'shop', sesid], ['delete', sessionDir, '--appid', 'shop', sesid]]
  for (const place of [dirname(path), dirname(dirname(path)), sessionDir]) {
    for (const mode of [0o777, 0o750]) {
      chmodSync(place, mode)
      for (const args of commands) {
        const { exitCode, out, err } = await fileSessions(args)
        // A shard alone is a fault among others.
        t.match({ exitCode, err: out + err }, { exitCode: 2, err: args[0] === 'verify' && place === dirname(path) ? /^unreadable/ : /chmod 700/ }, `${args[0]} ${place} ${mode.toString(8)}`)
      }
    }
    chmodSync(place, 0o700)
    t.ok(existsSync(path))
    for (const each of sessionFiles(sessionDir)) age(each, 0)
  }
})

t.test('what is not a journal is foreign, and is not removed', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  // As git keeps its objects with SHA-256.
  writeFileSync(path, 'x\u0001K')
  age(path, 365 * DAY)
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 0, out: /shop: removed 0 of 3/ })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', sesid]), { exitCode: 1, err: /has no such session/ })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 1, out: `foreign  ${path}\n4 session files: 0 torn, 0 unreadable; 1 foreign files\n` })
  t.ok(existsSync(path))
  const { lstat } = localDisk
  t.intercept(localDisk, 'lstat', { value: async (each: string) => { rmSync(path); return await lstat(each) } })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 0, out: /0 foreign/ }, 'what goes meanwhile is no problem')
})

t.test('trouble with one file does not name it', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  t.intercept(localDisk, 'open', { value: async () => { throw Object.assign(new Error(`EIO: i/o error, open '${path}'`), { code: 'EIO', syscall: 'open', path }) } })
  for (const [args, doing] of [[['show', sessionDir, '--appid', 'shop', sesid], 'read a session'], [['delete', sessionDir, '--appid', 'shop', sesid], 'remove a session'],
    [['list', sessionDir], 'list the sessions']] as const) {
    t.match(await fileSessions([...args]), { exitCode: 2, err: new RegExp(`^(file-sessions: cannot ${doing} in .*(shop|admin): EIO; the disk reports a fault: check it\n)+$`) })
  }
})

t.test('delete is on the disk when it is done', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  const synced: string[] = []
  const { open } = localDisk
  t.intercept(localDisk, 'open', { value: async (each: string, ...more: [number]) => { if (each === dirname(path)) synced.push(each); return await open(each, ...more) } })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', sesid]), { exitCode: 0 })
  t.strictSame(synced, [dirname(path)])
})

t.test('root becomes the user of the directory', { skip: process.geteuid?.() === 0 ? false : 'this is not root' }, async t => {
  const NOBODY = 65534
  const dir = mkdtempSync(join(tmpdir(), 'file-sessions-'))
  t.teardown(() => { rmSync(dir, { recursive: true, force: true }) })
  chmodSync(dir, 0o777)
  const sessionDir = join(dir, 'sessions')
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  const { sesid } = await newSession(store, 'text')
  const [path = ''] = sessionFiles(sessionDir)
  for (const each of [sessionDir, join(sessionDir, 'shop'), dirname(path), path]) chownSync(each, NOBODY, NOBODY)
  await t.rejects(new SessionFileStore({ sessionDir, appid: 'shop' }).open(), { message: /belongs to another user/ })
  const groups = process.getgroups?.()
  let users: unknown[] = []
  const { open } = localDisk
  t.intercept(localDisk, 'open', { value: async (...given: [string, number]) => { users = [process.geteuid?.(), process.getegid?.(), process.getgroups?.()]; return await open(...given) } })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), { exitCode: 0, out: 'text\n' })
  t.strictSame(users, [NOBODY, NOBODY, [NOBODY]])
  t.strictSame([process.geteuid?.(), process.getegid?.(), process.getgroups?.()], [0, 0, groups], 'for the time of the command')
  // What the user could do, and no more: a directory of root's in place of the app's.
  renameSync(join(sessionDir, 'shop'), join(sessionDir, 'away'))
  mkdirSync(join(sessionDir, 'shop'), { mode: 0o700 })
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 2, err: /EACCES|belongs to another user/ })
  symlinkSync(join(sessionDir, 'away'), join(dir, 'link'))
  t.match(await fileSessions(['verify', join(dir, 'link')]), { exitCode: 1, err: /directory of one appid/ })
  t.match((await fileSessions(['--help'])).out, /the command then becomes that user/)
  t.intercept(process, 'geteuid', { value: () => 1000 })
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 2, err: /belongs to another user \(uid 65534; this process is uid 1000\)/ }, 'for root alone')
})

t.test('root does not follow a user to the directory of another one', { skip: process.geteuid?.() === 0 ? false : 'this is not root' }, async t => {
  const [VICTIM, ATTACKER] = [65533, 65534]
  const dir = mkdtempSync(join(tmpdir(), 'file-sessions-'))
  t.teardown(() => { rmSync(dir, { recursive: true, force: true }) })
  chmodSync(dir, 0o755)
  const sessionDir = join(dir, 'victim', 'sessions')
  await newSession(new SessionFileStore({ sessionDir, appid: 'shop' }), 'text')
  const [path = ''] = sessionFiles(sessionDir)
  age(path, DAY)
  for (const each of [join(dir, 'victim'), sessionDir, join(sessionDir, 'shop'), dirname(path), path]) chownSync(each, VICTIM, VICTIM)
  mkdirSync(join(dir, 'attacker'))
  symlinkSync(join(dir, 'victim'), join(dir, 'attacker', 'victim'))
  symlinkSync('../victim/sessions', join(dir, 'attacker', 'sessions'))
  for (const each of [join(dir, 'attacker'), join(dir, 'attacker', 'victim'), join(dir, 'attacker', 'sessions')]) lchownSync(each, ATTACKER, ATTACKER)
  for (const name of ['sessions', 'victim/sessions']) {
    t.match(await fileSessions(['clean', join(dir, 'attacker', name)]),
      { exitCode: 2, err: /belongs to user 65533, and user 65534 decides what that path leads to: run the command as user 65533\n$/ })
  }
  t.ok(existsSync(path))
  symlinkSync('victim/sessions', join(dir, 'of root'))
  symlinkSync(join(dir, 'of root'), join(dir, 'another of root'))
  t.match(await fileSessions(['clean', join(dir, 'another of root')]), { exitCode: 0, out: /removed 1 of 1/ })
  chownSync(sessionDir, 0, 0)
  t.match(await fileSessions(['clean', join(dir, 'attacker', 'sessions')]), { exitCode: 2, err: /belongs to user 0, and user 65534/ }, 'nor to one of its own')
})

t.test('how the command is called in a project', async t => {
  const { out } = await fileSessions(['--help'])
  t.match(out, 'npx --no-install file-sessions')
  for (const name of ['clean', 'show', 'delete', 'import']) {
    const help = (await fileSessions([name, '--help'])).out
    t.match(help, `npx --no-install file-sessions ${name} `)
    t.notMatch(help, 'npx file-sessions')
  }
})

t.test('the installed command', async t => {
  const { sessionDir } = await twoApps(t)
  const command = join(__dirname, '../../lib/cli/main.ts')
  t.match(readFileSync(command, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { exitCode, stdout } = await new Promise<{ exitCode: number | undefined, stdout: string }>(resolve => {
    const child = execFile(process.execPath, [...process.execArgv, command, 'clean', sessionDir, '--appid', 'nobody'], (_, stdout) => {
      resolve({ exitCode: child.exitCode ?? undefined, stdout })
    })
  })
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')), { bin: { 'file-sessions': 'dist/lib/cli/main.js' } })
})

t.test('output that nobody reads to its end', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  // More lines than a pipe takes in at once.
  for (let n = 0; n < 3000; n++) writeFileSync(join(dirname(shopFiles[0] as string), `foreign-${n}`), '')
  const command = join(__dirname, '../../lib/cli/main.ts')

  const child = spawn(process.execPath, [...process.execArgv, command, 'verify', sessionDir])
  let err = ''
  child.stderr.on('data', chunk => { err += String(chunk) })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.strictSame(await once(child, 'close'), [1, null], 'the exit code is that of the work')
  t.equal(err, '')
})

t.test('output that finds no room', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, async t => {
  const { sessionDir } = await twoApps(t)
  const command = join(__dirname, '../../lib/cli/main.ts')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => { closeSync(full) })
  const child = spawn(process.execPath, [...process.execArgv, command, 'list', sessionDir], { stdio: ['ignore', full, 'pipe'] })
  let err = ''
  child.stderr?.on('data', chunk => { err += String(chunk) })
  t.strictSame(await once(child, 'close'), [2, null])
  t.match(err, /^file-sessions: ENOSPC: .*\n$/, 'said once')
})
