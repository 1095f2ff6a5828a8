import t, { type Test } from 'tap'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore, type SessionFileStoreOptions } from '../../../index'
import type { Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFile } from '../../../lib/store/files/session-file'
import { sweep } from '../../../lib/store/files/sweep'
import { age, newFile, sessionDirectory, sessionFiles, Time } from '../../support/aged-sessions'
import { storeSession } from '../../support/stored-session'

const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR
const TOKEN = '0123456789abcdef'

/** A store with one session, and the path of its file. */
async function oneSession (t: Test, options: SessionFileStoreOptions = {}, disk?: Disk) {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, ...options }, disk)
  const sesid = await storeSession(store, 'text')
  return { store, sesid, sessionDir, path: newFile(sessionDir) }
}

function failure (code: string): Error {
  return Object.assign(new Error(`${code}: made up`), { code })
}

/** A disk on which one thing happens just before a call for one path. */
function diskThat (call: 'lstat' | 'unlink' | 'readdir' | 'rmdir' | 'open', act: (path: string, nth: number) => void): Disk {
  const original = localDisk[call] as (path: string, ...rest: unknown[]) => Promise<unknown>
  let calls = 0
  return {
    ...localDisk,
    async [call] (path: string, ...rest: unknown[]) {
      act(path, ++calls)
      return await original(path, ...rest)
    }
  }
}

t.test('where nothing was ever stored there is nothing to remove', async t => {
  const store = new SessionFileStore({ sessionDir: sessionDirectory(t) })
  t.strictSame(await store.reap(), { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 })
  t.notOk(existsSync(sessionDirectory(t)), 'and nothing is made')
})

t.test('expired sessions go after a minute of grace, others stay', async t => {
  const { store, sesid, sessionDir, path } = await oneSession(t)
  const fresh = await storeSession(store, 'fresh')
  const [freshPath] = sessionFiles(sessionDir).filter(other => other !== path)
  age(freshPath as string, 2 * HOUR - MINUTE)
  age(path, 2 * HOUR + 30)
  t.match(await store.reap(), { seen: 2, expired: 0 })
  age(path, 2 * HOUR + 61)
  t.match(await store.reap(), { seen: 2, expired: 1 })
  t.strictSame(sessionFiles(sessionDir), [freshPath])
  t.equal(await store.getSession(sesid), null)
  t.equal(await store.getSession(fresh), 'fresh')
  t.ok(existsSync(dirname(path)), 'shard directories stay')
})

t.test('a session with an idle timeout of its own', async t => {
  const { store, sesid, path } = await oneSession(t)
  await store.putSession(sesid, 'longer', { idleTimeout: 30 * DAY })
  age(path, 29 * DAY)
  t.match(await store.reap(), { seen: 1, expired: 0 })
  await store.putSession(sesid, 'shorter', { idleTimeout: 5 })
  age(path, HOUR)
  t.equal(await store.getSession(sesid), null, 'nobody gets it')
  age(path, 2 * HOUR + 61)
  t.match(await store.reap(), { seen: 1, expired: 1 })
})

t.test('a session past its absolute timeout', async t => {
  const time = new Time()
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, absoluteTimeout: DAY }, localDisk, time.clock)
  const sesid = await storeSession(store, 'text', { idleTimeout: 30 * DAY })
  time.pass(DAY - 1)
  await store.touchSession(sesid)
  t.match(await store.reap(), { expired: 0 })
  time.pass(62)
  t.match(await store.reap(), { expired: 1 }, 'idle for no more than a minute')
})

t.test('a file in which nothing was ever stored goes when it is old', async t => {
  const { store, path } = await oneSession(t)
  writeFileSync(path, '')
  t.match(await store.reap(), { seen: 1, expired: 0 })
  age(path, 2 * HOUR + 61)
  t.match(await store.reap(), { seen: 1, expired: 1 })
})

t.test('one appid\'s sweep leaves the others alone', async t => {
  const { store, sessionDir, path } = await oneSession(t, { appid: 'a' })
  await new SessionFileStore({ sessionDir, appid: 'b' }).newSession()
  for (const path of sessionFiles(sessionDir)) age(path, DAY)
  t.match(await store.reap(), { seen: 1, expired: 1 })
  t.equal(sessionFiles(sessionDir).length, 1)
  t.notOk(existsSync(path))
})

t.test('a session that is used just before it would be removed survives', async t => {
  for (const use of ['touch', 'save'] as const) {
    let path = ''
    // Look, look again: in between somebody comes.
    const disk = diskThat('lstat', (_, nth) => {
      if (nth !== 2) return
      if (use === 'touch') utimesSync(path, Date.now() / 1000, Date.now() / 1000 - DAY)
      else writeFileSync(path, 'something', { flag: 'a' })
    })
    const made = await oneSession(t)
    path = made.path
    age(path, DAY)
    const store = new SessionFileStore({ sessionDir: made.sessionDir }, disk)
    t.match(await store.reap(), { seen: 1, expired: 0, failed: 0 }, use)
    t.ok(existsSync(path))
  }
})

t.test('what another process removes first is not counted, and no failure', async t => {
  for (const [call, at] of [['lstat', 1], ['open', 1], ['lstat', 2], ['unlink', 1]] as const) {
    let path = ''
    const disk = diskThat(call, (_, nth) => { if (nth === at) unlinkSync(path) })
    const made = await oneSession(t)
    path = made.path
    age(path, DAY)
    const store = new SessionFileStore({ sessionDir: made.sessionDir }, disk)
    t.match(await store.reap(), { seen: 1, expired: 0, failed: 0 }, `${call} ${at}`)
  }
})

t.test('sweeps of several processes at once remove everything once', async t => {
  const { store, sessionDir } = await oneSession(t)
  for (let count = 1; count < 200; count++) await store.newSession()
  for (const path of sessionFiles(sessionDir)) age(path, DAY)
  const stores = Array.from({ length: 4 }, () => new SessionFileStore({ sessionDir }))
  const counts = await Promise.all(stores.map(store => store.reap()))
  t.equal(counts.reduce((sum, { expired }) => sum + expired, 0), 200)
  t.equal(counts.reduce((sum, { failed }) => sum + failed, 0), 0)
  t.strictSame(sessionFiles(sessionDir), [])
})

t.test('locks and staging directories that were left behind', async t => {
  const { store, path } = await oneSession(t)
  const old = Date.now() / 1000 - 10 * MINUTE - 1
  for (const name of ['.lock', `.${TOKEN}.tmp`]) {
    mkdirSync(path + name)
    writeFileSync(join(path + name, TOKEN), 'FFS1, and more of a journal')
  }
  t.match(await store.reap(), { orphans: 0 }, 'fresh ones are somebody\'s')
  utimesSync(`${path}.lock`, old, old)
  t.match(await store.reap(), { orphans: 1 })
  t.notOk(existsSync(`${path}.lock`))
  t.ok(existsSync(`${path}.${TOKEN}.tmp`))
  utimesSync(`${path}.${TOKEN}.tmp`, old, old)
  t.match(await store.reap(), { orphans: 1 })
  t.strictSame(readdirSync(dirname(path)).length, 1, 'the session stays')
  t.ok(existsSync(path))
})

t.test('an orphaned lock that holds something else stays with it', async t => {
  const { store, path } = await oneSession(t)
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, TOKEN), '')
  writeFileSync(join(lock, 'notes.txt'), '')
  utimesSync(lock, 0, 0)
  t.match(await store.reap(), { failed: 0 })
  t.strictSame(readdirSync(lock), ['notes.txt'])
})

t.test('a lock that is taken away meanwhile, and one that cannot be removed', async t => {
  const { path, sessionDir } = await oneSession(t)
  const lock = `${path}.lock`
  for (const [call, code, failed] of [['readdir', 'ENOENT', 0], ['rmdir', 'ENOENT', 0], ['rmdir', 'EIO', 1]] as const) {
    mkdirSync(lock, { recursive: true })
    utimesSync(lock, 0, 0)
    const store = new SessionFileStore({ sessionDir }, diskThat(call, () => { throw failure(code) }))
    t.match(await store.reap(), { failed }, `${call} ${code}`)
  }
  const store = new SessionFileStore({ sessionDir }, diskThat('lstat', path => {
    if (path === lock) throw failure('ENOENT')
  }))
  t.match(await store.reap(), { orphans: 0, failed: 0 })
})

t.test('what was set aside is kept for a week from then', async t => {
  const { store, path } = await oneSession(t)
  age(path, 30 * DAY)
  renameSync(path, `${path}.${Date.now()}.aside`)
  t.match(await store.reap(), { setAside: 0 }, 'although it was last used long before')
  writeFileSync(`${path}.${Date.now() - 6 * DAY * 1000}.aside`, '')
  const old = `${path}.${Date.now() - 8 * DAY * 1000}.aside`
  writeFileSync(old, '')
  t.match(await store.reap(), { setAside: 1 })
  t.notOk(existsSync(old))
  t.equal(readdirSync(dirname(path)).length, 2)
})

t.test('foreign files are left alone, however old', async t => {
  const { store, sessionDir, path } = await oneSession(t)
  const foreign = [
    join(sessionDir, 'README'), join(sessionDir, 'sid', 'notes'), join(dirname(path), 'notes'),
    `${path}.bak`, `${path}.lock.old`, `${path}.aside`]
  for (const path of foreign) {
    writeFileSync(path, '')
    age(path, 365 * DAY)
  }
  const lockFile = `${path.slice(0, -1)}x.lock`
  mkdirSync(lockFile)
  utimesSync(lockFile, 0, 0)
  t.match(await store.reap(), { seen: 1, expired: 0, orphans: 0, setAside: 0, failed: 0 })
  for (const path of [...foreign, lockFile]) t.ok(existsSync(path))
})

t.test('a dry run counts the same and removes nothing', async t => {
  const { sessionDir, path } = await oneSession(t)
  age(path, DAY)
  mkdirSync(`${path}.lock`)
  utimesSync(`${path}.lock`, 0, 0)
  writeFileSync(`${path}.5.aside`, '')
  const before = readdirSync(dirname(path))
  const time = new Time()
  const counts = await sweep({
    directory: join(sessionDir, 'sid'),
    limits: { idleTimeout: 2 * HOUR, absoluteTimeout: undefined },
    clock: time.clock,
    disk: localDisk,
    dryRun: true
  })
  t.strictSame(counts, { seen: 1, expired: 1, orphans: 1, setAside: 1, failed: 0 })
  t.strictSame(readdirSync(dirname(path)), before)
})

t.test('what fails is counted, and the rest is removed all the same', async t => {
  const { store, sessionDir } = await oneSession(t)
  for (let count = 1; count < 20; count++) await store.newSession()
  const paths = sessionFiles(sessionDir)
  for (const path of paths) age(path, DAY)
  const bad = paths.slice(0, 2)
  const disk = diskThat('unlink', path => { if (bad.includes(path)) throw failure('EIO') })
  const counts = await new SessionFileStore({ sessionDir }, disk).reap()
  t.match(counts, { seen: 20, expired: 18, failed: 2 })
  t.match(counts.error, { name: 'SessionFileError', message: /^cannot remove expired sessions in .*sid: EIO; the disk reports a fault/ })
  t.strictSame(sessionFiles(sessionDir).sort(), bad.sort())
})

t.test('a shard that cannot be listed is a failure of that one', async t => {
  const { store, sessionDir, path } = await oneSession(t)
  await store.newSession()
  const promises = require('node:fs/promises') as typeof import('node:fs/promises')
  const walk = t.mockRequire('../../../lib/store/files/directory-walk', {
    'node:fs/promises': {
      ...promises,
      async opendir (directory: string, options: object) {
        if (directory === dirname(path)) throw failure('EACCES')
        return await promises.opendir(directory, options)
      }
    }
  })
  const mocked = t.mockRequire<typeof import('../../../lib/store/files/sweep')>('../../../lib/store/files/sweep', {
    '../../../lib/store/files/directory-walk': walk
  })
  const counts = await mocked.sweep({
    directory: join(sessionDir, 'sid'),
    limits: { idleTimeout: 2 * HOUR, absoluteTimeout: undefined },
    clock: new Time().clock,
    disk: localDisk
  })
  t.match(counts, { seen: sessionFiles(sessionDir).filter(other => dirname(other) !== dirname(path)).length, failed: 1 })
  t.match(counts.error, { message: /EACCES/ })
})

t.test('a directory that cannot be listed at all rejects', async t => {
  const sessionDir = t.testdir({ sid: '' })
  chmodSync(sessionDir, 0o700)
  await t.rejects(new SessionFileStore({ sessionDir }).reap(), { name: 'SessionFileError', message: /ENOTDIR/ })
})

t.test('ends early when it is told to, with what it counted', async t => {
  const abort = new AbortController()
  const made = await oneSession(t)
  for (let count = 1; count < 50; count++) await made.store.newSession()
  for (const path of sessionFiles(made.sessionDir)) age(path, DAY)
  const disk = diskThat('unlink', (_, nth) => { if (nth === 10) abort.abort() })
  const counts = await new SessionFileStore({ sessionDir: made.sessionDir }, disk).reap(abort.signal)
  t.match(counts, { expired: 10, failed: 0 })
  t.equal(sessionFiles(made.sessionDir).length, 40)
})

t.test('the cached view of a removed session goes with it', async t => {
  const { store, sesid, path } = await oneSession(t)
  t.equal(await store.getSession(sesid), 'text')
  age(path, DAY)
  t.match(await store.reap(), { expired: 1 })
  // A file with the same name that is older than its session: only a cache could take it for that.
  await new SessionFile(path, localDisk, false).create({ id: 'abcdefgh', text: 'other', idleTimeout: 0, createdAt: Date.now(), seal: false })
  t.equal(await store.getSession(sesid), 'other')
})
