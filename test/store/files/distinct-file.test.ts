import { constants, fstatSync } from 'node:fs'
import t from 'tap'
import { birth, type Disk, type FileNumber, type FileStatus } from '../../../lib/store/files/disk'
import type { Identity } from '../../../lib/store/files/distinct-file'
import { replaceSealed } from '../../../lib/store/files/seal'
import { interceptedDisk, openDescriptors } from '../../support/disks'
import { recordOf, textIn } from '../../support/journal-files'
import { beside, sealedFile } from '../../support/sealed-files'

const LIMITS = { stale: 2000, patience: 5 }

/** A disk whose clock moves a second at a time, and only while somebody waits; `hasBirths`: it knows when files were made. */
function coarseDisk (hasBirths: boolean): { disk: Disk, calls: string[], waited: () => number } {
  let now = 0
  const second = (): number => Math.floor(now / 1000) * 1000
  const births = new Map<FileNumber, number>()
  const calls: string[] = []
  const disk = interceptedDisk(async (name, given, call) => {
    calls.push(name)
    if (name === 'wait') now += given[0] as number
    const isNew = name === 'open' && ((given[1] as number) & constants.O_CREAT) !== 0
    const result = await call()
    if (isNew) births.set(fstatSync(result as number).ino, second())
    if (name !== 'lstat' && name !== 'fstat') return result
    const status = result as FileStatus
    const birthtimeMs = births.get(status.ino) ?? 0
    return { ...status, ctimeMs: second(), birthtimeMs: hasBirths ? birthtimeMs : 0 }
  })
  return { disk, calls, waited: () => now }
}

t.test('where a clock is coarse, a rewrite waits for its next tick once, and syncs once', async t => {
  for (const hasBirths of [true, false]) {
    const path = sealedFile(t, 'text')
    const { disk, calls, waited } = coarseDisk(hasBirths)
    const file = { path, disk, durable: false, limits: LIMITS }
    const status = await replaceSealed(file, recordOf('first'), { ino: 0, born: 0 }, async () => true)
    t.equal(waited(), 1000)
    t.equal(calls.filter(name => name === 'fdatasync').length, 1)
    t.equal(calls.filter(name => name === 'open').length, 3, 'the journal, whose birth came too early, a file to read the clock by, and the journal again')
    t.equal(status === null ? null : birth(status), 1000)
    t.equal(textIn(path), 'first')
    t.strictSame(beside(path), ['file'])
  }
})

t.test('where a clock is coarse, one process rewrites many times in a tick, and no two files can be taken for each other', async t => {
  for (const hasBirths of [true, false]) {
    const path = sealedFile(t, 'text')
    const { disk, waited } = coarseDisk(hasBirths)
    const file = { path, disk, durable: false, limits: LIMITS }
    const identities = new Set<string>()
    const look = async (): Promise<Identity> => {
      const status = await disk.lstat(path)
      return { ino: status.ino, born: birth(status) }
    }
    for (let count = 1; count <= 40; count++) {
      await replaceSealed(file, recordOf(`text ${count}`), await look(), async () => true)
      const { ino, born } = await look()
      identities.add(`${ino} ${born}`)
      t.equal(identities.size, count)
      t.strictSame(beside(path), ['file'])
    }
    t.equal(textIn(path), 'text 40')
    t.equal(waited(), 2000, 'for its first tick, and when it has used up the numbers that it remembers')

    const { ino, born } = await look()
    await replaceSealed({ ...file, disk: { ...disk } }, recordOf('other'), { ino, born }, async () => true)
    t.equal(waited(), 3000, 'another process does not know what stood there')
    await replaceSealed(file, recordOf('text'), await look(), async () => true)
    t.equal(waited(), 4000, 'nor does this one any more')
  }
})

t.test('a clock that stands still is an error, and leaves nothing behind', async t => {
  const path = sealedFile(t, 'text')
  const disk = interceptedDisk(async (name, _given, call) => {
    const result = await call()
    return name === 'fstat' ? { ...result as FileStatus, birthtimeMs: 7 } : result
  })
  const file = { path, disk, durable: false, limits: LIMITS }
  await t.rejects(replaceSealed(file, recordOf('first'), { ino: 0, born: 7 }, async () => true),
    { name: 'SessionFileError', message: /clock .* stands still: choose another sessionDir/ })
  t.equal(textIn(path), 'text')
  t.strictSame(beside(path), ['file'])
})

t.test('a staged file that is not private is not put in place, and its descriptor is closed', async t => {
  const path = sealedFile(t, 'text')
  const before = openDescriptors()
  const disk = interceptedDisk(async (name, _given, call) => {
    const result = await call()
    return name === 'fstat' ? { ...result as FileStatus, mode: constants.S_IFREG | 0o644 } : result
  })
  const file = { path, disk, durable: false, limits: LIMITS }
  await t.rejects(replaceSealed(file, recordOf('first'), { ino: 0, born: 0 }, async () => true), { name: 'SessionFileError', message: /others may use/ })
  t.equal(textIn(path), 'text')
  t.strictSame(beside(path), ['file'])
  t.equal(openDescriptors(), before)
})
