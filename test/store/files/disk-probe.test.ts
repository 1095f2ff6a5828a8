import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemError } from '../../../lib/errors'
import { probeDirectory } from '../../../lib/store/files/disk-probe'
import type { TrialDisk } from '../../../lib/store/files/disk-trials'
import { localDisk } from '../../../lib/store/files/local-disk'
import { openDescriptors } from '../../support/disks'

const LOCAL = { name: 'ext4' }
const STRICT = { durable: false, allowUnsafe: false }

/** The local disk with a call of its own. */
function diskWith (own: Partial<TrialDisk>): TrialDisk {
  return { ...localDisk, link, ...own }
}

function directoryOf (t: Test): string {
  const directory = t.testdir()
  chmodSync(directory, 0o700)
  return directory
}

t.test('a local file system can do all that is needed, and nothing is left behind', async t => {
  const directory = directoryOf(t)
  const before = openDescriptors()
  t.strictSame(await probeDirectory(directory, STRICT, undefined, LOCAL), [])
  t.strictSame(await probeDirectory(directory, { durable: true, allowUnsafe: false }, diskWith({}), LOCAL), [])
  t.type(await probeDirectory(directory, { durable: false, allowUnsafe: true }), Array, 'whatever this machine has')
  await Promise.all(Array.from({ length: 8 }, () => probeDirectory(directory, STRICT, undefined, LOCAL)))
  t.strictSame(readdirSync(directory), [])
  t.equal(openDescriptors(), before)
})

t.test('each thing that a file system cannot do is named', async t => {
  const directory = directoryOf(t)
  const { open, read, rename, fstat, lstat, readdir, lutimes, unlink } = localDisk
  const faulty: Array<[RegExp, Partial<TrialDisk>]> = [
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
    [/no hard links/, { link: async (from, to) => { await link(from, to).catch(() => {}) } }],
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

t.test('what is known of a file system by its name', async t => {
  const directory = directoryOf(t)
  const probe = (name: string, options = STRICT): Promise<string[]> => probeDirectory(directory, options, undefined, { name })
  await t.rejects(probe('nfs4'), { code: 'SESSION_FILE', message: /\(nfs4\) cannot keep sessions safe: machines that share it .*allowUnsafeDirectory/ })
  t.match(await probe('fuse.sshfs', { durable: false, allowUnsafe: true }), [/machines that share it/])
  t.match(await probe('fuse.other'), [/\(fuse.other\) is a program's \(FUSE\)/])
  t.strictSame(await probe('fuseblk'), [])
  t.strictSame(await probe('tmpfs'), [])
  t.match(await probe('tmpfs', { durable: true, allowUnsafe: false }), [/durability 'fsync' keeps nothing longer/])
})

t.test('a clock that is not this process\'s', async t => {
  const directory = directoryOf(t)
  const { fstat } = localDisk
  for (const [shift, text] of [[7_000, '7 s ahead of'], [-3_600_000, '3600 s behind']] as const) {
    const disk = diskWith({ async fstat (fd) { const status = await fstat(fd); return Object.assign(status, { mtimeMs: status.mtimeMs + shift }) } })
    t.match(await probeDirectory(directory, STRICT, disk, LOCAL), [text])
  }
  const coarse = diskWith({ async fstat (fd) { const status = await fstat(fd); return Object.assign(status, { mtimeMs: Math.floor(status.mtimeMs / 2000) * 2000 }) } })
  t.strictSame(await probeDirectory(directory, STRICT, coarse, LOCAL), [])
})

t.test('trouble with the disk is no fault of the file system', async t => {
  const directory = directoryOf(t)
  const { write } = localDisk
  let writes = 0
  for (const code of ['EIO', 'EROFS', 'EMFILE']) {
    writes = 0
    const disk = diskWith({ async write (fd, bytes) { if (++writes === 3) throw systemError(code, 'made up', 'write'); return await write(fd, bytes) } })
    await t.rejects(probeDirectory(directory, STRICT, disk, LOCAL), { message: new RegExp(`cannot try out the session directory in .*: ${code}; `), cause: { code } })
  }
  for (const error of [systemError('ENOSPC', 'no space left on device', 'write'), Object.assign(new Error('Unknown system error -122, write'), { code: 'Unknown system error -122', errno: -122 })]) {
    writes = 0
    const disk = diskWith({ async write (fd, bytes) { if (++writes === 3) throw error; return await write(fd, bytes) } })
    t.match(await probeDirectory(directory, STRICT, disk, LOCAL), [/was not tried out, for the disk is full/], 'what is there can be read')
  }
  t.strictSame(readdirSync(directory), [])
})

t.test('on a tmpfs, also when it is full', async t => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'file-sessions-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', mountPoint], { stdio: 'ignore' })
  } catch {
    rmdirSync(mountPoint)
    t.comment('skipped: this user may not mount a tmpfs')
    return
  }
  t.teardown(() => {
    execFileSync('umount', [mountPoint])
    rmdirSync(mountPoint)
  })
  t.strictSame(await probeDirectory(mountPoint, STRICT), [])
  t.match(await probeDirectory(mountPoint, { durable: true, allowUnsafe: false }), [/\(tmpfs\) ends with the machine/])
  const { bavail, bsize } = statfsSync(mountPoint)
  writeFileSync(join(mountPoint, 'ballast'), Buffer.alloc(bavail * bsize))
  t.match(await probeDirectory(mountPoint, STRICT), [/was not tried out, for the disk is full/])
  t.strictSame(readdirSync(mountPoint), ['ballast'])
})
