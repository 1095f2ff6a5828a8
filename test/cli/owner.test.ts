import t from 'tap'
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SessionFileStore } from '../../index'
import { localDisk } from '../../lib/store/files/local-disk'
import { age } from '../support/aged-sessions'
import { sessionFiles } from '../support/session-files'
import { newSession } from '../support/new-session'
import { fileSessions } from '../support/command'

const DAY = 24 * 3600

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
  t.match(await fileSessions(['verify', join(dir, 'link')]), { exitCode: 2, err: /directory of one appid|may not look/ })
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
