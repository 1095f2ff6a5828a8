import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemError } from '../../../lib/errors'
import { probeDirectory } from '../../../lib/store/files/disk-probe'
import { localDisk } from '../../../lib/store/files/local-disk'
import { diskWith, openDescriptors } from '../../support/disks'
import { privateDirectory } from '../../support/session-files'

const LOCAL = { name: 'ext4' }

const STRICT = { durable: false, allowUnsafe: false }

t.test('a local file system can do all that is needed, and nothing is left behind', async t => {
  const directory = privateDirectory(t)
  const before = openDescriptors()
  t.strictSame(await probeDirectory(directory, STRICT, undefined, LOCAL), [])
  t.strictSame(await probeDirectory(directory, { durable: true, allowUnsafe: false }, diskWith({}), LOCAL), [])
  t.type(await probeDirectory(directory, { durable: false, allowUnsafe: true }), Array, 'whatever this machine has')
  await Promise.all(Array.from({ length: 8 }, () => probeDirectory(directory, STRICT, undefined, LOCAL)))
  t.strictSame(readdirSync(directory), [])
  t.equal(openDescriptors(), before)
})

t.test('a file system is known by its name to be fit or unfit', async t => {
  const directory = privateDirectory(t)
  const probe = (name: string, options = STRICT): Promise<string[]> => probeDirectory(directory, options, undefined, { name })
  await t.rejects(probe('nfs4'), { code: 'SESSION_FILE', message: /\(nfs4\) cannot keep sessions safe: machines that share it .*allowUnsafeDirectory/ })
  t.match(await probe('fuse.sshfs', { durable: false, allowUnsafe: true }), [/machines that share it/])
  t.match(await probe('fuse.other'), [/\(fuse.other\) is a program's \(FUSE\)/])
  t.strictSame(await probe('fuseblk'), [])
  t.strictSame(await probe('tmpfs'), [])
  t.match(await probe('tmpfs', { durable: true, allowUnsafe: false }), [/durability 'fsync' keeps nothing longer/])
})

t.test('trouble with the disk is not the file system\'s fault', async t => {
  const directory = privateDirectory(t)
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

t.test('a tmpfs passes the trials, and a full one is an error', async t => {
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
