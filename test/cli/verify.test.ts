import t from 'tap'
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { localDisk } from '../../lib/store/files/local-disk'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { age } from '../support/aged-sessions'
import { fileSessions, twoApps } from '../support/command'
import { pathOf, sessionDirectory } from '../support/session-files'

const DAY = 24 * 3600

t.test('verify finds nothing wrong where nothing is', async t => {
  const { sessionDir, path } = await twoApps(t)
  renameSync(path, `${path}.${Date.now()}.aside`)
  mkdirSync(`${path}.lock`)
  writeFileSync(join(sessionDir, 'shop', 'check.0123456789abcdef.tmp'), 'of a check that is under way')
  t.strictSame(await fileSessions(['verify', sessionDir]),
    { exitCode: 0, err: '', out: '3 sessions: 0 torn, 0 unreadable; 0 foreign\n' })
})

t.test('sessions of which only changes were written are whole to verify, and to copy', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  const text = (turn: number): string => `{"list":"${'é'.repeat(400)}","turn":${turn},"tail":"${'x'.repeat(400)}"}`
  const sesid = await store.newSession()
  for (let turn = 0; turn < 20; turn++) await store.putSession(sesid, text(turn))
  const path = pathOf(sessionDir, sesid, 'shop')
  t.ok(statSync(path).size < 3000)
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 0, out: '1 sessions: 0 torn, 0 unreadable; 0 foreign\n' })
  const to = join(sessionDir, '..', 'copy')
  t.match(await fileSessions(['copy', sessionDir, to]), { exitCode: 0 })
  t.equal(await new SessionFileStore({ sessionDir: to, appid: 'shop' }).getSession(sesid), text(19))
  writeFileSync(path, readFileSync(path).subarray(0, -1))
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 1, out: /^torn .*1 sessions: 1 torn/s }, 'a change that was cut off')
  t.equal(await new SessionFileStore({ sessionDir, appid: 'shop' }).getSession(sesid), text(18))
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
    '4 sessions: 2 torn, 0 unreadable; 5 foreign',
    ...[...foreign, `${path.slice(0, -62)}${'0'.repeat(62)}`].map(path => `foreign  ${path}`),
    `torn  ${path}`, `torn  ${empty}`
  ].sort())
  t.equal(readFileSync(path, 'latin1'), before)
  t.match(await fileSessions(['verify', sessionDir, '--appid', '__Host-admin']), { exitCode: 0, out: /^1 sessions/ })
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
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: new RegExp(`^unreadable  ${path}: cannot read in .*shop: EIO; the disk reports a fault: check it\n4 sessions: 0 torn, 1 unreadable; 0 foreign\n$`) })
})

t.test('what is not a journal is foreign, and is not removed', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  // As git keeps its objects with SHA-256.
  writeFileSync(path, 'x\u0001K')
  age(path, 365 * DAY)
  t.match(await fileSessions(['clean', sessionDir]), { exitCode: 0, out: /shop: removed 0 of 3/ })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', sesid]), { exitCode: 1, err: /has no such session/ })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 1, out: `foreign  ${path}\n4 sessions: 0 torn, 0 unreadable; 1 foreign\n` })
  t.ok(existsSync(path))
  const { lstat } = localDisk
  t.intercept(localDisk, 'lstat', { value: async (each: string) => { if (each === path) rmSync(path); return await lstat(each) } })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 0, out: /0 foreign/ }, 'what goes meanwhile is no problem')
})

t.test('verify says why a record of a newer version cannot be read', async t => {
  const { sessionDir, path } = await twoApps(t)
  const bytes = readFileSync(path)
  // The format, and the sum over all that follows it.
  bytes[39] = 2
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  writeFileSync(path, bytes)
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: `unreadable  ${path}: the session was written by a newer version of fastify-file-sessions: update this process\n` })
  const { problems } = JSON.parse((await fileSessions(['verify', sessionDir, '--json'])).out) as { problems: unknown }
  t.match(problems, [{ kind: 'unreadable', what: path, reason: /newer version/ }])
})
