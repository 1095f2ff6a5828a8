import t from 'tap'
import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore } from '../../index'
import { localDisk } from '../../lib/store/files/local-disk'
import { forwardingText } from '../../lib/store/forwarding'
import { age } from '../support/aged-sessions'
import { sessionFiles } from '../support/session-files'
import { sessionHandle, storageName } from '../../lib/store/session-id'
import { newSession } from '../support/new-session'
import { fileSessions, twoApps } from '../support/command'

const HOUR = 3600
const DAY = 24 * HOUR

t.test('show prints the text, and on standard error the rest', async t => {
  const { sessionDir, shop, sesid, path } = await twoApps(t)
  age(path, 3 * HOUR)
  const before = statSync(path).atimeMs
  t.strictSame(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), {
    exitCode: 0,
    out: '{"user":"anna"}\n',
    err: `handle ${sessionHandle(storageName('shop', sesid))}, made 0s ago, last used 3h ago, may idle as long as the app says, 15 bytes\n`
  }, 'expired or not')
  t.equal(statSync(path).atimeMs, before)
  utimesSync(path, new Date(), new Date())
  await shop.putSession(sesid, 'text', { idleTimeout: 30 * DAY })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-'], { input: `${sesid}\n` }),
    { exitCode: 0, out: 'text\n', err: /may idle 30d, 4 bytes/ }, 'the id from standard input')
})

t.test('an id that looks like options', async t => {
  const { sessionDir } = await twoApps(t)
  for (const sesid of ['-hV', '--appid', '--help2', '-', '-h']) {
    const store = new SessionFileStore({ sessionDir, appid: 'shop', idGenerator: () => sesid })
    await newSession(store, `text of ${sesid}`)
  }
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-hV']), { exitCode: 0, out: 'text of -hV\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '--help2']), { exitCode: 0, out: 'text of --help2\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid=shop', '--', '--appid']), { exitCode: 0, out: 'text of --appid\n' })
  t.match(await fileSessions(['show', '--appid', 'shop', '--', sessionDir, '-h']), { exitCode: 0, out: 'text of -h\n' })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-'], { input: '-' }), { exitCode: 0, out: 'text of -\n' })
})

t.test('show and delete of what is not there are exit code 1, and repeat no id', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  for (const command of ['show', 'delete']) {
    for (const id of ['nobody', '../../etc/passwd']) {
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

t.test('delete is on the disk when it is done', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  const synced: string[] = []
  const { open } = localDisk
  t.intercept(localDisk, 'open', { value: async (each: string, ...more: [number]) => { if (each === dirname(path)) synced.push(each); return await open(each, ...more) } })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', sesid]), { exitCode: 0 })
  t.strictSame(synced, [dirname(path)])
})

t.test('trouble with one file does not name it', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  t.intercept(localDisk, 'open', { value: async () => { throw Object.assign(new Error(`EIO: i/o error, open '${path}'`), { code: 'EIO', syscall: 'open', path }) } })
  for (const [args, doing] of [[['show', sessionDir, '--appid', 'shop', sesid], 'read a session'], [['delete', sessionDir, '--appid', 'shop', sesid], 'read a session'],
    [['list', sessionDir], 'list the sessions']] as const) {
    t.match(await fileSessions([...args]), { exitCode: 2, err: new RegExp(`^(file-sessions: (?:\\S+: \\d could not be read, the first: )?cannot ${doing} in .*(shop|admin): EIO; the disk reports a fault: check it\n)+$`) })
  }
})

t.test('a session that was renewed is shown and deleted by the id that it had before', async t => {
  const { sessionDir, shop, sesid } = await twoApps(t)
  const text = forwardingText('shop', 'the id before', { sesid, since: Date.now(), grace: 10_000 })
  await shop.create(shop.nameOf('the id before'), { text })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', 'the id before']), { exitCode: 0, out: '{"user":"anna"}\n' })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', 'the id before']), { exitCode: 0 })
  t.equal(await shop.getSession(sesid), null)
})
