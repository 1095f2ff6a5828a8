import { appendFileSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFile } from '../../../lib/store/files/session-file'
import { interceptedDisk, pooledDisk } from '../../support/disks'
import { freshModule } from '../../support/fresh-module'
import { journalOf, recordOf } from '../../support/journal-files'
import { directory, newFile, another, textOf } from '../../support/single-file'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('a file that goes while it is known is not there', async t => {
  const file = await newFile(t)
  unlinkSync(file.path)
  await file.touch(Date.now())
  t.equal(await file.read(), null)
  t.equal(file.view, null)
})

t.test('what is known is not read again', async t => {
  const file = await newFile(t)
  const known = new SessionFile(file.path, pooledDisk, false, { known: file.view })
  t.equal(await known.read(), file.view)
})

t.test('a file that another took the place of is read anew', async t => {
  const file = await newFile(t, 'old')
  writeFileSync(`${file.path}2`, journalOf(recordOf('new')))
  renameSync(`${file.path}2`, file.path)
  t.equal(await textOf(file), 'new', 'of the same size')
})

t.test('another access time is seen without reading the file', async t => {
  const file = await newFile(t)
  utimesSync(file.path, 1000, 2000)
  const view = await new SessionFile(file.path, pooledDisk, false, { known: file.view }).read()
  t.strictSame([view?.atimeMs, view?.mtimeMs], [1_000_000, 2_000_000])
  t.equal(view?.tip, file.view?.tip)
})

t.test('a read in pieces is whole, and one that ends early counts what was read', async t => {
  const file = await newFile(t, 'x'.repeat(100))
  const pieces: Disk = { ...pooledDisk, read: (fd, bytes, position) => localDisk.read(fd, bytes.subarray(0, 9), position) }
  t.equal(await textOf(another(file, pieces)), 'x'.repeat(100))
  const larger: Disk = { ...pooledDisk, fstat: async fd => Object.assign(await localDisk.fstat(fd), { size: 1000 }) }
  const view = await another(file, larger).read()
  t.equal(view?.tip?.text, 'x'.repeat(100))
  t.equal(view?.size, 140, 'what was read counts, not what was announced')
})

t.test('a file without a whole record has no tip, until it gets one', async t => {
  const dir = directory(t)
  const path = join(dir, 'file')
  const bytes = journalOf(recordOf('text'))
  writeFileSync(path, '')
  const file = new SessionFile(path, localDisk, false)
  t.match(await file.read(), { tip: null, torn: false })
  appendFileSync(path, bytes.subarray(0, 10))
  t.match(await file.read(), { tip: null, torn: true })
  appendFileSync(path, bytes.subarray(10))
  t.match(await file.read(), { tip: { text: 'text' } })
})

t.test('where the system cannot open a file without noting it, files are read all the same', async t => {
  const file = await newFile(t)
  const fs = require('node:fs') as typeof import('node:fs')
  const { O_NOATIME, ...constants } = fs.constants
  const mocked = freshModule<typeof import('../../../lib/store/files/session-file')>(require.resolve('../../../lib/store/files/session-file'), {
    'node:fs': { ...fs, constants }
  })
  const flags: unknown[] = []
  const disk = interceptedDisk(async (name, given, call) => {
    if (name === 'open') flags.push(given[1])
    return await call()
  })
  t.match(await new mocked.SessionFile(file.path, disk, false).read(), { tip: { text: 'first' } })
  t.match(await new SessionFile(file.path, disk, false).read(), { tip: { text: 'first' } })
  const flag = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  t.strictSame(flags, [flag, flag | O_NOATIME])
})
