import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { localDisk } from '../../../lib/store/files/local-disk'
import type { DiskNow } from '../../../lib/store/files/disk'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { Replacement } from '../../../lib/store/session-store'
import { age } from '../../support/aged-sessions'
import { interceptedDisk, pooledDisk, systemError } from '../../support/disks'
import { newSession } from '../../support/new-session'
import { sessionFiles, pathOf, sessionDirectory } from '../../support/session-files'
import { stopTime } from '../../support/steady-time'
import { isClean, sealedJournal } from '../../support/journal-files'

const ready = { ...localDisk, now: { ...localDisk.now as DiskNow, isReady: () => true } }

async function made (t: Test, disk = ready) {
  stopTime(t)
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new FileStore({ sessionDir }, disk)
  const session = await newSession(store, 'first')
  // Directories that were just made are not trusted before they were looked at.
  await store.read(session.name)
  const [path = ''] = sessionFiles(sessionDir)
  return { ...session, sessionDir, store, path }
}

function versionOf (replacement: Replacement | undefined): string {
  return replacement?.result === 'replaced' ? replacement.version : ''
}

t.test('a session in use is read and replaced at once', async t => {
  const { store, name, version, sesid } = await made(t)
  t.match(store.readNow(name), { text: 'first', version })
  const second = store.replaceNow(name, { text: 'second', idleTimeout: 60 }, version)
  t.match(second, { result: 'replaced' })
  t.match(store.readNow(name), { text: 'second', version: versionOf(second), idleTimeout: 60 })
  t.equal(await store.getSession(sesid), 'second')
})

t.test('what another process did in between is seen', async t => {
  const { sessionDir, store, name, version } = await made(t)
  const other = new FileStore({ sessionDir }, ready)
  await other.read(name)
  const second = await other.replace(name, { text: 'second' }, version)
  t.strictSame(store.replaceNow(name, { text: 'mine' }, version), { result: 'conflict' })
  t.match(store.readNow(name), { text: 'second' })
  t.equal(await other.remove(name, versionOf(second)), 'removed')
  t.equal(store.replaceNow(name, { text: 'mine' }, versionOf(second)), undefined)
})

t.test('a session that is ended between two system calls is gone', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const other = new FileStore({ sessionDir }, interceptedDisk(async (call, _given, proceed) => {
    if (call === 'rename') throw systemError('EACCES', call)
    return await proceed()
  }))
  t.equal(await other.remove(name, version), 'removed')
  t.strictSame(store.replaceNow(name, { text: 'mine' }, version), { result: 'gone' }, 'its file is still there, with a tombstone')
  t.equal(store.readNow(name), undefined)
  t.equal(await store.read(name), null)
  t.equal(readdirSync(dirname(path)).length, 1)
})

t.test('nothing has happened when it cannot be done at once', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const cold = new FileStore({ sessionDir })
  t.equal(cold.readNow(name), undefined, 'a session that is not known')
  t.equal(cold.replaceNow(name, { text: 'x' }, version), undefined)
  t.equal(store.replaceNow(name, { text: 'x' }, 'another'), undefined, 'another version')
  t.equal(store.replaceNow(name, { text: 'x'.repeat(70_000) }, version), undefined, 'many bytes')
  const durable = new FileStore({ sessionDir, durability: 'fsync' }, ready)
  await durable.read(name)
  t.equal(durable.replaceNow(name, { text: 'x' }, version), undefined, 'a sync')
  const slow = new FileStore({ sessionDir }, pooledDisk)
  await slow.read(name)
  t.equal(slow.readNow(name), undefined, 'a slow disk')
  t.equal(slow.replaceNow(name, { text: 'x' }, version), undefined)
  utimesSync(path, Date.now() / 1000 - 70, Date.now() / 1000 - 70)
  t.match(store.readNow(name), { touchDue: true })
  t.equal(store.replaceNow(name, { text: 'x' }, version), undefined, 'a touch')
  age(path, 8000)
  t.equal(store.readNow(name), null, 'one that has expired is no session')
  t.equal(store.replaceNow(name, { text: 'x' }, version), undefined)
  age(path, 0)
  t.match(await cold.read(name), { text: 'first', version })
})

t.test('trouble is thrown as the slow way rejects', async t => {
  const { sessionDir, name, version } = await made(t)
  const broken = { ...ready, now: { ...ready.now, write () { throw systemError('EIO', 'write') } } }
  const store = new FileStore({ sessionDir }, broken)
  await store.read(name)
  t.throws(() => store.replaceNow(name, { text: 'x' }, version), { name: 'SessionFileError', cause: { code: 'EIO' } })
  for (const idleTimeout of [0, NaN]) {
    t.throws(() => store.replaceNow(name, { text: 'x', idleTimeout }, version), { code: 'SESSION_OPTION' })
  }
})

t.test('a session that this process ends while it saves it is gone afterwards', async t => {
  const { sessionDir, name, version } = await made(t)
  let ending: Promise<unknown> | undefined
  const store = new FileStore({ sessionDir, durability: 'fsync' }, interceptedDisk(async (call, _given, proceed) => {
    if (call === 'fdatasync' && ending === undefined) {
      ending = store.remove(name)
      await ending
    }
    return await proceed()
  }))
  await store.read(name)
  t.match(await store.replace(name, { text: 'x' }, version), { result: 'replaced' })
  t.equal(await ending, 'removed')
  t.equal(await store.read(name), null)
})

t.test('a session that is destroyed while it is saved is gone', async t => {
  const sessionDir = sessionDirectory(t)
  const other = new SessionFileStore({ sessionDir })
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'write' && armed) await other.delSession(sesid)
    return await call()
  })
  let armed = false
  const store = new FileStore({ sessionDir }, disk)
  const { sesid, version } = await newSession(store, '')
  armed = true
  t.strictSame(await store.replace(store.nameOf(sesid), { text: 'late' }, version), { result: 'gone' })
  t.equal(await store.getSession(sesid), null)
})

t.test('a sealed file is rewritten before it is saved to', async t => {
  const sessionDir = sessionDirectory(t)
  const sesid = await new SessionFileStore({ sessionDir }).newSession()
  const path = pathOf(sessionDir, sesid)
  writeFileSync(path, sealedJournal('sealed'))
  const store = new SessionFileStore({ sessionDir })
  const stored = await store.read(store.nameOf(sesid))
  t.equal(stored?.text, 'sealed')
  t.equal((await store.replace(store.nameOf(sesid), { text: 'next' }, stored?.version ?? '')).result, 'replaced', 'at the same version')
  t.ok(isClean(path))
  t.equal(await store.getSession(sesid), 'next')
})
