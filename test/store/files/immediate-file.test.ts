import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Disk, DiskNow, FileStatus } from '../../../lib/store/files/disk'
import { takeOutNow } from '../../../lib/store/files/ending'
import { FileStore } from '../../../lib/store/files/file-store'
import type { Immediate } from '../../../lib/store/files/immediate-file'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFile } from '../../../lib/store/files/session-file'
import { impatientDisk, openDescriptors, readyDisk, recordingDisk, recordingDiskNow, systemError } from '../../support/disks'
import { isClean, recordOf, textIn } from '../../support/journal-files'
import { newSession } from '../../support/new-session'
import { pathOf, sessionDirectory } from '../../support/session-files'
import { another, directory, newFile, textOf, tipId } from '../../support/single-file'

// What the tests make themselves is private as well.
process.umask(0o077)

const now = localDisk.now as DiskNow

function fails (call: string, code = 'EIO'): () => never {
  return () => { throw systemError(code, call) }
}

function created (path: string, changes: Partial<DiskNow> = {}, text = 'text', lastAccess = Date.now()): { file: SessionFile, outcome: Immediate<string> } {
  const file = new SessionFile(path, readyDisk(changes), false)
  return { file, outcome: file.createNow(recordOf(text), lastAccess, performance.now()) }
}

/** The same file, for another process that has just read it. */
function known (file: SessionFile, changes: Partial<DiskNow> = {}): SessionFile {
  return new SessionFile(file.path, readyDisk(changes), false, { known: file.view })
}

function ended (file: SessionFile, version = tipId(file)): Immediate<string> {
  return file.endNow(version, performance.now())
}

t.test('a file is made and ended at once by the calls of the slow way, in their order', async t => {
  const dir = directory(t)
  const slow = recordingDisk(dir)
  const later = new SessionFile(join(dir, 'later'), slow.disk, false)
  await later.create(recordOf('text'))
  const quick = recordingDiskNow()
  const sooner = new SessionFile(join(dir, 'sooner'), { ...localDisk, now: quick.disk }, false)
  t.equal(sooner.createNow(recordOf('text'), Date.now(), performance.now()), 'created')
  t.equal(statSync(sooner.path).mode & 0o7777, 0o600)
  t.ok(isClean(sooner.path))
  t.equal(textIn(sooner.path), 'text')
  t.equal(await later.end(tipId(later)), 'removed')
  t.equal(ended(sooner), 'removed')
  t.strictSame(quick.calls, slow.calls.map(call => call.split(' ')[0]))
  t.strictSame(readdirSync(dir), [])
  t.equal(sooner.view, null)
})

t.test('what was made at once is known', async t => {
  const dir = directory(t)
  for (const birthtimeMs of [undefined, 0]) {
    const path = join(dir, `file-${birthtimeMs}`)
    const { file, outcome } = created(path, birthtimeMs === undefined ? {} : { fstat: fd => ({ ...now.fstat(fd), birthtimeMs }) })
    t.equal(outcome, 'created')
    t.equal(file.view?.tip?.text, 'text')
    if (birthtimeMs === 0) t.equal(file.view?.born, statSync(path).ctimeMs, 'the end of the private name changes the time that stands for the birth')
    t.equal(await textOf(file), 'text')
  }
})

t.test('what cannot be made at once leaves nothing behind, and is for the slow way', async t => {
  const dir = directory(t)
  const before = openDescriptors()
  const path = join(dir, 'file')
  t.equal(created(join(dir, 'missing', 'file')).outcome, undefined, 'no directory')
  t.equal(created(path, { write: (fd, bytes) => now.write(fd, bytes.subarray(0, 20)) }).outcome, undefined, 'a short write')
  for (const call of ['write', 'fstat', 'link'] as const) t.equal(created(path, { [call]: fails(call) }).outcome, undefined, call)
  t.equal(created(path, { fstat: fd => ({ ...now.fstat(fd), mode: 0o100644 }) }).outcome, undefined, 'a file system that keeps no modes')
  t.equal(created(path, {}, 'text', Date.now() - 5000).outcome, undefined, 'another time')
  t.equal(created(path, {}, 'x'.repeat(65 * 1024)).outcome, undefined, 'many bytes')
  t.equal(created(path, { isReady: () => false }).outcome, undefined, 'a slow disk')
  t.equal(new SessionFile(path, readyDisk(), true).createNow(recordOf('x'), Date.now(), performance.now()), undefined, 'one to be synced')
  t.strictSame(readdirSync(dir), [])
  t.equal(created(path).outcome, 'created')
  t.equal(created(path, {}, 'other').outcome, undefined, 'a name that is taken')
  t.equal(textIn(path), 'text')
  t.strictSame(readdirSync(dir), ['file'])
  const failing = join(dir, 'failing')
  t.equal(await created(failing, { write: fails('write'), unlink: fails('unlink') }).outcome, undefined, 'the private name is tried again')
  t.strictSame(readdirSync(dir), ['file'])
  const stuck = { ...readyDisk({ write: fails('write'), unlink: fails('unlink') }), unlink: async () => fails('unlink')() }
  t.equal(await new SessionFile(failing, stuck, false).createNow(recordOf('text'), Date.now(), performance.now()), undefined, 'the sweep removes it')
  t.notOk(existsSync(failing))
  t.equal(openDescriptors(), before)
})

t.test('a private name that another process has removed is no trouble, and one that stays has the file taken back', async t => {
  const dir = directory(t)
  const path = join(dir, 'file')
  const gone = created(path, { unlink (staging) { unlinkSync(staging); fails('unlink', 'ENOENT')() } })
  t.equal(await gone.outcome, 'created')
  unlinkSync(path)
  let count = 0
  const twice = (staging: string): void => {
    if (count++ < 2) throw systemError('EIO', 'unlink')
    unlinkSync(staging)
  }
  const disk = { ...readyDisk({ unlink: twice }), unlink: async (staging: string) => { twice(staging) } }
  const file = new SessionFile(path, disk, false)
  await t.rejects(file.createNow(recordOf('text'), Date.now(), performance.now()) as Promise<unknown>, { code: 'EIO' })
  t.notOk(existsSync(path), 'a file with two names would look as if it still had one after its end')
  t.equal(file.view, null)
})

t.test('a file that cannot be looked at when it has its name is taken back', async t => {
  const dir = directory(t)
  const path = join(dir, 'file')
  let looks = 0
  const fstat = (fd: number): FileStatus => {
    if (looks++ > 0) throw systemError('EIO', 'fstat')
    return { ...now.fstat(fd), birthtimeMs: 0 }
  }
  const disk = { ...readyDisk({ fstat }), fstat: async (fd: number) => fstat(fd) }
  const outcome = new SessionFile(path, disk, false).createNow(recordOf('text'), Date.now(), performance.now())
  await t.rejects(outcome as Promise<unknown>, { code: 'EIO' })
  t.equal(looks, 3, 'at once, and again')
  t.strictSame(readdirSync(dir), [])
  looks = 0
  await t.rejects(new SessionFile(path, disk, false).create(recordOf('text')), { code: 'EIO' }, 'and so the slow way')
  t.strictSame(readdirSync(dir), [])
})

t.test('a file that is complete stays, also when its descriptor cannot be closed well', async t => {
  const dir = directory(t)
  const close = (fd: number): never => {
    closeSync(fd)
    throw systemError('EIO', 'close')
  }
  t.equal(created(join(dir, 'sooner'), { close }).outcome, 'created')
  const later = new SessionFile(join(dir, 'later'), { ...readyDisk(), close: async fd => close(fd) }, false)
  await later.create(recordOf('text'))
  t.strictSame(readdirSync(dir).map(file => textIn(join(dir, file))), ['text', 'text'])
})

/** A disk that becomes slow in the immediate call with that name. */
function slowIn (slow: string): { disk: Disk, calls: string[] } {
  let isQuick = true
  const quick = recordingDiskNow({ isReady: () => isQuick, isQuick: () => isQuick })
  const changes = Object.fromEntries(Object.entries(quick.disk).map(([name, call]) => [name, (...given: unknown[]) => {
    if (name === slow) isQuick = false
    return (call as (...given: unknown[]) => unknown)(...given)
  }]))
  return { disk: { ...impatientDisk, now: { ...quick.disk, ...changes } }, calls: quick.calls }
}

/** Calls that may wait for a device: of an open file the kernel knows what it is, and closing does not wait. */
function waiting (calls: string[]): string[] {
  return calls.filter(call => call !== 'fstat' && call !== 'close')
}

t.test('a disk that becomes slow while a file is made holds the event loop for no further call', async t => {
  const dir = directory(t)
  const before = openDescriptors()
  for (const [call, wholly] of [['open', false], ['write', false], ['link', true], ['unlink', true]] as const) {
    const { disk, calls } = slowIn(call)
    const file = new SessionFile(join(dir, call), disk, false)
    const outcome = file.createNow(recordOf('text'), Date.now(), performance.now())
    t.equal(waiting(calls).at(-1), call)
    t.equal(await outcome, wholly ? 'created' : undefined, call)
    t.equal(waiting(calls).at(-1), call, 'nor later')
    t.equal(file.view?.tip?.text, wholly ? 'text' : undefined)
  }
  t.strictSame(readdirSync(dir).sort(), ['link', 'unlink'])
  for (const name of readdirSync(dir)) t.ok(isClean(join(dir, name)))
  t.equal(openDescriptors(), before)
})

t.test('a disk that becomes slow while a session is ended holds the event loop for no further call', async t => {
  for (const call of ['open', 'write', 'rename', 'lstat', 'unlink']) {
    const file = await newFile(t)
    const { disk, calls } = slowIn(call)
    const outcome = ended(new SessionFile(file.path, disk, false, { known: file.view }), tipId(file))
    t.equal(waiting(calls).at(-1), call)
    t.equal(await outcome, call === 'open' ? undefined : 'removed', call)
    t.equal(waiting(calls).at(-1), call, 'nor later')
    t.strictSame(readdirSync(dirname(file.path)), call === 'open' ? ['file'] : [])
  }
})

t.test('a store goes on through the pool when the disk becomes slow', async t => {
  for (const call of ['open', 'write', 'link', 'unlink']) {
    const sessionDir = sessionDirectory(t)
    const store = new FileStore({ sessionDir }, slowIn(call).disk)
    await store.open()
    const name = store.nameOf('an id')
    mkdirSync(dirname(pathOf(sessionDir, 'an id')), { mode: 0o700 })
    t.equal(await store.read(name), null)
    t.match(await store.create(name, { text: 'text' }), { result: 'created' })
    t.equal((await store.read(name))?.text, 'text')
  }
  for (const call of ['open', 'write', 'rename', 'lstat']) {
    const sessionDir = sessionDirectory(t)
    const { name, version } = await newSession(new FileStore({ sessionDir }), 'text')
    const store = new FileStore({ sessionDir }, slowIn(call).disk)
    await store.read(name)
    t.equal(await store.remove(name, version), 'removed')
    t.equal(await store.read(name), null)
  }
})

t.test('a session is ended at once if it is still at its version', async t => {
  const file = await newFile(t)
  const version = tipId(file)
  const [first, second] = [known(file), known(file)]
  t.equal(await another(file).append(recordOf('void'), 'nobody..'), 'conflict')
  t.equal(known(file).appendNow(recordOf('newer'), version), 'replaced')
  t.equal(ended(first), 'conflict')
  t.equal(textIn(file.path), 'newer')
  await file.read()
  const last = known(file)
  t.equal(await another(file).append(recordOf('void'), 'nobody..'), 'conflict')
  t.equal(ended(last), 'removed', 'a void record changes nothing')
  t.equal(ended(second, version), undefined, 'a file that is missing is looked for again')
  t.notOk(existsSync(file.path))
})

t.test('of two that end a session at once one does', async t => {
  const file = await newFile(t)
  const late = known(file, {
    write (fd, bytes) {
      t.equal(ended(known(file)), 'removed')
      return now.write(fd, bytes)
    }
  })
  t.equal(ended(late), 'gone')
  t.equal(late.view, null)
})

t.test('a session that was made anew under the name stays', async t => {
  const file = await newFile(t)
  const replaceAnd = (more: () => void): Partial<DiskNow> => ({
    rename (from, to) {
      // As when another process has removed the file and made one of its own.
      unlinkSync(from)
      created(from, {}, 'anew')
      now.rename(from, to)
      more()
    }
  })
  t.equal(await ended(known(file, replaceAnd(() => {}))), 'removed')
  t.equal(textIn(file.path), 'anew')

  const next = await newFile(t)
  t.equal(await ended(known(next, replaceAnd(() => { writeFileSync(next.path, 'yet another') }))), 'removed')
  t.equal(readFileSync(next.path, 'utf8'), 'yet another', 'the last one has the name')
  t.strictSame(readdirSync(dirname(next.path)), ['file'])
})

t.test('a file that cannot be removed at once holds a tombstone', async t => {
  for (const changes of [{ rename: fails('rename') }, { unlink: fails('unlink') }]) {
    const file = await newFile(t)
    t.equal(ended(known(file, changes)), 'removed')
    t.equal(await textOf(another(file)) ?? '', '')
  }
})

t.test('a file that was removed meanwhile has not to be taken out', async t => {
  const file = await newFile(t)
  const disk = readyDisk({ rename: fails('rename', 'ENOENT') })
  t.equal(takeOutNow(disk.now as DiskNow, disk, file.path, file.view?.ino as number), undefined)
})

t.test('a file of which the disk does not say which one it is does not go back under its name', async t => {
  const file = await newFile(t)
  const linked: string[] = []
  const cannotSay = { ...readyDisk({ lstat: () => undefined }), lstat: async () => fails('lstat')(), link: async (path: string) => { linked.push(path) } }
  t.equal(await ended(new SessionFile(file.path, cannotSay, false, { known: file.view }), tipId(file)), 'removed')
  t.strictSame(linked, [])
  t.notOk(existsSync(file.path))

  const next = await newFile(t)
  t.equal(await ended(known(next, { lstat: () => undefined })), 'removed')
  t.strictSame(readdirSync(dirname(next.path)), [], 'the slow way looks again')
})

t.test('what may have to wait is not ended at once', async t => {
  const file = await newFile(t)
  t.equal(ended(known(file, { isReady: () => false })), undefined)
  t.equal(ended(new SessionFile(file.path, readyDisk(), true, { known: file.view })), undefined, 'one to be synced')
  t.equal(another(file, readyDisk()).endNow(tipId(file), performance.now()), undefined, 'one that was never seen')
  t.equal(known(file).endNow(tipId(file), performance.now() + 11_000), undefined, 'or long ago')
  t.equal(await textOf(file), 'first')
})

t.test('a session is removed at its version only, at once or not', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir })
  await store.open()
  const { sesid, name, version } = await newSession(store, 'text')
  t.equal(await store.remove(name, 'another.'), 'conflict')
  t.ok(existsSync(pathOf(sessionDir, sesid)))
  t.equal(await store.remove(name, version), 'removed')
  t.notOk(existsSync(pathOf(sessionDir, sesid)))
})
