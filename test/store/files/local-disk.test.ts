import fs, {
  constants, existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { isDirectory, isLink, type DiskNow } from '../../../lib/store/files/disk'
import { localDisk, localDiskAt, localDiskWith } from '../../../lib/store/files/local-disk'
import { systemError } from '../../support/disks'

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
  t.equal(await localDisk.write(fd, Buffer.from('j'), 0), 1)
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
  await localDisk.link(path, join(dir, 'linked'))
  await t.rejects(localDisk.link(path, join(dir, 'linked')), { code: 'EEXIST' })
  await localDisk.rename(path, join(dir, 'moved'))
  await localDisk.unlink(join(sub, 'link'))
  await localDisk.rmdir(sub)
  t.notOk(existsSync(sub))
  t.strictSame(['moved', 'linked'].map(name => readFileSync(join(dir, name), 'utf8')), ['jello', 'jello'])
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

t.test('the lane without promises does what the system calls do', async t => {
  const dir = t.testdir()
  const path = join(dir, 'file')
  const disk = localDiskWith({}).now
  t.equal(disk.isReady(), true)
  t.throws(() => disk.open(path, constants.O_WRONLY), { code: 'ENOENT', syscall: 'open' })
  writeFileSync(path, 'a')
  const fd = disk.open(path, constants.O_RDWR | constants.O_APPEND)
  t.equal(disk.write(fd, Buffer.from('bc')), 2)
  const bytes = Buffer.alloc(5)
  t.equal(disk.read(fd, bytes, 1), 2)
  t.equal(bytes.toString('latin1', 0, 2), 'bc')
  t.equal(disk.fstat(fd).size, 3)
  disk.close(fd)
  t.throws(() => disk.fstat(fd), { code: 'EBADF' })
  t.equal(readFileSync(path, 'utf8'), 'abc')
  t.equal(disk.lstat(path)?.ino, lstatSync(path).ino)
  t.equal(disk.lstat(join(dir, 'missing')), undefined)
  t.equal(disk.lstat(join(path, 'below a file')), undefined, 'ENOTDIR: the pooled call says so')
})

interface SlowDisk {
  now: DiskNow
  /** Milliseconds that the next calls take. */
  takes: number[]
  /** Milliseconds of them for which the process waits for a processor. */
  loses: number[]
  pass: (milliseconds: number) => void
}

/**
 * A disk with a clock of its own. Each call takes as long as the next one in the list, and then no time at all.
 * `loseMeanwhile`: between the calls the process waits for a processor.
 */
function slowDisk ({ loseMeanwhile = false } = {}): SlowDisk {
  const takes: number[] = []
  const loses: number[] = []
  let time = 1
  let lost = 0
  let isUnderWay = false
  const { now } = localDiskWith({
    processorWait: () => {
      // Asked before a call, or after it.
      isUnderWay = false
      return lost
    },
    clock: () => {
      if (isUnderWay) {
        time += takes.shift() ?? 0
        lost += loses.shift() ?? 0
      }
      isUnderWay = !isUnderWay
      return time
    }
  })
  const pass = (milliseconds: number): void => {
    time += milliseconds
    if (loseMeanwhile) lost += milliseconds
  }
  return { now: { ...now, isReady: () => now.isReady(time) }, takes, loses, pass }
}

t.test('a call that had to wait for a moment leaves the quick lanes open', t => {
  const { now, takes, pass } = slowDisk()
  const path = t.testdir()
  takes.push(6)
  now.lstat(path)
  t.equal(now.isReady(), true, 'the process lost its processor, soon after its start')
  takes.push(6, 6)
  now.lstat(path)
  t.equal(now.isReady(), true)
  now.lstat(path)
  t.equal(now.isReady(), true, '18 milliseconds')
  takes.push(5, 5, 5)
  for (let call = 0; call < 3; call++) now.lstat(path)
  t.equal(now.isReady(), true, 'that is no waiting')
  takes.push(6)
  now.lstat(path)
  t.equal(now.isReady(), false, '24 milliseconds, of which little is paid for')
  t.equal(now.isQuick(), false)
  pass(200)
  t.equal(now.isReady(), true)
  now.lstat(path)
  t.equal(now.isQuick(), true)
  t.end()
})

t.test('a process that lost its processor does not take the disk for a slow one', t => {
  const { now, takes, loses, pass } = slowDisk()
  const path = t.testdir()
  const call = (take: number, lose: number): boolean => {
    takes.push(take)
    loses.push(lose)
    now.lstat(path)
    return now.isReady()
  }
  t.equal(call(300, 300), true, 'it had to wait for a processor alone')
  t.equal(call(300, 297), true, 'and for a moment for the disk')
  t.equal(call(300, 200), false, 'for the disk as well')
  pass(4000)
  t.equal(now.isReady(), true)
  t.equal(call(10, 300), true, 'more than the call took makes the disk no quicker')
  t.equal(call(300, -300), false, 'and what falls makes it no slower')
  pass(14_689)
  t.equal(now.isReady(), false)
  pass(1)
  t.equal(now.isReady(), true)
  t.end()
})

t.test('on a machine that is busy beside a slow disk the event loop waits 2 % of its time as well', t => {
  const { now, takes, pass } = slowDisk({ loseMeanwhile: true })
  const path = t.testdir()
  let time = 0
  let held = 0
  while (time < 60_000) {
    // The work of a request, for most of which it waited for a processor. The call waits for the disk alone.
    pass(40)
    time += 40
    if (!now.isReady()) continue
    takes.push(30)
    now.lstat(path)
    held += 30
    time += 30
  }
  t.ok(held > 1000 && held <= 60_000 * 0.02 + 20 + 2 * 30, `${held} ms of ${time}`)
  t.end()
})

t.test('what a process loses while it asks for its wait is not what the call waited for', t => {
  let time = 1
  let takes = 6
  let isCalling = false
  const { now } = localDiskWith({
    processorWait: () => {
      if (isCalling) time += 100
      isCalling = false
      return 0
    },
    clock: () => {
      if (isCalling) time += takes
      isCalling = !isCalling
      return time
    }
  })
  const path = t.testdir()
  now.lstat(path)
  takes = 0
  time += 50
  now.lstat(path)
  t.equal(time, 157, 'the process was asked for, and that took long')
  t.equal(now.isReady(time), true)
  t.end()
})

t.test('after a slow call the wait for a processor is asked for again once a millisecond, not at each call', t => {
  let time = 1
  let takes = 0
  let asked = 0
  let isUnderWay = false
  const { now } = localDiskWith({
    processorWait: () => {
      asked++
      isUnderWay = false
      return 0
    },
    clock: () => {
      if (isUnderWay) time += takes
      isUnderWay = !isUnderWay
      return time
    }
  })
  const path = t.testdir()
  const askedBy = (calls: number): number => {
    const before = asked
    for (let call = 0; call < calls; call++) now.lstat(path)
    return asked - before
  }
  t.equal(askedBy(10), 0)
  takes = 6
  t.equal(askedBy(1), 1, 'after the slow call itself')
  takes = 0.125
  t.equal(askedBy(7), 0)
  t.equal(askedBy(9), 1)
  t.equal(askedBy(800), 100)
  takes = 0
  time += 10_000
  t.equal(askedBy(10), 0, 'the watch is over')
  t.end()
})

t.test('what a process lost long before a call is not what the call waited for', async t => {
  let lost = 0
  let isCalling = false
  let time = 1
  const { now } = localDiskWith({
    clock: () => {
      if (isCalling) time += 100
      return time
    },
    probe: async () => {},
    processorWait: () => lost
  })
  const path = t.testdir()
  lost = 500
  now.isReady(time)
  await nextTurn()
  t.equal(now.isReady(time), true)
  isCalling = true
  now.lstat(path)
  isCalling = false
  now.isReady(time)
  await nextTurn()
  t.equal(now.isReady(time), false, 'the probe before the call has noted it')
})

t.test('a call that waited long closes the quick lanes until fifty times as long is over, less a second', t => {
  const path = join(t.testdir(), 'file')
  let fd = 0
  const calls: Record<string, (disk: DiskNow) => void> = {
    open: disk => { fd = disk.open(path, constants.O_RDWR | constants.O_CREAT) },
    write: disk => { disk.write(fd, Buffer.from('x')) },
    read: disk => { disk.read(fd, Buffer.alloc(1), 0) },
    lstat: disk => { disk.lstat(path) },
    'a call that fails': disk => { t.throws(() => disk.open(join(path, 'x'), constants.O_RDONLY), { code: 'ENOTDIR' }) }
  }
  for (const [name, call] of Object.entries(calls)) {
    const { now, takes, pass } = slowDisk()
    takes.push(100)
    call(now)
    t.equal(now.isReady(), false, name)
    pass(3999)
    call(now)
    t.equal(now.isReady(), false, 'a quick one changes nothing')
    pass(1)
    t.equal(now.isReady(), true)
    if (name === 'open') fs.closeSync(fd)
    fd = fs.openSync(path, 'r+')
  }
  fs.closeSync(fd)
  t.equal(slowDisk().now.isReady(), true, 'each disk for itself')
  t.end()
})

t.test('on a disk that is always slow the event loop waits 2 % of its time, and 20 ms ahead', t => {
  const { now, takes, pass } = slowDisk()
  const path = t.testdir()
  let waited = 0
  for (let time = 0; time < 10_000;) {
    const duration = now.isReady() ? 6 : 0
    if (duration > 0) {
      takes.push(duration)
      now.lstat(path)
      waited += duration
    } else {
      pass(1)
    }
    time += duration === 0 ? 1 : duration
  }
  t.ok(waited > 200 && waited <= 200 + 20 + 6, `${waited} ms of 10 s`)
  t.end()
})

t.test('the eager lane does what the system calls do, at once or pooled', async t => {
  let isSlow = false
  let time = 0
  const { eager } = localDiskWith({
    clock: () => {
      if (isSlow) time += 100
      return time
    }
  })
  for (isSlow of [false, true]) {
    const dir = t.testdir()
    const sub = join(dir, 'sub')
    await eager.mkdir(sub, 0o700)
    const path = join(sub, 'file')
    const fd = await eager.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    t.equal(statSync(path).mode & 0o777, 0o600)
    t.equal(await eager.write(fd, Buffer.from('hello')), 5)
    await eager.close(fd)
    t.equal((await eager.lstat(path)).size, 5)
    await eager.lutimes(path, 1000, 2000)
    t.strictSame([statSync(path).atimeMs, statSync(path).mtimeMs], [1_000_000, 2_000_000])
    t.strictSame(await eager.readdir(sub), ['file'])
    await eager.link(path, join(dir, 'linked'))
    await eager.unlink(join(dir, 'linked'))
    await eager.rename(path, join(dir, 'moved'))
    await eager.rmdir(sub)
    await eager.unlink(join(dir, 'moved'))
    t.strictSame(readdirSync(dir), [])
    await t.rejects(eager.lstat(path), { code: 'ENOENT' })
  }
})

t.test('nothing is done at once while a probe of the disk has not come back', async t => {
  let time = 5000
  const probes: Array<{ comeBack: () => void, fail: (error: Error) => void }> = []
  const disk = localDiskWith({
    clock: () => time,
    probe: async () => { await new Promise<void>((resolve, reject) => { probes.push({ comeBack: resolve, fail: reject }) }) }
  })
  const { now } = disk
  t.equal(now.isReady(), false, 'the first use asks')
  t.equal(now.isReady(), false)
  time += 60_000
  t.equal(now.isReady(), false, 'for as long as it takes')
  t.equal(probes.length, 1, 'and one thread of the pool at most waits for it')

  probes[0]?.comeBack()
  await nextTurn()
  t.equal(now.isReady(), false, 'it was long ago: the next one is under way')
  probes[1]?.comeBack()
  await nextTurn()
  t.equal(now.isReady(), true)
  time += 99
  t.equal(now.isReady(), true)
  t.equal(probes.length, 2)
  time += 1
  t.equal(now.isReady(), false, 'after 100 milliseconds it is asked again')
  probes[2]?.fail(systemError('EROFS'))
  await nextTurn()
  t.equal(now.isReady(), true, 'an error is an answer')
  t.equal(probes.length, 3)
})

t.test('what changes nothing is done at once beside a probe, and does not ask for one', async t => {
  let probes = 0
  const { now, eager } = localDiskWith({ clock: () => 5000, probe: () => { probes++; return new Promise(() => {}) } })
  const path = join(t.testdir({ file: 'text' }), 'file')
  t.equal(now.isReadyToRead(), true)
  t.equal((await eager.lstat(path)).size, 4)
  t.strictSame(await eager.readdir(join(path, '..')), ['file'])
  t.equal(probes, 0)
  t.equal(now.isReady(), false)
  t.equal(probes, 1)
  t.intercept(fs, 'lstatSync', { value: () => 'at once' })
  t.equal(await eager.lstat(path) as unknown, 'at once')
  t.equal(now.isReadyToRead(), true)
  t.equal(now.isReady(), false)
})

t.test('a change that came back is as good as a probe, for 5 milliseconds', async t => {
  let time = 5000
  let probes = 0
  const { now } = localDiskWith({ clock: () => time, probe: async () => { probes++ } })
  const path = join(t.testdir({ file: '' }), 'file')
  const fd = now.open(path, constants.O_RDWR | constants.O_APPEND)
  t.teardown(() => { now.close(fd) })
  now.isReady()
  await nextTurn()
  const isAsked = async (change: () => void, rest: number): Promise<boolean> => {
    const before = probes
    time += 200
    t.throws(() => { now.unlink(join(path, 'missing')) }, 'a change that fails shows nothing')
    change()
    time += rest
    now.isReady()
    await nextTurn()
    return probes > before
  }
  t.equal(await isAsked(() => {}, 0), true)
  t.equal(await isAsked(() => { now.lstat(path) }, 0), true, 'a look shows nothing')
  t.equal(await isAsked(() => { now.write(fd, Buffer.from('x')) }, 4.9), false)
  t.equal(await isAsked(() => { now.write(fd, Buffer.from('x')) }, 5), true)
  t.equal(await isAsked(() => { now.link(path, `${path}2`) }, 0), false)
  t.equal(await isAsked(() => { now.rename(`${path}2`, `${path}3`) }, 0), false)
  t.equal(await isAsked(() => { now.unlink(`${path}3`) }, 0), false)
})

t.test('while the filesystem is frozen what is asked for goes through the pool, and the event loop is free', async t => {
  const dir = t.testdir()
  let thaw = (): void => {}
  const frozen = new Promise<void>(resolve => { thaw = resolve })
  const { eager } = localDiskWith({ clock: () => 0, probe: () => frozen })
  for (const name of ['mkdirSync', 'openSync', 'writeSync'] as const) {
    t.intercept(fs, name, { value: () => { throw new Error(`${name} in the event loop`) } })
  }
  await eager.mkdir(join(dir, 'sub'), 0o700)
  const fd = await eager.open(join(dir, 'sub', 'file'), constants.O_WRONLY | constants.O_CREAT, 0o600)
  t.equal(await eager.write(fd, Buffer.from('text')), 4)
  thaw()
  await nextTurn()
  await t.rejects(eager.write(fd, Buffer.from('text')), { message: 'writeSync in the event loop' })
  await eager.close(fd)
})

t.test('the disk of a server probes its directory, and does not mind when that is missing', async t => {
  const dir = t.testdir()
  utimesSync(dir, 1000, 1000)
  const { now } = localDiskAt(dir)
  t.equal(now?.isReady(), false)
  while (now?.isReady() !== true) await nextTurn()
  t.ok(statSync(dir).mtimeMs > 1_000_000, 'by a change that a frozen filesystem does not let through')
  const missing = localDiskAt(join(dir, 'missing')).now
  while (missing?.isReady() !== true) await nextTurn()
  t.pass('it is ready')
})

t.test('the calls for directories do what the system calls do', async t => {
  const dir = t.testdir({ file: 'text', sub: {} })
  symlinkSync('sub', join(dir, 'link'))
  t.ok(isDirectory(await localDisk.stat(join(dir, 'link'))))
  t.ok(isLink(await localDisk.lstat(join(dir, 'link'))))
  t.equal(await localDisk.realpath(join(dir, 'link')), join(dir, 'sub'))
  await localDisk.mkdir(join(dir, 'made'), 0o700)
  t.equal(statSync(join(dir, 'made')).mode & 0o777, 0o700)
  await localDisk.access(join(dir, 'made'))
  await localDisk.link(join(dir, 'file'), join(dir, 'other'))
  t.equal(statSync(join(dir, 'file')).nlink, 2)
  t.ok((await localDisk.statfs(dir)).bsize > 0)
  const names: string[] = []
  for await (const { name } of await localDisk.opendir(dir)) names.push(name)
  t.strictSame(names.sort(), ['file', 'link', 'made', 'other', 'sub'])
})

t.test('the calls for directories reject with the system\'s error', async t => {
  const dir = t.testdir({ file: '' })
  for (const call of ['stat', 'lstat', 'realpath', 'access', 'opendir', 'statfs'] as const) {
    await t.rejects(localDisk[call](join(dir, 'missing')) as Promise<unknown>, { code: 'ENOENT' }, call)
  }
  await t.rejects(localDisk.mkdir(join(dir, 'file'), 0o700), { code: 'EEXIST' })
  await t.rejects(localDisk.link(join(dir, 'file'), join(dir, 'file')), { code: 'EEXIST' })
})
