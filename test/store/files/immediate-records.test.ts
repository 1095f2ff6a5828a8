import { linkSync, mkdirSync, readdirSync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { DiskNow } from '../../../lib/store/files/disk'
import { FileStore } from '../../../lib/store/files/file-store'
import { localDisk } from '../../../lib/store/files/local-disk'
import type { Replacement } from '../../../lib/store/session-record'
import { age } from '../../support/aged-sessions'
import { interceptedDisk, passTick, pooledDisk, readyDisk, readyNow, systemError } from '../../support/disks'
import { newSession } from '../../support/new-session'
import { pathOf, sessionDirectory, sessionFiles } from '../../support/session-files'
import { stopTime } from '../../support/steady-time'

const ready = { ...localDisk, now: readyNow() }

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

t.test('a file that another process has rewritten in between takes no record any more', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const other = new FileStore({ sessionDir }, ready)
  await other.read(name)
  let newest = version
  for (let save = 0; save < 20; save++) newest = versionOf(await other.replace(name, { text: `${save} `.repeat(1000) }, newest))
  t.ok(statSync(path).size < 20 * 2000, 'it was rewritten: the texts that were saved are longer')
  t.strictSame(store.replaceNow(name, { text: 'mine' }, version), { result: 'conflict' })
  t.match(await store.read(name), { text: '19 '.repeat(1000), version: newest })
  t.match(store.replaceNow(name, { text: 'mine' }, newest), { result: 'replaced' })
  t.match(await other.read(name), { text: 'mine' })
})

t.test('a save right after a look at the file is not stored in one that was set aside in between, or removed where a backup links to it', async t => {
  for (const take of ['setAside', 'unlink']) {
    const { sessionDir, store, name, version, path } = await made(t)
    t.match(store.readNow(name), { version })
    passTick(path)
    if (take === 'setAside') {
      await new FileStore({ sessionDir }, ready).setAside(name, version)
    } else {
      linkSync(path, join(sessionDir, 'backup'))
      unlinkSync(path)
    }
    t.not(store.replaceNow(name, { text: 'mine' }, version)?.result, 'replaced', take)
    t.strictSame(await store.replace(name, { text: 'mine' }, version), { result: 'gone' }, take)
  }
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

t.test('a store makes and ends sessions at once, and says what failed', async t => {
  const sessionDir = sessionDirectory(t)
  let failing = ''
  const disk = readyDisk({
    write: (fd, bytes) => failing === 'write' ? fails('write', 'ENOSPC') : (localDisk.now as DiskNow).write(fd, bytes),
    unlink (path) {
      if (failing === 'unlink' && path.endsWith('.tmp')) fails('unlink', 'EIO')
      unlinkSync(path)
    }
  })
  const slowFails = async (): Promise<never> => { throw systemError('EIO') }
  const store = new FileStore({ sessionDir }, { ...disk, open: slowFails, rename: slowFails, unlink: slowFails })
  await store.open()
  const name = store.nameOf('an id')
  mkdirSync(dirname(pathOf(sessionDir, 'an id')), { mode: 0o700 })
  await t.rejects(store.create(name, { text: 'text' }), { code: 'SESSION_FILE' }, 'a directory that was not looked at yet is for the slow way')
  const creation = await store.create(name, { text: 'text' })
  t.match(creation, { result: 'created' })
  const version = creation.result === 'created' ? creation.version : ''
  failing = 'write'
  await t.rejects(store.remove(name, version), { code: 'SESSION_FILE', cause: { code: 'ENOSPC' } })
  failing = ''
  t.equal(store.readNow(name)?.text, 'text')
  t.equal(await store.remove(name, version), 'removed')
  failing = 'unlink'
  await t.rejects(store.create(name, { text: 'again' }), { code: 'SESSION_FILE', cause: { code: 'EIO' } })
})

function fails (call: string, code: string): never {
  throw systemError(code, call)
}
