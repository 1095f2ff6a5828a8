import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { syncDirectory, unlessMissing } from '../../../lib/store/files/disk'
import { interceptedDisk, openDescriptors, recordingDisk, systemError } from '../../support/disks'

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
