import t, { type Test } from 'tap'
import {
  chmodSync, chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore, type SessionFileStoreOptions } from '../../../index'
import { Clock } from '../../../lib/store/clock'
import { localDisk } from '../../../lib/store/files/local-disk'
import type { Disk } from '../../../lib/store/files/disk'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFile } from '../../../lib/store/files/session-file'
import { removeSessions } from '../../../lib/store/files/session-listing'
import { sweep } from '../../../lib/store/files/sweep'
import { age, Time } from '../../support/aged-sessions'
import { pooledDisk } from '../../support/disks'
import { newFile, sessionDirectory, sessionFiles } from '../../support/session-files'
import { newSession } from '../../support/new-session'

const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR
const TOKEN = '0123456789abcdef'

/** A store with one session, and the path of its file. */
async function oneSession (t: Test, options: SessionFileStoreOptions = {}, disk?: Disk) {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir, ...options }, disk)
  const { sesid } = await newSession(store, 'text')
  return { store, sesid, sessionDir, path: newFile(sessionDir) }
}

function failure (code: string): Error {
  return Object.assign(new Error(`${code}: made up`), { code })
}

/** A disk on which one thing happens just before a call for one path. */
function diskThat (call: 'lstat' | 'rename' | 'readdir' | 'rmdir' | 'open', act: (path: string, nth: number) => void): Disk {
  const original = localDisk[call] as (path: string, ...rest: unknown[]) => Promise<unknown>
  let calls = 0
  return {
    ...pooledDisk,
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
  const { sesid: fresh } = await newSession(store, 'fresh')
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

t.test('a session with an idle timeout of its own goes by that', async t => {
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

t.test('a session past its absolute timeout goes', async t => {
  const time = new Time()
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir, absoluteTimeout: DAY }, localDisk, time.clock)
  const { sesid } = await newSession(store, { text: 'text', idleTimeout: 30 * DAY })
  time.pass(DAY - 1)
  await store.touch(store.nameOf(sesid))
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
    const store = new FileStore({ sessionDir: made.sessionDir }, disk)
    t.match(await store.reap(), { seen: 1, expired: 0, failed: 0 }, use)
    t.ok(existsSync(path))
  }
})

t.test('what another process removes first is not counted, and is not a failure', async t => {
  for (const [call, at] of [['lstat', 1], ['open', 1], ['open', 2], ['open', 3], ['lstat', 2]] as const) {
    let path = ''
    const disk = diskThat(call, (_, nth) => { if (nth === at) unlinkSync(path) })
    const made = await oneSession(t)
    path = made.path
    age(path, DAY)
    const store = new FileStore({ sessionDir: made.sessionDir }, disk)
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

t.test('locks and staging directories that were left behind go when they are old', async t => {
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

t.test('a lock that is taken away meanwhile is not counted, and one that cannot be removed is a failure', async t => {
  const { path, sessionDir } = await oneSession(t)
  const lock = `${path}.lock`
  for (const [call, code, failed] of [['readdir', 'ENOENT', 0], ['rmdir', 'ENOENT', 0], ['rmdir', 'EIO', 1]] as const) {
    mkdirSync(lock, { recursive: true })
    utimesSync(lock, 0, 0)
    const store = new FileStore({ sessionDir }, diskThat(call, () => { throw failure(code) }))
    t.match(await store.reap(), { failed }, `${call} ${code}`)
  }
  const store = new FileStore({ sessionDir }, diskThat('lstat', path => {
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
  const disk = diskThat('lstat', path => { if (bad.includes(path)) throw failure('EIO') })
  const counts = await new FileStore({ sessionDir }, disk).reap()
  t.match(counts, { seen: 20, expired: 18, failed: 2 })
  t.match(counts.error, { name: 'SessionFileError', message: /^cannot remove expired sessions in .*sid: EIO; the disk reports a fault/ })
  t.strictSame(sessionFiles(sessionDir).sort(), bad.sort())
})

t.test('a shard that cannot be listed, or that others may use, is a failure of that one', async t => {
  const { store, sessionDir, path } = await oneSession(t)
  for (let count = 0; count < 20; count++) await store.newSession()
  const elsewhere = sessionFiles(sessionDir).filter(other => dirname(other) !== dirname(path)).length
  const { opendir } = localDisk
  t.intercept(localDisk, 'opendir', {
    value: async (directory: string) => {
      if (directory === dirname(path)) throw failure('EACCES')
      return await opendir(directory)
    }
  })
  const unlisted = await store.reap()
  t.match(unlisted, { seen: elsewhere, failed: 1 })
  t.match(unlisted.error, { message: /EACCES/ })
  t.intercept(localDisk, 'opendir', { value: opendir })
  chmodSync(dirname(path), 0o777)
  const open = await store.reap()
  t.match(open, { seen: elsewhere, failed: 1 })
  t.match(open.error, { name: 'SessionFileError', message: /others may use .*chmod 700/ })
})

t.test('a file that is longer than any can be is not read into memory', async t => {
  const { store, path } = await oneSession(t, { maxSize: 1000 })
  truncateSync(path, 2 ** 20)
  age(path, DAY)
  const refusal = /a session file has 1048576 bytes, and with this maxSize none can have more than 399376: /
  t.match(await store.reap(), { seen: 1, expired: 0, failed: 1, error: { message: refusal } })
  await t.rejects(store.sessions().next(), { message: refusal })
  await t.rejects(store.texts().next(), { message: refusal })
  const limits = { size: 100, fewestRecords: 1, stale: 0, patience: 0, longest: 1000 }
  t.intercept(Buffer, 'allocUnsafe', { value: (size: number) => { if (size > 10_000) t.fail(`room for ${size} bytes`); return Buffer.alloc(size) } })
  t.equal(await removeSessions(dirname(dirname(path)), pooledDisk, false, limits), 1, 'but can be removed')
})

t.test('a directory that cannot be listed at all rejects', async t => {
  const sessionDir = t.testdir({ sid: '' })
  chmodSync(sessionDir, 0o700)
  await t.rejects(new SessionFileStore({ sessionDir }).reap(), { name: 'SessionFileError', message: /ENOTDIR/ })
})

t.test('a sweep ends early when it is told to, with what it counted', async t => {
  const abort = new AbortController()
  const made = await oneSession(t)
  for (let count = 1; count < 50; count++) await made.store.newSession()
  for (const path of sessionFiles(made.sessionDir)) age(path, DAY)
  const disk = diskThat('rename', (_, nth) => { if (nth === 10) abort.abort() })
  const counts = await new FileStore({ sessionDir: made.sessionDir }, disk).reap(abort.signal)
  t.match(counts, { expired: 10, failed: 0 })
  t.equal(sessionFiles(made.sessionDir).length, 40)
})

t.test('the cached view of a removed session goes with it', async t => {
  const { store, sesid, path } = await oneSession(t)
  t.equal(await store.getSession(sesid), 'text')
  age(path, DAY)
  t.match(await store.reap(), { expired: 1 })
  // A file with the same name that is older than its session: only a cache could take it for that.
  await new SessionFile(path, localDisk, false).create({ id: 'abcdefgh', text: 'other', idleTimeout: 0, createdAt: Date.now(), seal: false, ended: false, patches: 0 })
  t.equal(await store.getSession(sesid), 'other')
})

/** A journal's place, with other content, as old as can be. */
function plant (path: string, content: string): void {
  writeFileSync(path, content)
  age(path, 365 * DAY)
}

t.test('what is not a journal stays, whatever its name', async t => {
  const { store, sessionDir, path } = await oneSession(t)
  const shard = dirname(path)
  // As git keeps its objects with SHA-256: compressed with zlib.
  const foreign = ['a', 'b', 'c'].map(digit => join(shard, digit.repeat(62)))
  plant(foreign[0] as string, 'x\u0001K')
  plant(foreign[1] as string, '{}')
  symlinkSync(path, foreign[2] as string)
  const aside = `${path}.5.aside`
  plant(aside, 'not a journal')
  const staging = `${path}.${TOKEN}.tmp`
  plant(staging, 'not a journal')
  const check = join(sessionDir, 'sid', `check.${TOKEN}.tmp`)
  plant(check, 'not a journal')
  t.match(await store.reap(), { seen: 3, expired: 0, orphans: 0, setAside: 0, failed: 0 })
  t.equal(await store.clear(), 1, 'nor does clear() remove it')
  for (const each of [...foreign, aside, staging, check]) t.ok(lstatSync(each).isSymbolicLink() || existsSync(each))
})

t.test('what crashed checks and new sessions left behind goes', async t => {
  const { store, sessionDir, path } = await oneSession(t)
  const directory = join(sessionDir, 'sid')
  const left = [`${path}.${TOKEN}.tmp`, join(directory, `check.${TOKEN}.tmp`)]
  for (const each of left) writeFileSync(each, 'FFS1')
  const probe = join(directory, `probe.${TOKEN}.tmp`)
  mkdirSync(join(probe, TOKEN), { recursive: true })
  writeFileSync(join(probe, TOKEN, TOKEN), 'FFS1')
  t.match(await store.reap(), { orphans: 0 }, 'they may be under way')
  for (const each of [...left, probe]) utimesSync(each, 0, 0)
  t.match(await store.reap(), { orphans: 3, failed: 0 })
  for (const each of [...left, probe]) t.notOk(existsSync(each))
})

t.test('a directory in a lock is counted with it', async t => {
  const { store, path } = await oneSession(t)
  mkdirSync(join(`${path}.lock`, TOKEN), { recursive: true })
  utimesSync(`${path}.lock`, 0, 0)
  t.match(await store.reap(), { orphans: 1, failed: 0 })
})

t.test('a session of another user stays', { skip: process.geteuid?.() === 0 ? false : 'only root can give files to others' }, async t => {
  const { store, path } = await oneSession(t)
  age(path, DAY)
  chownSync(path, 65534, 65534)
  mkdirSync(`${path}.lock`)
  writeFileSync(join(`${path}.lock`, TOKEN), 'FFS1')
  utimesSync(`${path}.lock`, 0, 0)
  chownSync(`${path}.lock`, 65534, 65534)
  t.match(await store.reap(), { seen: 1, expired: 0, orphans: 0 })
  t.ok(existsSync(path))
  t.ok(existsSync(join(`${path}.lock`, TOKEN)))
})

t.test('a link that takes a directory\'s place while it is swept is not followed', async t => {
  for (const level of ['shard', 'appid'] as const) {
    const { sessionDir, path } = await oneSession(t)
    // Another app has an old session of the same name.
    const other = path.replace('/sid/', '/other/')
    mkdirSync(dirname(other), { recursive: true, mode: 0o700 })
    copyFileSync(path, other)
    for (const each of [path, other]) age(each, DAY)
    const place = level === 'shard' ? dirname(path) : join(sessionDir, 'sid')
    const target = level === 'shard' ? dirname(other) : join(sessionDir, 'other')
    const disk = diskThat('lstat', (_, nth) => {
      if (nth !== 1) return
      rmSync(place, { recursive: true })
      symlinkSync(target, place)
    })
    const counts = await new FileStore({ sessionDir }, disk).reap()
    t.match(counts, { expired: 0, failed: 1 }, level)
    t.match(counts.error, { message: /a symbolic link stands where a directory should be/ })
    t.ok(existsSync(other))
  }
})

t.test('a session that was stamped by a clock that was ahead begins to age', async t => {
  const { store, sesid, path } = await oneSession(t)
  const years = Date.now() / 1000 + 10 * 365 * DAY
  const lock = `${path}.lock`
  mkdirSync(lock)
  const foreign = `${path.slice(0, -1)}${path.endsWith('0') ? '1' : '0'}`
  writeFileSync(foreign, 'foreign')
  for (const each of [path, lock, foreign]) utimesSync(each, years, years)
  const sweepOnce = async (dryRun: boolean, clock = new Clock()): Promise<unknown> => await sweep({
    directory: dirname(dirname(path)), limits: { idleTimeout: 2 * HOUR, absoluteTimeout: undefined }, clock, disk: localDisk, dryRun
  })
  await sweepOnce(true)
  await sweepOnce(false, new Clock(() => Date.UTC(1970, 5), () => 0))
  t.ok(lstatSync(path).mtimeMs > Date.now() + DAY, 'not in a dry run, nor by a clock that is surely wrong')
  t.match(await sweepOnce(false), { seen: 2, expired: 0, orphans: 0 })
  for (const each of [path, lock]) {
    const { atimeMs, mtimeMs } = lstatSync(each)
    t.ok(atimeMs <= Date.now() && mtimeMs <= Date.now())
    t.ok(mtimeMs > Date.now() - MINUTE * 1000)
  }
  t.ok(lstatSync(foreign).mtimeMs > Date.now() + DAY, 'what is not ours stays as it is')
  t.equal(await store.getSession(sesid), 'text')
  utimesSync(path, years, Date.now() / 1000 - DAY)
  await sweepOnce(false)
  t.ok(lstatSync(path).mtimeMs < Date.now() - DAY * 999, 'only what lies ahead is brought back')
})

t.test('a session that is made anew under a name while its old file is swept stays', async t => {
  const { sessionDir, sesid, path } = await oneSession(t)
  age(path, DAY)
  const other = new FileStore({ sessionDir })
  let made: unknown
  const disk = diskThat('rename', () => undefined)
  const { lstat } = disk
  let looks = 0
  disk.lstat = async looked => {
    const status = await lstat(looked)
    // The last look before the old session is ended.
    if (looked === path && ++looks === 2) made = await other.create(other.nameOf(sesid), { text: 'new' })
    return status
  }
  t.match(await new FileStore({ sessionDir }, disk).reap(), { seen: 1, expired: 0, failed: 0 })
  t.match(made, { result: 'created' })
  t.equal(await new FileStore({ sessionDir }).getSession(sesid), 'new')
})
