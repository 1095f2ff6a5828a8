import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFile } from '../../../lib/store/files/session-file'
import { interceptedDisk, openDescriptors, pooledDisk, systemError } from '../../support/disks'
import { isClean, recordOf } from '../../support/journal-files'
import { directory, newFile, another, textOf } from '../../support/single-file'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('a file is made with its first record, for this user alone', async t => {
  const file = await newFile(t, 'text')
  t.equal(statSync(file.path).mode & 0o7777, 0o600)
  t.equal(file.view?.tip?.text, 'text')
  t.equal(await textOf(file), 'text')
  t.equal(await textOf(another(file)), 'text')
  t.ok(isClean(file.path))
})

t.test('a file is made once', async t => {
  const file = await newFile(t, 'text')
  await t.rejects(another(file).create(recordOf('other')), { code: 'EEXIST' })
  t.equal(await textOf(another(file)), 'text')
  await t.rejects(new SessionFile(join(file.path, '..', 'missing', 'file'), localDisk, false).create(recordOf('x')), { code: 'ENOENT' })
})

t.test('a file that cannot be made leaves nothing behind', async t => {
  const dir = directory(t)
  const before = openDescriptors()
  for (const failing of ['write', 'fdatasync', 'fsync', 'fstat'] as const) {
    const disk = interceptedDisk(async (name, _given, call) => {
      if (name === failing) throw systemError('EIO', name)
      return await call()
    })
    await t.rejects(new SessionFile(join(dir, failing), disk, true).create(recordOf('text')), { code: 'EIO' }, failing)
  }
  const short: Disk = { ...pooledDisk, write: (fd, bytes) => localDisk.write(fd, bytes.subarray(0, 20)) }
  await t.rejects(new SessionFile(join(dir, 'short'), short, false).create(recordOf('text')), { code: 'ENOSPC', syscall: 'write' })
  t.strictSame(readdirSync(dir), [])
  t.equal(openDescriptors(), before)
})
