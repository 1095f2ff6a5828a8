import t from 'tap'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from '../../index'
import { Clock } from '../../lib/store/clock'
import { FileStore } from '../../lib/store/files/file-store'
import { localDisk } from '../../lib/store/files/local-disk'
import { age } from '../support/aged-sessions'
import { sessionDirectory, sessionFiles } from '../support/session-files'
import { newSession } from '../support/new-session'
import { fileSessions, twoApps } from '../support/command'

const HOUR = 3600
const DAY = 24 * HOUR

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
