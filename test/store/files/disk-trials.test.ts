import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemError } from '../../../lib/errors'
import { probeDirectory } from '../../../lib/store/files/disk-probe'
import type { Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { windowsPlatform } from '../../../lib/store/files/platform'
import { windowsDisk } from '../../../lib/store/files/windows-disk'
import { diskWith } from '../../support/disks'
import { ntfsDisk } from '../../support/ntfs-disk'
import { privateDirectory } from '../../support/session-files'

const LOCAL = { name: 'ext4' }

const STRICT = { durable: false, allowUnsafe: false }

t.test('each thing that a file system cannot do is named', async t => {
  const directory = privateDirectory(t)
  const { open, read, rename, fstat, lstat, readdir, lutimes, unlink } = localDisk
  const faulty: Array<[RegExp, Partial<Disk>]> = [
    [/two processes can make one file/, { open: (path, flags, mode) => open(path, flags & ~0o200, mode) }],
    [/what one process appends/, { open: (path, flags, mode) => open(path, flags & ~0o2000, mode) }],
    [/what one process appends/, { read: async (fd, bytes, position) => await read(fd, bytes.subarray(0, 4), position) }],
    [/renamed over another/, { async rename (from, to) { if (from.includes('.tmp/') && (await lstat(from)).size === 8) throw systemError('EEXIST', 'file exists', 'rename'); await rename(from, to) } }],
    [/still has a name/, { fstat: async fd => Object.assign(await fstat(fd), { nlink: 1 }) }],
    [/still has a name/, { readdir: async path => [...await readdir(path), '.fuse_hidden01'] }],
    [/renamed onto an empty one/, { async rename (from, to) { if ((await lstat(to)).nlink > 1) throw systemError('EINVAL', 'invalid argument', 'rename'); await rename(from, to) } }],
    [/renamed onto an empty one/, { async rename (from, to) { if ((await readdir(to).catch(() => [])).length > 0) throw systemError('EINVAL', 'invalid argument', 'rename'); await rename(from, to) } }],
    [/renamed onto an empty one/, {
      async rename (from, to) {
        for (const name of await readdir(to).catch(() => [])) await unlink(join(to, name))
        await rename(from, to)
      }
    }],
    [/no hard links/, { link: async () => { throw systemError('EPERM', 'operation not permitted', 'link') } }],
    [/no hard links/, { link: async () => {} }],
    [/no hard links/, { link: async (from, to) => { await localDisk.link(from, to).catch(() => {}) } }],
    [/access times/, { lutimes: async (path, atime, mtime) => { await lutimes(path, Math.floor(atime / 86400) * 86400, mtime) } }],
    [/access times/, { lutimes: async (path, atime) => { await lutimes(path, atime, Date.now() / 1000) } }]
  ]
  for (const [fault, own] of faulty) {
    const message = new RegExp(`^the file system of .* \\(ext4\\) cannot keep sessions safe: .*${fault.source}.*allowUnsafeDirectory: true`)
    await t.rejects(probeDirectory(directory, STRICT, diskWith(own), LOCAL), { code: 'SESSION_FILE', message }, String(fault))
    const [warning, ...more] = await probeDirectory(directory, { durable: false, allowUnsafe: true }, diskWith(own), LOCAL)
    t.match(warning, fault)
    t.notMatch(warning, 'allowUnsafeDirectory')
    t.strictSame(more, [])
  }
  const unsynced = diskWith({ fsync: async () => { throw systemError('EINVAL', 'invalid argument', 'fsync') } })
  t.strictSame(await probeDirectory(directory, STRICT, unsynced, LOCAL), [], 'what is not needed is not tried')
  await t.rejects(probeDirectory(directory, { durable: true, allowUnsafe: false }, unsynced, LOCAL), { message: /directories cannot be synced/ })
  mkdirSync(join(directory, 'only'))
  t.strictSame(readdirSync(directory), ['only'], 'nothing is left behind')
})

t.test('where a file is known by its number alone, numbers that are used again are named', async t => {
  const directory = privateDirectory(t)
  const reusing = windowsDisk(ntfsDisk({ isNumberReused: true }).calls)
  const once = windowsDisk(ntfsDisk().calls)
  const message = /cannot keep sessions safe: it gives the number of a file that was removed to a new one, as Wine does\. .*allowUnsafeDirectory: true/
  await t.rejects(probeDirectory(directory, STRICT, reusing, LOCAL, windowsPlatform), { code: 'SESSION_FILE', message })
  t.match(await probeDirectory(directory, { durable: false, allowUnsafe: true }, reusing, LOCAL, windowsPlatform), [/as Wine does$/])
  t.strictSame(await probeDirectory(directory, STRICT, once, LOCAL, windowsPlatform), [])
  const here = { ...windowsPlatform, numbersFilesOnce: false }
  t.strictSame(await probeDirectory(directory, STRICT, reusing, LOCAL, here), [], 'elsewhere it is not asked')
  t.strictSame(readdirSync(directory), [], 'nothing is left behind')
})

t.test('a clock of the file system that differs from this process\'s is named', async t => {
  const directory = privateDirectory(t)
  const { fstat } = localDisk
  for (const [shift, text] of [[7_000, '7 s ahead of'], [-3_600_000, '3600 s behind']] as const) {
    const disk = diskWith({ async fstat (fd) { const status = await fstat(fd); return Object.assign(status, { mtimeMs: status.mtimeMs + shift }) } })
    t.match(await probeDirectory(directory, STRICT, disk, LOCAL), [text])
  }
  const coarse = diskWith({ async fstat (fd) { const status = await fstat(fd); return Object.assign(status, { mtimeMs: Math.floor(status.mtimeMs / 2000) * 2000 }) } })
  t.strictSame(await probeDirectory(directory, STRICT, coarse, LOCAL), [])
})
