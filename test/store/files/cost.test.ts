import { fstatSync, renameSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { Clock } from '../../../lib/store/clock'
import { descriptors } from '../../../lib/store/files/descriptors'
import type { Disk, DiskNow } from '../../../lib/store/files/disk'
import { longestFile } from '../../../lib/store/files/file-reading'
import { FileStore } from '../../../lib/store/files/file-store'
import { HeldFile } from '../../../lib/store/files/held-file'
import { localDisk } from '../../../lib/store/files/local-disk'
import { takeAway } from '../../../lib/store/files/seal'
import { LIMITS } from '../../../lib/store/files/seen-file'
import { SessionFile } from '../../../lib/store/files/session-file'
import type { Replacement } from '../../../lib/store/session-record'
import { age } from '../../support/aged-sessions'
import { interceptedDisk, passTick, pooledDisk, recordingDisk, recordingDiskNow, systemError } from '../../support/disks'
import { recordOf, sealedJournal } from '../../support/journal-files'
import { newSession, type NewSession } from '../../support/new-session'
import { pathOf, sessionDirectory } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

/*
 * What each verb of the file store costs, in system calls: for a session that the process knows (warm)
 * and for one that it does not (cold), with durability os and fsync. A call that is added here is paid
 * at every request: change a list only for a reason. That the other tests assert nothing of the kind
 * leaves them free to say what has to happen, whatever calls it takes.
 */
const LOOK = 'lstat FILE'
const LOAD = 'open FILE, fstat FILE, read FILE, close FILE'
const APPEND = 'open FILE, fstat FILE, write FILE, fstat FILE'
const SYNC_DIR = 'open DIR, fsync DIR, close DIR'
const TAKE_OUT = 'rename FILE, lstat TMP, unlink TMP, close FILE'
/** The first save by a process that did not make the file: it writes again what it builds on, and syncs that and the entry. */
const FIRST_SYNC = `read FILE, open FILE, fstat FILE, write FILE, close FILE, fdatasync FILE, ${SYNC_DIR}, close FILE`
const STAGE = 'mkdir TMP, open TMP/TOKEN, write TMP/TOKEN, fstat TMP/TOKEN, fdatasync TMP/TOKEN, close TMP/TOKEN'

interface Scene extends NewSession {
  /** The store whose calls are counted. It does not know the session, unless `warm` was said. */
  store: FileStore
  /** A store of another process. */
  other: FileStore
  path: string
  /** The version that the store has read, or stored, last. */
  latest: string
}

interface Cost {
  verb: string
  /** What happens before the count begins. */
  before?: (scene: Scene) => unknown
  act: (scene: Scene) => unknown
  os: string
  /** Where it is another list. */
  fsync?: string
}

const warm = async (scene: Scene): Promise<void> => { await scene.store.read(scene.name) }

const replace = async ({ store, name, latest }: Scene): Promise<Replacement> => await store.replace(name, { text: 'next' }, latest)

/** As a process that has saved the session before. */
async function saved (scene: Scene): Promise<void> {
  const first = await replace(scene)
  if (first.result === 'replaced') scene.latest = first.version
}

const costs: Cost[] = [
  {
    verb: 'create',
    act: async ({ store }) => { await newSession(store, 'new') },
    os: 'open NEW, write NEW, fstat NEW, link NEW, unlink NEW, close NEW',
    fsync: `open NEW, write NEW, fdatasync NEW, fstat NEW, link NEW, unlink NEW, ${SYNC_DIR}, close NEW`
  },
  { verb: 'read, cold', act: warm, os: LOAD },
  { verb: 'read, warm', before: warm, act: warm, os: LOOK },
  { verb: 'read of one that was just saved', before: saved, act: warm, os: LOOK },
  {
    verb: 'read, when another process has only used it',
    before: async scene => { await warm(scene); utimesSync(scene.path, 1e9, Date.now() / 1000) },
    act: warm,
    os: LOOK
  },
  {
    verb: 'read, when another process has saved it',
    before: async scene => { await warm(scene); await scene.other.putSession(scene.sesid, 'theirs') },
    act: warm,
    os: `${LOOK}, ${LOAD}`
  },
  { verb: 'read of a sealed file', before: ({ path }) => { writeFileSync(path, sealedJournal('sealed')) }, act: warm, os: LOAD },
  { verb: 'read of one that this process has ended', before: async ({ store, name }) => { await store.remove(name) }, act: warm, os: '' },
  { verb: 'read of an id that names no session', act: async ({ store }) => { await store.getSession('unknown') }, os: '' },

  { verb: 'replace, cold', act: replace, os: `${LOAD}, ${APPEND}, close FILE`, fsync: `${LOAD}, ${APPEND}, ${FIRST_SYNC}` },
  { verb: 'replace, warm', before: warm, act: replace, os: `${APPEND}, close FILE`, fsync: `${APPEND}, ${FIRST_SYNC}` },
  { verb: 'replace, warm, once more', before: saved, act: replace, os: `${APPEND}, close FILE`, fsync: `${APPEND}, fdatasync FILE, close FILE` },
  {
    verb: 'replace that another process has come before',
    before: async scene => { await saved(scene); await scene.other.putSession(scene.sesid, 'theirs') },
    act: replace,
    os: `${APPEND}, fstat FILE, read FILE, close FILE`
  },
  { verb: 'replace at a version that is known to be old', before: saved, act: async ({ store, name, version }) => { await store.replace(name, { text: 'x' }, version) }, os: LOOK },
  {
    verb: 'replace in a sealed file, which is rewritten first',
    before: async scene => {
      await saved(scene)
      writeFileSync(`${scene.path}.new`, sealedJournal('sealed'))
      renameSync(`${scene.path}.new`, scene.path)
      // Otherwise the new file might have to wait for a birth time of its own.
      passTick(scene.path)
      scene.latest = (await scene.store.read(scene.name))?.version ?? ''
    },
    act: replace,
    os: `${LOOK}, ${LOOK}, ${STAGE}, rename TMP, ${LOOK}, rename LOCK/TOKEN, rmdir LOCK, ${LOOK}, ${APPEND}, close FILE`,
    fsync: `${LOOK}, ${LOOK}, ${STAGE}, rename TMP, ${LOOK}, rename LOCK/TOKEN, ${SYNC_DIR}, rmdir LOCK, ${LOOK}, ${APPEND}, fdatasync FILE, close FILE`
  },
  {
    verb: 'putSession, warm',
    before: saved,
    act: async ({ store, sesid }) => { await store.putSession(sesid, 'put') },
    os: `${LOOK}, ${APPEND}, close FILE`,
    fsync: `${LOOK}, ${APPEND}, fdatasync FILE, close FILE`
  },
  {
    verb: 'getSession, when the last use is not long ago',
    before: async scene => { age(scene.path, 30) },
    act: async ({ store, sesid }) => { await store.getSession(sesid) },
    os: LOAD
  },
  {
    verb: 'getSession twice, when it is: one touch',
    before: async scene => { age(scene.path, 1000) },
    act: async ({ store, sesid }) => { await store.getSession(sesid); await store.getSession(sesid) },
    os: `${LOAD}, ${LOOK}, lutimes FILE, ${LOOK}`
  },

  {
    verb: 'remove at a version, warm',
    before: saved,
    act: async ({ store, name, latest }) => { await store.remove(name, latest) },
    os: `${APPEND}, ${TAKE_OUT}`,
    fsync: `${APPEND}, ${TAKE_OUT}, ${SYNC_DIR}`
  },
  {
    verb: 'remove at a version, cold',
    act: async ({ store, name, version }) => { await store.remove(name, version) },
    os: `${LOAD}, ${APPEND}, ${TAKE_OUT}`,
    fsync: `${LOAD}, ${APPEND}, ${TAKE_OUT}, ${SYNC_DIR}`
  },
  {
    verb: 'remove at any version, warm',
    before: warm,
    act: async ({ store, name }) => { await store.remove(name) },
    os: `${LOOK}, ${APPEND}, ${TAKE_OUT}`,
    fsync: `${LOOK}, ${APPEND}, ${TAKE_OUT}, ${SYNC_DIR}`
  },
  {
    verb: 'remove of one that this process has ended',
    before: async ({ store, name }) => { await store.remove(name) },
    act: async ({ store, name, version }) => { await store.remove(name, version) },
    os: '',
    fsync: SYNC_DIR
  },
  { verb: 'touch, cold, of one that was just used', act: async ({ store, name }) => { await store.touch(name) }, os: LOAD },
  { verb: 'touch, warm, of one that was just used', before: warm, act: async ({ store, name }) => { await store.touch(name) }, os: LOOK },
  {
    verb: 'touch, warm',
    before: async scene => { await warm(scene); age(scene.path, 1000) },
    act: async ({ store, name }) => { await store.touch(name) },
    os: `${LOOK}, lutimes FILE`
  },
  { verb: 'setAside', act: async ({ store, name }) => { await store.setAside(name) }, os: 'rename FILE' }
]

t.test('what a verb costs', async t => {
  for (const { verb, before, act, os, fsync = os } of costs) {
    for (const [durability, expected] of [['os', os], ['fsync', fsync]] as const) {
      const sessionDir = sessionDirectory(t)
      const { disk, calls } = recordingDisk('/')
      // It stands still: what was just used stays so on a machine that is busy.
      const start = Date.now()
      const clock = new Clock(() => start, () => 0)
      const store = new FileStore({ sessionDir, durability }, disk, clock)
      const other = new FileStore({ sessionDir }, localDisk, clock)
      const session = await newSession(other, 'text')
      const path = pathOf(sessionDir, session.sesid)
      const scene = { ...session, store, other, path, latest: session.version }
      // The directories are there, and are known to be private.
      await store.read('0'.repeat(64))
      await before?.(scene)
      calls.length = 0
      await act(scene)
      t.equal(calls.map(call => shortened(call, path)).join(', '), expected, `${verb}: ${durability}`)
    }
  }
})

/** A call with words in place of what is random in its path. */
function shortened (call: string, path: string): string {
  return call.replaceAll(path.slice(1), 'FILE')
    .replace(/FILE\.[0-9a-f]{16}\.tmp/, 'TMP').replace('FILE.lock', 'LOCK').replace(/(?<=(TMP|LOCK)\/)[0-9a-f]{16}$/, 'TOKEN')
    .replace(/ \S*\/[0-9a-f]{62}\.[0-9a-f]{16}\.tmp$/, ' NEW')
    .replace(/ \S*\/sid\/[0-9a-f]{2}$/, ' DIR')
}

t.test('what was appended is all that is read again', async t => {
  const { file, path } = await known(t, 'a'.repeat(1000))
  const other = new SessionFile(path, localDisk, false)
  const tip = (await other.read())?.tip
  await other.append(recordOf('b'), tip?.id ?? '')
  const reads: Array<{ length: number, position: number }> = []
  const disk: Disk = {
    ...pooledDisk,
    read: (fd, bytes, position) => {
      reads.push({ length: bytes.length, position })
      return localDisk.read(fd, bytes, position)
    }
  }
  t.equal((await new SessionFile(path, disk, false, { known: file.view }).read())?.tip?.text, 'b')
  t.strictSame(reads, [{ length: 41, position: 1040 }])
})

t.test('a file that is not sealed costs a look when it might have to be rewritten', async t => {
  const { path, file } = await known(t)
  const { disk, calls } = recordingDisk(dirname(path))
  await new SessionFile(path, disk, false, { known: file.view }).rewrite()
  t.strictSame(calls, ['lstat file'])
})

t.test('a file that is taken away costs a round in which it is there, and two quiet ones', async t => {
  const { path } = await known(t)
  const calls: string[] = []
  const disk = interceptedDisk((name, _given, call) => {
    calls.push(name)
    return call()
  })
  t.equal(await takeAway({ path, disk, limits: LIMITS }, () => disk.unlink(path)), true)
  t.equal(calls.join(' '), 'lstat unlink lstat unlink lstat unlink')
})

t.test('a file that is longer than any can be costs a look', async t => {
  const { path } = await known(t)
  truncateSync(path, 700 * 1024 * 1024)
  const { disk, calls } = recordingDisk(dirname(path))
  const limits = { ...LIMITS, longest: longestFile(1024, LIMITS) }
  await t.rejects(new SessionFile(path, disk, false, { limits }).read(), { name: 'SessionFileError' })
  t.strictSame(calls, ['open file', 'fstat file', 'close file'])
})

/** A session file, and what this process knows of it. */
async function known (t: Test, text = 'text'): Promise<{ file: SessionFile, path: string }> {
  const path = join(t.testdir(), 'file')
  const file = new SessionFile(path, localDisk, false)
  await file.create(recordOf(text))
  await file.read()
  return { file, path }
}

t.test('a file that is kept open costs a look at it, without a promise', async t => {
  const { disk, calls } = recordingDiskNow()
  const { held, path } = heldFile(t, disk)
  held.status(0, 996)
  t.strictSame(calls.splice(0), ['lstat'], 'at first it is not kept open')
  const ctimeMs = held.status(0, 1000)?.ctimeMs ?? NaN
  t.strictSame(calls.splice(0), ['open', 'fstat'])
  held.status(ctimeMs, 1015)
  t.strictSame(calls.splice(0), ['fstat'])
  held.append(Buffer.from(' and more'), ctimeMs, 1019)
  t.strictSame(calls.splice(0), ['fstat', 'write', 'fstat'])
  held.read(5, 8)
  t.strictSame(calls.splice(0), ['read'])
  held.append(Buffer.from('.'), statSync(path).ctimeMs, 1019)
  t.strictSame(calls.splice(0), ['fstat', 'write', 'fstat'])
  held.release()
  t.strictSame(calls, ['close'])
})

t.test('a file that cannot be opened to append costs a look by its path', async t => {
  const { disk, calls } = recordingDiskNow({ open () { throw systemError('EACCES') } })
  const { held } = heldFile(t, disk)
  held.status(0, 1000)
  t.strictSame(calls.splice(0), ['lstat'])
  held.status(0, 1000)
  t.strictSame(calls.splice(0), ['open', 'lstat'])
  held.status(0, 1999)
  t.strictSame(calls.splice(0), ['lstat'])
  held.status(0, 2000)
  t.strictSame(calls.splice(0), ['open', 'lstat'])
})

t.test('a file that cannot be looked at through its descriptor costs a look by its path', async t => {
  let isBroken = true
  const { disk, calls } = recordingDiskNow({
    fstat (fd) {
      if (isBroken) throw systemError('ESTALE')
      return fstatSync(fd)
    }
  })
  const { held } = heldFile(t, disk)
  held.status(0, 1000)
  t.strictSame(calls.splice(0), ['lstat'])
  held.status(0, 1000)
  t.strictSame(calls.splice(0), ['open', 'fstat', 'close', 'lstat'])
  isBroken = false
  const { held: stale } = heldFile(t, disk)
  stale.status(0, 1000)
  const ctimeMs = stale.status(0, 1000)?.ctimeMs ?? NaN
  isBroken = true
  calls.length = 0
  stale.status(ctimeMs, 1001)
  t.strictSame(calls, ['fstat', 'close', 'open', 'fstat', 'close', 'lstat'])
})

t.test('a file for which there is no room among those that are kept open costs a look by its path', async t => {
  const others = Array.from({ length: 128 }, () => ({ isUsed: true, release () { descriptors.delete(this) } }))
  for (const other of others) descriptors.add(other)
  t.teardown(() => { descriptors.closeAll() })
  const { disk, calls } = recordingDiskNow()
  const { held } = heldFile(t, disk)
  held.status(0, 1000)
  t.strictSame(calls.splice(0), ['lstat'])
  held.append(Buffer.from('s'), 0, 1000)
  held.rest()
  t.strictSame(calls, ['open', 'fstat', 'write', 'fstat', 'close'])
})

function heldFile (t: Test, disk: DiskNow): { held: HeldFile, path: string } {
  const path = join(t.testdir({ file: 'text' }), 'file')
  const held = new HeldFile(path, disk)
  t.teardown(() => { held.release() })
  return { held, path }
}
