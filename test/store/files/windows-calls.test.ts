import { chmodSync, constants, lstatSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { FileStatus } from '../../../lib/store/files/disk'
import { localDiskAt, localDiskOf } from '../../../lib/store/files/local-disk'
import { exactCalls } from '../../../lib/store/files/windows-calls'
import { openDescriptors, noDescriptorList, pooledDisk } from '../../support/disks'
import { sessionDirectory } from '../../support/session-files'

t.test('file numbers are exact, modes are this user\'s, times are fractions of a millisecond', async t => {
  const dir = t.testdir()
  const path = join(dir, 'file')
  writeFileSync(path, 'text')
  chmodSync(path, 0o666)
  const disk = localDiskOf('win32')
  const fd = await disk.open(path, constants.O_RDONLY)
  const status = lstatSync(path, { bigint: true })
  const check = ({ ino, size, nlink, mode, uid, mtimeMs, ctimeMs, birthtimeMs, atimeMs }: FileStatus, kind: number): void => {
    t.strictSame([ino, size, nlink, mode, uid], [status.ino, 4, 1, kind | 0o700, Number(status.uid)])
    t.strictSame([mtimeMs, ctimeMs, birthtimeMs], [status.mtimeNs, status.ctimeNs, status.birthtimeNs].map(time => Number(time) / 1e6))
    t.equal(atimeMs, mtimeMs)
  }
  check(await disk.lstat(path), constants.S_IFREG)
  check(await disk.fstat(fd), constants.S_IFREG)
  await disk.close(fd)
  const { ino, mode } = await disk.stat(dir)
  t.strictSame([ino, mode], [lstatSync(dir, { bigint: true }).ino, constants.S_IFDIR | 0o700])
  await t.rejects(disk.lstat(join(dir, 'missing')), { code: 'ENOENT' })
  await t.rejects(disk.stat(join(dir, 'missing')), { code: 'ENOENT' })
})

t.test('no file is kept open there, and no call is done in the event loop', async t => {
  for (const disk of [localDiskOf('win32'), localDiskAt(sessionDirectory(t), 'win32')]) {
    t.equal(disk.now, undefined)
    t.equal(disk.eager, undefined)
  }
})

t.test('a link is not followed, without a flag for that', { skip: noDescriptorList }, async t => {
  const dir = t.testdir({ file: 'text' })
  symlinkSync(join(dir, 'file'), join(dir, 'link'))
  const before = openDescriptors()
  const calls = exactCalls(pooledDisk)
  await t.rejects(calls.open(join(dir, 'link'), constants.O_RDONLY), { code: 'ELOOP', syscall: 'open' })
  t.equal(openDescriptors(), before)
  // Windows does not say what a file is that is about to go.
  const blind = exactCalls({ ...pooledDisk, open: async (_path, flags) => await pooledDisk.open(join(dir, 'file'), flags) })
  await blind.close(await blind.open(join(dir, 'missing'), constants.O_RDONLY))
})

t.test('a path is the system\'s own', async t => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'real'))
  symlinkSync('real', join(dir, 'link'))
  const disk = localDiskOf('win32')
  t.equal(await disk.realpath(join(dir, 'link')), join(realpathSync(dir), 'real'))
  await t.rejects(disk.realpath(join(dir, 'missing')), { code: 'ENOENT' })
})
