import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { FileStore } from '../../../lib/store/files/file-store'
import { localDisk } from '../../../lib/store/files/local-disk'
import { platformOf } from '../../../lib/store/files/platform'
import { find } from '../../../lib/store/files/second-look'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { interceptedDisk, systemError } from '../../support/disks'
import { newSession, type NewSession } from '../../support/new-session'
import { sessionFiles } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

interface Made extends NewSession { sessionDir: string, path: string }

async function made (t: Test): Promise<Made> {
  const sessionDir = join(t.testdir(), 'sessions')
  const session = await newSession(new SessionFileStore({ sessionDir }), 'text')
  const [path = ''] = sessionFiles(sessionDir)
  return { ...session, sessionDir, path }
}

/** A disk on which the file is missing at so many of the looks for it. */
function flickeringDisk (path: string, looks: () => boolean): Disk {
  return interceptedDisk(async (name, given, call) => {
    if ((name === 'lstat' || name === 'open') && given[0] === path && looks()) throw systemError('ENOENT', name)
    return await call()
  })
}

t.test('a session whose file is missing for a moment has not ended', async t => {
  const { sessionDir, sesid, name, path } = await made(t)
  let missing = 0
  const store = new FileStore({ sessionDir }, flickeringDisk(path, () => missing-- > 0))
  const first = await store.read(name)
  missing = 1
  t.match(await store.read(name), { text: 'text' })
  missing = 1
  const second = await store.replace(name, { text: 'second' }, first?.version ?? '')
  t.match(second, { result: 'replaced' })
  await new SessionFileStore({ sessionDir }).putSession(sesid, 'third')
  let looks = 0
  const other = new FileStore({ sessionDir }, flickeringDisk(path, () => ++looks === 4))
  await other.read(name)
  await new SessionFileStore({ sessionDir }).putSession(sesid, 'fourth')
  looks = 2
  t.match(await other.read(name), { text: 'fourth' }, 'also between a look and the opening')
  missing = 0
  const read = await store.read(name)
  missing = 1
  t.equal(await store.remove(name, read?.version), 'removed')
})

t.test('as long as another file is about to take its place, it is waited for', async t => {
  const { sessionDir, name, path } = await made(t)
  let waits = 0
  const disk: Disk = {
    ...localDisk,
    eager: undefined,
    now: undefined,
    wait: async () => {
      if (++waits !== 3) return
      renameSync(`${path}.moved`, path)
    }
  }
  const store = new FileStore({ sessionDir }, disk)
  await store.read(name)
  mkdirSync(`${path}.lock`)
  writeFileSync(`${path}.lock/0123456789abcdef`, '')
  renameSync(path, `${path}.moved`)
  t.match(await store.read(name), { text: 'text' })
  t.equal(waits, 3)
  renameSync(path, `${path}.moved`)
  t.equal(await store.read(name), null, 'but not for ever')
  t.equal(waits, 3 + 400)
  rmSync(`${path}.lock`, { recursive: true })
  t.strictSame(readdirSync(dirname(path)).length, 1)
})

t.test('a session that is at hand is looked for again before it is gone', async t => {
  const { sessionDir, name, version, path } = await made(t)
  const store = new FileStore({ sessionDir })
  await store.read(name)
  rmSync(path)
  t.equal(store.readNow(name), undefined)
  t.equal(store.replaceNow(name, { text: 'late' }, version), undefined)
  t.strictSame(await store.replace(name, { text: 'late' }, version), { result: 'gone' })
  t.equal(await store.read(name), null)
})

t.test('on Windows a file that was never seen is waited for as well', async t => {
  const { path } = await made(t)
  const limits = { stale: 50, patience: 5 }
  let waits = 0
  let comesBackAfter = 3
  const disk: Disk = {
    ...localDisk,
    wait: async () => {
      if (++waits === comesBackAfter) renameSync(`${path}.moved`, path)
    }
  }
  const look = async (system: string): Promise<unknown> =>
    await find({ path, disk, limits }, false, () => localDisk.lstat(path), platformOf(system))
  mkdirSync(`${path}.lock`)
  writeFileSync(`${path}.lock/0123456789abcdef`, '')
  renameSync(path, `${path}.moved`)
  t.equal(await look('linux'), null)
  t.equal(waits, 0)
  t.not(await look('win32'), null)
  t.equal(waits, 3)
  renameSync(path, `${path}.moved`)
  comesBackAfter = Infinity
  t.equal(await look('win32'), null, 'but not for ever')
  t.equal(waits, 3 + 10)
  rmSync(`${path}.lock`, { recursive: true })
  t.equal(await look('win32'), null)
  t.equal(waits, 3 + 10, 'and not where there is no lock')
})
