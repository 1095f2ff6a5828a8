import { appendFileSync, chmodSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { longestFile, readView } from '../../../lib/store/files/file-reading'
import type { ReadView } from '../../../lib/store/files/file-view'
import { openToRead } from '../../../lib/store/files/private-file'
import { localDisk } from '../../../lib/store/files/local-disk'
import { interceptedDisk } from '../../support/disks'
import { journalOf, recordOf } from '../../support/journal-files'

const LIMITS = { size: 16 * 1024, fewestRecords: 8 }

function file (t: Test, bytes: Buffer): string {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, bytes, { mode: 0o600 })
  return path
}

async function view (path: string, longest?: number, disk: Disk = localDisk): Promise<ReadView> {
  const fd = await openToRead(disk, path)
  try {
    return await readView(disk, fd, null, undefined, longest)
  } finally {
    await disk.close(fd)
  }
}

t.test('a file may hold what its limits allow, a seal, and some records that are void', async t => {
  t.equal(longestFile(1024 * 1024, LIMITS), 73 * (1024 * 1024 + 40))
  t.equal(longestFile(100, LIMITS), 16 * 1024 + 65 * 140, 'also when the records are short')
})

t.test('a file that is longer than any can be is refused before room is made for it', async t => {
  const path = file(t, journalOf(recordOf('text')))
  truncateSync(path, 700 * 1024 * 1024)
  const allocate = t.capture(Buffer, 'allocUnsafe', Buffer.allocUnsafe)
  const longest = longestFile(1024 * 1024, LIMITS)
  await t.rejects(view(path, longest), {
    name: 'SessionFileError',
    message: `a session file has ${700 * 1024 * 1024} bytes, and with this maxSize none can have more than ${longest}: ` +
      `look for it with find SESSION_DIR -size +${longest}c, then remove it, or raise maxSize`
  })
  t.strictSame(allocate.args(), [])
})

t.test('a file of just the longest length is read', async t => {
  const bytes = journalOf(recordOf('text'))
  const path = file(t, bytes)
  t.equal((await view(path, bytes.length)).view.tip?.text, 'text')
  t.equal((await view(path)).view.tip?.text, 'text')
  await t.rejects(view(path, bytes.length - 1), { name: 'SessionFileError' })
})

t.test('of a file that is known only the rest is read', async t => {
  const [first, second] = [recordOf('text'), recordOf('more')]
  const path = file(t, journalOf(first))
  const known = (await view(path)).view
  const all = journalOf(first, second)
  appendFileSync(path, all.subarray(known.end))
  const positions: unknown[] = []
  const disk = interceptedDisk(async (name, given, call) => {
    if (name === 'read') positions.push(given[2])
    return await call()
  })
  const fd = await openToRead(disk, path)
  t.match(await readView(disk, fd, known, second.id), { won: true, nlink: 1, view: { tip: { text: 'more' }, end: all.length } })
  t.strictSame(positions, [known.end])
  await disk.close(fd)
})

t.test('a file that becomes shorter while it is read', async t => {
  const path = file(t, journalOf(recordOf('text'), recordOf('more')))
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'read') truncateSync(path, journalOf(recordOf('text')).length)
    return await call()
  })
  const { tip, size } = (await view(path, undefined, disk)).view
  t.equal(tip?.text, 'text')
  t.equal(size, journalOf(recordOf('text')).length)
})

t.test('a file that others may use is not read', async t => {
  const path = file(t, journalOf(recordOf('text')))
  chmodSync(path, 0o604)
  await t.rejects(view(path), { name: 'SessionFileError', message: /others may use a session file/ })
})
