import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { birth, checkWhole, removeEmpty, syncDirectory, unlessMissing } from '../../../lib/store/files/disk'
import { interceptedDisk, openDescriptors, pooledDisk, recordingDisk, systemError } from '../../support/disks'

t.test('syncing a directory opens, syncs and closes it', async t => {
  const dir = t.testdir({ sub: {} })
  const { disk, calls } = recordingDisk(dir)
  await syncDirectory(disk, join(dir, 'sub'))
  t.strictSame(calls, ['open sub', 'fsync sub', 'close sub'])

  const before = openDescriptors()
  const broken = interceptedDisk(async (name, _given, call) => {
    if (name === 'fsync') throw systemError('EIO', name)
    return await call()
  })
  await t.rejects(syncDirectory(broken, dir), { code: 'EIO' })
  t.equal(openDescriptors(), before)
})

t.test('what is missing is null, what is wrong is an error', async t => {
  writeFileSync(join(t.testdir(), 'file'), '')
  t.equal(await unlessMissing(Promise.resolve(7)), 7)
  t.equal(await unlessMissing(Promise.reject(systemError('ENOENT'))), null)
  await t.rejects(unlessMissing(Promise.reject(systemError('EACCES'))), { code: 'EACCES' })
})

t.test('a directory is removed if it is empty', async t => {
  const dir = t.testdir({ full: { file: '' } })
  mkdirSync(join(dir, 'empty'))
  for (const name of ['empty', 'full', 'missing']) await removeEmpty(pooledDisk, join(dir, name))
  t.notOk(existsSync(join(dir, 'empty')))
  t.ok(existsSync(join(dir, 'full', 'file')))
  await t.rejects(removeEmpty(pooledDisk, join(dir, 'full', 'file')), { code: 'ENOTDIR' })
})

t.test('the time of the last change stands for a birth time that is not known', async t => {
  const status = statSync(t.testdir())
  t.equal(birth({ ...status, birthtimeMs: 5, ctimeMs: 7 }), 5)
  t.equal(birth({ ...status, birthtimeMs: 0, ctimeMs: 7 }), 7)
})

t.test('a short write is an error', async t => {
  checkWhole(3, Buffer.alloc(3))
  t.throws(() => { checkWhole(2, Buffer.alloc(3)) }, { code: 'ENOSPC', syscall: 'write', message: 'ENOSPC: short write, 2 of 3 bytes' })
})
