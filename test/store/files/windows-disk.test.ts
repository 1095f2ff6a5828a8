import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { DiskCalls, FileStatus } from '../../../lib/store/files/disk'
import { faultsOf } from '../../../lib/store/files/disk-trials'
import { SessionFile } from '../../../lib/store/files/session-file'
import { FILE_MODE, TO_MAKE } from '../../../lib/store/files/private-file'
import { windowsDisk } from '../../../lib/store/files/windows-disk'
import { pooledDisk, systemError } from '../../support/disks'
import { recordOf, sealedJournal, textIn, wholeText } from '../../support/journal-files'
import { ntfsDisk, type NtfsDisk } from '../../support/ntfs-disk'
import { beside, sealedFile } from '../../support/sealed-files'
import { another, directory, newFile, textOf, tipId } from '../../support/single-file'

const PATIENCE = { stale: 50, patience: 5 }

function windows (t: Test, ntfs: NtfsDisk = ntfsDisk()): { ntfs: NtfsDisk, disk: DiskCalls, dir: string } {
  return { ntfs, disk: windowsDisk(ntfs.calls, PATIENCE), dir: directory(t) }
}

/** Calls of which each is refused so many times before it is done. */
function refusing (times: number, code: string): { calls: DiskCalls, waited: () => number } {
  const refused = new Map<string, number>()
  let waited = 0
  const entries = Object.entries(pooledDisk).map(([name, call]) => [name, async (...given: unknown[]) => {
    const count = refused.get(name) ?? 0
    refused.set(name, count + 1)
    if (count < times) throw systemError(code, name)
    refused.delete(name)
    return await (call as (...given: unknown[]) => Promise<unknown>)(...given)
  }])
  const calls = Object.fromEntries(entries) as unknown as DiskCalls
  return { calls: { ...calls, wait: async milliseconds => { waited += milliseconds } }, waited: () => waited }
}

t.test('what Windows refuses for a moment is tried again', async t => {
  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    const dir = directory(t)
    const { calls, waited } = refusing(3, code)
    const disk = windowsDisk({ ...calls, write: pooledDisk.write, close: pooledDisk.close, fstat: pooledDisk.fstat }, PATIENCE)
    const path = join(dir, 'file')
    await disk.close(await disk.open(path, TO_MAKE, FILE_MODE))
    t.equal((await disk.lstat(path)).size, 0)
    await disk.lutimes(path, 1, 2)
    await disk.link(path, `${path}.other`)
    await disk.rename(path, `${path}.moved`)
    await disk.unlink(`${path}.other`)
    await disk.mkdir(join(dir, 'inner'), 0o700)
    t.strictSame((await disk.readdir(dir)).sort(), ['file.moved', 'inner'])
    await disk.rmdir(join(dir, 'inner'))
    t.strictSame(readdirSync(dir), ['file.moved'])
    t.equal(waited(), 9 * 3 * PATIENCE.patience)
  }
})

t.test('what it refuses for longer is an error, after a bounded time; any other error is one at once', async t => {
  const path = join(directory(t), 'file')
  writeFileSync(path, '')
  const { calls, waited } = refusing(Infinity, 'EBUSY')
  await t.rejects(windowsDisk(calls, PATIENCE).unlink(path), { code: 'EBUSY' })
  t.equal(waited(), PATIENCE.stale)
  await t.rejects(windowsDisk({ ...calls, lstat: pooledDisk.lstat }, PATIENCE).rename(path, `${path}.moved`), { code: 'EBUSY' })
  t.equal(waited(), 2 * PATIENCE.stale)
  const other = refusing(Infinity, 'EIO')
  await t.rejects(windowsDisk(other.calls).unlink(path), { code: 'EIO' })
  await t.rejects(windowsDisk(other.calls).rename(path, `${path}.moved`), { code: 'EIO' })
  await t.rejects(windowsDisk(other.calls).rmdir(path), { code: 'EIO' })
  t.equal(other.waited(), 0)
})

t.test('a directory takes the place of an empty one, and of no other', async t => {
  const { disk, dir, ntfs } = windows(t)
  const [one, two, lock, file] = ['one', 'two', 'lock', 'file'].map(name => join(dir, name)) as [string, string, string, string]
  for (const path of [one, two, lock]) mkdirSync(path)
  writeFileSync(join(one, 'token'), '')
  await t.rejects(ntfs.calls.rename(one, lock), { code: 'EPERM' })
  await disk.rename(one, lock)
  t.strictSame(readdirSync(lock), ['token'])
  await t.rejects(disk.rename(two, lock), { code: 'ENOTEMPTY' })
  t.equal(ntfs.waited(), 0, 'that is an answer, and not waited for')
  writeFileSync(file, '')
  await t.rejects(disk.rename(file, two), { code: 'EPERM' }, 'a file takes no directory\'s place')
  await t.rejects(disk.rename(join(dir, 'missing'), two), { code: 'ENOENT' })
})

t.test('a directory that another process removes, or looks into, meanwhile', async t => {
  const { dir, ntfs: { calls } } = windows(t)
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  const make = (): void => { for (const path of [from, to]) mkdirSync(path, { recursive: true }) }
  make()
  const gone: DiskCalls = { ...calls, async rmdir (path) { rmSync(path, { recursive: true }); await calls.rmdir(path) } }
  await windowsDisk(gone, PATIENCE).rename(from, to)
  t.strictSame(readdirSync(dir), ['to'])
  make()
  const used: DiskCalls = { ...calls, rmdir: async () => { throw systemError('EBUSY', 'rmdir') } }
  await t.rejects(windowsDisk(used, PATIENCE).rename(from, to), { code: 'ENOTEMPTY' }, 'it may be a lock that is in use')
  await t.rejects(windowsDisk(used, PATIENCE).rmdir(to), { code: 'ENOTEMPTY' }, 'and is left, like one that is not empty')
})

t.test('a file was last used when it was last changed, and a touch is such a change', async t => {
  const { disk, dir } = windows(t)
  const path = join(dir, 'file')
  writeFileSync(path, 'text')
  utimesSync(path, 5000, 1000)
  const times = ({ atimeMs, mtimeMs }: FileStatus): number[] => [atimeMs, mtimeMs]
  t.strictSame(times(await disk.lstat(path)), [1_000_000, 1_000_000], 'an access time says nothing')
  await disk.lutimes(path, 3000, 2000)
  t.equal(statSync(path).mtimeMs, 3_000_000)
  await disk.lutimes(path, 4000, 6000)
  const fd = await disk.open(path, 0)
  t.strictSame(times(await disk.fstat(fd)), [6_000_000, 6_000_000])
  await disk.futimes(fd, 7000, 1000)
  await disk.close(fd)
  t.strictSame(times(await disk.lstat(path)), [7_000_000, 7_000_000])
})

const NEEDS = { durable: false, freesOpenFiles: false, numbersFilesOnce: true }

t.test('the rules of NTFS are enough for session files', async t => {
  for (const isDeletionPending of [false, true]) {
    const { ntfs, disk, dir } = windows(t, ntfsDisk({ isDeletionPending }))
    const trials = join(dir, 'trials')
    mkdirSync(trials)
    t.strictSame(await faultsOf(disk, trials, NEEDS), [])
    t.ok((await faultsOf(disk, trials, { durable: true, freesOpenFiles: true, numbersFilesOnce: true })).length >= 2, 'not for more')
    t.ok((await faultsOf(ntfs.calls, trials, NEEDS)).length >= 1, 'and not as they are')
  }
})

t.test('a file is saved to, rewritten and removed, with nothing left behind', async t => {
  for (const isDeletionPending of [false, true]) {
    const { disk } = windows(t, ntfsDisk({ isDeletionPending }))
    const file = await newFile(t, 'first', disk)
    for (let turn = 0; turn < 40; turn++) {
      await file.read()
      t.equal(await file.append(recordOf(wholeText(turn, 1000)), tipId(file)), 'replaced')
    }
    t.equal(await textOf(another(file, disk)), wholeText(39, 1000))
    t.strictSame(beside(file.path), ['file'])
    const late = another(file, disk)
    await late.read()
    t.equal(await file.remove(), true)
    t.equal(await late.append(recordOf('late'), tipId(late)), 'gone')
    t.strictSame(readdirSync(join(file.path, '..')), [])
  }
})

t.test('a record is stored while another program has the file open, and the file is rewritten later', async t => {
  const { ntfs, disk } = windows(t)
  const file = await newFile(t, 'x'.repeat(3000), disk)
  const close = ntfs.scan(file.path)
  const rest: string[] = []
  for (let turn = 0; turn < 12; turn++) {
    const read = await file.read()
    if (read?.tip?.seal === true) break
    const text = wholeText(turn, 3000)
    t.equal(await file.append(recordOf(text), tipId(file)), 'replaced')
    rest.push(text)
  }
  t.equal((await file.read())?.tip?.seal, true)
  t.equal(await textOf(another(file, disk)), rest.at(-1), 'the seal is stored')
  t.equal(ntfs.waited(), PATIENCE.stale, 'it waits no longer than that')
  t.strictSame(beside(file.path), ['file'], 'and is in nobody\'s way')
  await t.rejects(file.rewrite(), { code: 'EPERM' }, 'no other record can follow as yet')
  close()
  await file.rewrite()
  t.equal((await file.read())?.tip?.seal, false)
  t.equal(textIn(file.path), rest.at(-1))
})

t.test('a process that waits finds that another one has put the file in place', async t => {
  const path = sealedFile(t)
  const { calls, scan } = ntfsDisk()
  const close = scan(path)
  const other = windowsDisk(calls, PATIENCE)
  let isDone = false
  const slow: DiskCalls = {
    ...calls,
    async wait () {
      if (isDone) return
      isDone = true
      close()
      await new SessionFile(path, { ...other, wait: async () => {} }, false, { limits: { ...LIMITS, stale: 0 } }).rewrite()
    }
  }
  const file = new SessionFile(path, windowsDisk(slow, PATIENCE), false)
  await file.rewrite()
  t.equal((await file.read())?.tip?.seal, false)
  t.equal(await file.append(recordOf('next'), tipId(file)), 'replaced')
  t.equal(textIn(path), 'next')
  t.strictSame(beside(path), ['file'])
})

t.test('a session is set aside, and ended, while another program has its file open', async t => {
  const { ntfs, disk, dir } = windows(t)
  const path = join(dir, 'file')
  writeFileSync(path, sealedJournal('text'), { mode: 0o600 })
  const close = ntfs.scan(path)
  await new SessionFile(path, disk, false).setAside(1234)
  t.strictSame(beside(path), ['file.1234.aside'])
  close()
  const file = await newFile(t, 'next', disk)
  const closeNext = ntfs.scan(file.path)
  t.equal(await file.remove(), true)
  t.equal(await another(file, disk).read(), null)
  closeNext()
})

const LIMITS = { size: 16 * 1024, fewestRecords: 8, ...PATIENCE }
