import { constants, existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { immediateCalls, localDisk } from '../../../lib/store/files/local-disk'

t.test('the local disk does what the system calls do', async t => {
  const dir = t.testdir()
  const sub = join(dir, 'sub')
  await localDisk.mkdir(sub, 0o700)
  t.equal(statSync(sub).mode & 0o777, 0o700)

  const path = join(sub, 'file')
  const fd = await localDisk.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(await localDisk.write(fd, Buffer.from('hello')), 5)
  const bytes = Buffer.alloc(10)
  t.equal(await localDisk.read(fd, bytes, 1), 4)
  t.equal(bytes.toString('latin1', 0, 4), 'ello')
  await localDisk.fdatasync(fd)
  await localDisk.fsync(fd)
  t.equal((await localDisk.fstat(fd)).size, 5)
  await localDisk.close(fd)
  t.throws(() => readFileSync(fd), { code: 'EBADF' })

  symlinkSync(path, join(sub, 'link'))
  t.equal((await localDisk.lstat(join(sub, 'link'))).ino, lstatSync(join(sub, 'link')).ino)
  await localDisk.lutimes(path, 1000, 2000)
  t.strictSame([statSync(path).atimeMs, statSync(path).mtimeMs], [1_000_000, 2_000_000])

  t.strictSame((await localDisk.readdir(sub)).sort(), ['file', 'link'])
  await localDisk.rename(path, join(dir, 'moved'))
  await localDisk.unlink(join(sub, 'link'))
  await localDisk.rmdir(sub)
  t.notOk(existsSync(sub))
  t.equal(readFileSync(join(dir, 'moved'), 'utf8'), 'hello')
  await localDisk.wait(1)
})

t.test('the local disk rejects with the system\'s errors', async t => {
  const missing = join(t.testdir(), 'missing')
  const calls: Record<string, () => Promise<unknown>> = {
    open: () => localDisk.open(missing, constants.O_RDONLY),
    lstat: () => localDisk.lstat(missing),
    lutime: () => localDisk.lutimes(missing, 1, 1),
    unlink: () => localDisk.unlink(missing),
    rename: () => localDisk.rename(missing, `${missing}2`),
    mkdir: () => localDisk.mkdir(join(missing, 'sub'), 0o700),
    rmdir: () => localDisk.rmdir(missing),
    scandir: () => localDisk.readdir(missing)
  }
  for (const [syscall, call] of Object.entries(calls)) await t.rejects(call(), { code: 'ENOENT', syscall })
})

t.test('the immediate disk does what the system calls do', async t => {
  const dir = t.testdir()
  const path = join(dir, 'file')
  const disk = immediateCalls()
  t.equal(disk.isReady(), true)
  t.throws(() => disk.open(path, constants.O_WRONLY), { code: 'ENOENT', syscall: 'open' })
  writeFileSync(path, 'a')
  const fd = disk.open(path, constants.O_WRONLY | constants.O_APPEND)
  t.equal(disk.write(fd, Buffer.from('bc')), 2)
  t.equal(disk.fstat(fd).size, 3)
  disk.close(fd)
  t.throws(() => disk.fstat(fd), { code: 'EBADF' })
  t.equal(readFileSync(path, 'utf8'), 'abc')
  t.equal(disk.lstat(path)?.ino, lstatSync(path).ino)
  t.equal(disk.lstat(join(dir, 'missing')), undefined)
  t.equal(disk.lstat(join(path, 'below a file')), undefined, 'ENOTDIR: whoever asks in earnest gets the error')
})

t.test('after a call that had to wait for the disk the next ones are not done at once, for fifty times as long', async t => {
  const path = join(t.testdir(), 'file')
  // Each look at the clock takes as long as the next one in the list, at last no time at all.
  const passing: number[] = []
  let time = 1000
  const disk = immediateCalls(() => {
    time += passing.shift() ?? 0
    return time
  })
  const fd = disk.open(path, constants.O_WRONLY | constants.O_CREAT)
  const write = (milliseconds: number): void => {
    passing.push(0, milliseconds)
    disk.write(fd, Buffer.from('x'))
  }
  write(5)
  t.equal(disk.isReady(), true, 'quick enough')
  write(6)
  t.equal(disk.isReady(), false)
  time += 299
  t.equal(disk.isReady(), false)
  write(1)
  t.equal(disk.isReady(), true, 'that is over, and began with the slow write')
  passing.push(0, 10)
  disk.lstat(path)
  t.equal(disk.isReady(), false, 'looking counts')
  time += 500
  t.equal(disk.isReady(), true)
  passing.push(0, 10)
  disk.close(disk.open(path, constants.O_RDONLY))
  t.equal(disk.isReady(), false, 'and so does opening')
  disk.close(fd)
  t.equal(immediateCalls(() => time).isReady(), true, 'each disk for itself')
})
