import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { SessionFileError, systemError } from '../../../lib/errors'
import type { DiskNow } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { makePrivateDirectory, PrivateDirectory } from '../../../lib/store/files/private-directory'

const NAME = 'ab'.repeat(32)

const isRoot = process.geteuid?.() === 0

function mode (path: string): number {
  return statSync(path).mode & 0o7777
}

t.test('a directory is made for this user alone, and so are those above it', async t => {
  const top = join(t.testdir(), 'one')
  await makePrivateDirectory(join(top, 'two', 'three'), false)
  for (const path of [top, join(top, 'two'), join(top, 'two', 'three')]) t.equal(mode(path), 0o700)
  await makePrivateDirectory(join(top, 'two', 'three'), false)
  t.equal(mode(top), 0o700, 'and again is no error')
})

t.test('with durability fsync, new directories are synced up to the first that was there', async t => {
  const dir = t.testdir()
  await makePrivateDirectory(join(dir, 'one', 'two'), true)
  t.equal(mode(join(dir, 'one', 'two')), 0o700)
  await makePrivateDirectory(join(dir, 'one', 'two'), true)
})

t.test('a path that leads back up again makes nothing on its way', async t => {
  const dir = t.testdir({ start: {} })
  const expected = join(dir, 'other')
  await makePrivateDirectory(`${dir}/start/one/two/../../../other`, true)
  t.equal(mode(expected), 0o700)
  t.throws(() => statSync(join(dir, 'start', 'one')), { code: 'ENOENT' }, 'what the path only passes through is not made')
})

t.test('a directory that is there already keeps its mode, if no other user can enter', async t => {
  for (const right of [0o700, 0o2700]) {
    const path = join(t.testdir(), 'sessions')
    mkdirSync(path)
    chmodSync(path, right)
    await makePrivateDirectory(path, false)
    t.equal(mode(path), right)
  }
})

t.test('a directory that is open to others is refused, and the message says what to do', async t => {
  for (const wrong of [0o701, 0o702, 0o704, 0o755, 0o777, 0o1777]) {
    const path = join(t.testdir(), 'sessions')
    mkdirSync(path)
    chmodSync(path, wrong)
    const refused = makePrivateDirectory(path, false)
    await t.rejects(refused, SessionFileError)
    await t.rejects(refused, { code: 'SESSION_FILE', message: `others may use the session directory ${path}: run chmod 700 ${path}, if it is for sessions alone` })
    chmodSync(path, 0o700)
    await makePrivateDirectory(path, false)
  }
})

t.test('of a session directory that git or an image brought the message says more', async t => {
  const path = join(t.testdir(), 'sessions')
  mkdirSync(path)
  chmodSync(path, 0o755)
  await t.rejects(makePrivateDirectory(path, false, true), {
    message: `others may use the session directory ${path}: run chmod 700 ${path}, if it is for sessions alone; ` +
      'the sessions in it stay. If git or an image brought it, remove it and list it in .gitignore and .dockerignore: the app makes it by itself'
  })
})

t.test('a directory that this process may not write to', async t => {
  const path = join(t.testdir(), 'sessions')
  t.intercept(localDisk, 'access', { value: async () => { throw Object.assign(new Error('EROFS'), { code: 'EROFS' }) } })
  await t.rejects(makePrivateDirectory(path, false), { code: 'SESSION_FILE', message: /EROFS; the filesystem is read-only/ })
})

t.test('a link that leads nowhere has a message of its own', async t => {
  const path = join(t.testdir(), 'sessions')
  symlinkSync('/nowhere/at/all', path)
  const advice = /ENOENT; a symbolic link stands there, and the directory that it leads to is missing: make that directory, or remove the link$/
  await t.rejects(makePrivateDirectory(path, false, true), { code: 'SESSION_FILE', message: advice })
  await t.rejects(makePrivateDirectory(join(path, 'sid'), false), { code: 'SESSION_FILE', message: advice }, 'above it, too')
})

t.test('a directory that is open to its group is refused', async t => {
  for (const wrong of [0o770, 0o750, 0o710, 0o2770]) {
    const path = join(t.testdir(), 'sessions')
    mkdirSync(path)
    chmodSync(path, wrong)
    await t.rejects(makePrivateDirectory(path, false), { code: 'SESSION_FILE', message: `its group may use the session directory ${path}: run chmod 700 ${path}, if it is for sessions alone` })
  }
})

t.test('a directory of another user is refused', { skip: isRoot ? false : 'only root can give directories to others' }, async t => {
  const path = join(t.testdir(), 'sessions')
  mkdirSync(path, { mode: 0o700 })
  chownSync(path, 65534, 65534)
  await t.rejects(makePrivateDirectory(path, false), {
    code: 'SESSION_FILE',
    message: `the session directory ${path} belongs to another user (uid 65534; this process is uid 0): run the app as its owner, or run chown -R 0 ${path}, if it is for sessions alone`
  })
})

t.test('modes are not looked at where there are no users', async t => {
  const path = join(t.testdir(), 'sessions')
  mkdirSync(path)
  chmodSync(path, 0o755)
  t.intercept(process, 'geteuid', { value: undefined })
  await makePrivateDirectory(path, false)
})

t.test('only the session directory may be a link, to a private directory', async t => {
  const dir = t.testdir({ right: {}, wrong: {} })
  chmodSync(join(dir, 'right'), 0o700)
  chmodSync(join(dir, 'wrong'), 0o755)
  for (const name of ['right', 'wrong', 'missing']) symlinkSync(join(dir, name), join(dir, `to-${name}`))
  await makePrivateDirectory(join(dir, 'to-right'), false, true)
  await t.rejects(makePrivateDirectory(join(dir, 'to-wrong'), false, true), { message: /others may use/ })
  await t.rejects(makePrivateDirectory(join(dir, 'to-missing'), false, true), { cause: { code: 'ENOENT' } })
  await t.rejects(makePrivateDirectory(join(dir, 'to-right'), false), { message: /a symbolic link stands where a directory should be: remove it/, cause: { code: 'ELOOP' } })

  const guard = new PrivateDirectory(join(dir, 'to-right', 'sid'))
  await guard.make()
  await guard.makeShard(NAME)
  await guard.check(NAME)
  symlinkSync('ab', join(dir, 'right', 'sid', 'cd'))
  await t.rejects(guard.check('cd'.repeat(32)), { cause: { code: 'ELOOP' } })
  renameSync(join(dir, 'right', 'sid'), join(dir, 'right', 'other'))
  symlinkSync('other', join(dir, 'right', 'sid'))
  await t.rejects(new PrivateDirectory(join(dir, 'to-right', 'sid')).check(NAME), { cause: { code: 'ELOOP' } })
})

t.test('a check stands for a second', async t => {
  const directory = join(t.testdir(), 'sessions', 'sid')
  const guard = new PrivateDirectory(directory)
  let now = 5000
  t.intercept(performance, 'now', { value: () => now })
  t.notOk(guard.checkNow(NAME), 'nothing was looked at yet')
  await guard.check(NAME)
  t.notOk(guard.checkNow(NAME), 'what is not there may be made by another process')
  await guard.makeShard(NAME)
  await guard.check(NAME)
  const looks: string[] = []
  for (const call of ['stat', 'lstat'] as const) {
    const original = localDisk[call]
    t.intercept(localDisk, call, { value: async (path: string) => { looks.push(path); return await original(path) } })
  }
  now += 999
  t.ok(guard.checkNow(NAME))
  await guard.check(NAME)
  t.strictSame(looks, [])
  chmodSync(join(directory, 'ab'), 0o777)
  now++
  t.notOk(guard.checkNow(NAME))
  t.notOk(guard.checkNow(`ff${NAME.slice(2)}`))
  const refused = { code: 'SESSION_FILE', message: `others may use the session directory ${join(directory, 'ab')}: run chmod 700 ${join(directory, 'ab')}` }
  await Promise.all([t.rejects(guard.check(NAME), refused), t.rejects(guard.check(NAME), refused)])
  t.strictSame(looks, [dirname(directory), directory, join(directory, 'ab')], 'one look for both')
  t.notOk(guard.checkNow(NAME))
  chmodSync(join(directory, 'ab'), 0o700)
  await guard.check(NAME)
  t.strictSame(looks.slice(3), [join(directory, 'ab')], 'what was found right is not looked at again')
  t.ok(guard.checkNow(NAME))
})

t.test('a directory that was private moments ago is looked at without waiting', async t => {
  const directory = join(t.testdir(), 'sessions', 'sid')
  const looks: string[] = []
  let isReady = true
  const disk: DiskNow = {
    ...localDisk.now as DiskNow,
    isReadyToRead: () => isReady,
    lstat (path) {
      looks.push(path)
      return (localDisk.now as DiskNow).lstat(path)
    }
  }
  const guard = new PrivateDirectory(directory, false, disk)
  const durable = new PrivateDirectory(directory, true, disk)
  let now = 50_000
  t.intercept(performance, 'now', { value: () => now })
  await guard.makeShard(NAME)
  await durable.makeShard(NAME)
  now += 1000
  t.ok(guard.checkNow(NAME))
  t.strictSame(looks, [join(directory, 'ab'), directory, dirname(directory)])
  t.ok(guard.checkNow(NAME), 'that stands for a second')
  t.equal(looks.length, 3)
  t.notOk(durable.checkNow(NAME), 'an entry may have to be synced')
  now += 1000
  isReady = false
  t.notOk(guard.checkNow(NAME), 'a slow disk')
  isReady = true
  chmodSync(join(directory, 'ab'), 0o750)
  t.notOk(guard.checkNow(NAME))
  await t.rejects(guard.check(NAME), { message: /its group may use/ })
  chmodSync(join(directory, 'ab'), 0o700)
  await guard.check(NAME)
  now += 1000
  renameSync(directory, `${directory}.moved`)
  t.notOk(guard.checkNow(NAME), 'one that is missing')
  symlinkSync(`${directory}.moved`, directory)
  t.notOk(guard.checkNow(NAME), 'a link')
  rmSync(directory)
  renameSync(`${directory}.moved`, directory)
  t.ok(guard.checkNow(NAME))
  now += 10_001
  t.notOk(guard.checkNow(NAME), 'the kernel may have to read it')
})

t.test('before something is removed, all is looked at again', async t => {
  const directory = join(t.testdir(), 'sessions', 'sid')
  const guard = new PrivateDirectory(directory)
  await guard.makeShard(NAME)
  await guard.checkShardAgain(join(directory, 'ab'))
  for (const path of [join(directory, 'ab'), directory, dirname(directory)]) {
    chmodSync(path, 0o750)
    await t.rejects(guard.checkShardAgain(join(directory, 'ab')), { message: /its group may use/ })
    if (!path.endsWith('ab')) await t.rejects(guard.checkAgain(), { message: /its group may use/ })
    chmodSync(path, 0o700)
  }
  await guard.checkShardAgain(join(directory, 'ab'))
})

t.test('a directory that cannot be looked at is an error', async t => {
  const directory = join(t.testdir(), 'sessions', 'sid')
  t.intercept(localDisk, 'lstat', { value: async () => { throw systemError('EIO', 'i/o error', 'lstat') } })
  await t.rejects(new PrivateDirectory(directory).check(NAME), { code: 'SESSION_FILE', message: /cannot use the session directory in .*: EIO; the disk reports a fault/ })
})

t.test('on a mount without modes the advice is for the mount', async t => {
  const path = join(t.testdir(), 'sessions')
  mkdirSync(path)
  chmodSync(path, 0o755)
  const uid = process.geteuid?.()
  const mountedAs = (type: string): void => { t.intercept(localDisk, 'mounts', { value: async () => `1 1 0:1 / / rw - ${type} none rw` }) }
  mountedAs('vfat')
  await t.rejects(makePrivateDirectory(path, false), { message: `others may use the session directory ${path}: the file system there (vfat) keeps no modes; mount it with the options uid=${uid},umask=077` })
  mountedAs('cifs')
  await t.rejects(makePrivateDirectory(path, false), { message: /\(cifs\) keeps no modes; mount it with the options uid=\d+,dir_mode=0700,file_mode=0600$/ })
  mountedAs('ext4')
  await t.rejects(makePrivateDirectory(path, false), { message: /chmod 700/ })
  t.intercept(localDisk, 'statfs', { value: async () => { throw systemError('EIO', 'i/o error', 'statfs') } })
  await t.rejects(makePrivateDirectory(path, false), { message: /chmod 700/ })
})

t.test('a new directory that is not private at once is on a mount without modes', async t => {
  const path = join(t.testdir(), 'sessions')
  t.intercept(localDisk, 'mkdir', { value: async (path: string) => { mkdirSync(path); chmodSync(path, 0o755) } })
  t.intercept(localDisk, 'mounts', { value: async () => '1 1 0:1 / / rw - fuse.some none rw' })
  await t.rejects(makePrivateDirectory(path, false), { message: /\(fuse.some\) keeps no modes; mount it with the options uid=\d+,umask=077/ })
})

t.test('a disk that is full or read-only is named as that', async t => {
  for (const [code, message] of [['ENOSPC', /ENOSPC; the disk is full/], ['EROFS', /EROFS; the filesystem is read-only/]] as const) {
    t.intercept(localDisk, 'mkdir', { value: async () => { throw systemError(code, 'made up', 'mkdir') } })
    await t.rejects(makePrivateDirectory(join(t.testdir(), 'one', 'two'), false), { message })
  }
})

t.test('a directory above that goes again and again is an error', async t => {
  const dir = t.testdir({ one: {} })
  const calls: string[] = []
  t.intercept(localDisk, 'mkdir', { value: async (path: string) => { calls.push(path); if (path.endsWith('two')) throw systemError('ENOENT', 'no such file or directory', 'mkdir') } })
  await t.rejects(makePrivateDirectory(join(dir, 'one', 'two'), false), { message: /ENOENT; the directory is missing/ })
  t.strictSame(calls, [join(dir, 'one', 'two'), join(dir, 'one'), join(dir, 'one', 'two')])
})

t.test('several processes make the same directories at once', async t => {
  const directory = join(t.testdir(), 'a', 'b', 'sid')
  await Promise.all(Array.from({ length: 8 }, () => new PrivateDirectory(directory).makeShard(NAME)))
  t.equal(mode(join(directory, 'ab')), 0o700)
})

t.test('a file in place of the directory, or of one above it, is an error', async t => {
  const file = join(t.testdir(), 'file')
  writeFileSync(file, '')
  await t.rejects(makePrivateDirectory(file, false), { code: 'SESSION_FILE', message: /file: EEXIST; .*move it away/, cause: { code: 'EEXIST' } })
  await t.rejects(makePrivateDirectory(join(file, 'sub'), true), { code: 'SESSION_FILE', message: /ENOTDIR; .*move it away/, cause: { code: 'ENOTDIR' } })
})
