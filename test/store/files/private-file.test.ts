import { spawnSync } from 'node:child_process'
import fs, { chmodSync, constants, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { DiskNow, FileStatus } from '../../../lib/store/files/disk'
import { readView } from '../../../lib/store/files/file-reading'
import { localDisk } from '../../../lib/store/files/local-disk'
import {
  checkPrivateFile, FILE_MODE, isOwn, isPrivate, openToAppend, openToAppendNow, openToRead, TO_MAKE
} from '../../../lib/store/files/private-file'
import { interceptedDisk, openDescriptors, pooledDisk, systemError } from '../../support/disks'
import { freshModule } from '../../support/fresh-module'

const now = localDisk.now as DiskNow

function dir (t: Test): string {
  return t.testdir({ target: 'precious' })
}

/** What stands at a session's path in place of its file, by what it is, and what is said of it. */
async function intruders (t: Test): Promise<Array<[what: string, path: string, error: { name?: string, code?: string, message: string | RegExp }]>> {
  const at = (name: string): string => join(path, name)
  const path = dir(t)
  const notFile = { message: /^a FIFO, socket or device stands where a session file should be/ }
  t.equal(spawnSync('mkfifo', ['-m', '600', at('fifo')]).status, 0)
  // Whole paths of sockets have to be short.
  const home = process.cwd()
  process.chdir(path)
  const server = createServer().listen('socket')
  process.chdir(home)
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  mkdirSync(at('directory'))
  symlinkSync(at('target'), at('link'))
  writeFileSync(at('open'), 'text', { mode: 0o600 })
  chmodSync(at('open'), 0o640)
  return [
    ['a FIFO', at('fifo'), notFile],
    ['a socket', at('socket'), notFile],
    ['a device', '/dev/null', notFile],
    ['a directory', at('directory'), { code: 'EISDIR', message: /^EISDIR/ }],
    ['a link', at('link'), { code: 'ELOOP', message: /ELOOP/ }],
    ['a file that its group may read', at('open'), {
      name: 'SessionFileError',
      message: 'group or others may use a session file: run chmod -R go= SESSION_DIR; on a mount without modes set umask=077 in the mount options'
    }]
  ]
}

t.test('a private file is opened to read, to append, and to append at once', async t => {
  const path = join(dir(t), 'file')
  await localDisk.close(await localDisk.open(path, TO_MAKE, FILE_MODE))
  t.equal(statSync(path).mode & 0o777, 0o600)
  await t.rejects(localDisk.open(path, TO_MAKE, FILE_MODE), { code: 'EEXIST' })
  const appending = await openToAppend(pooledDisk, path)
  await localDisk.write(appending, Buffer.from('one '))
  await localDisk.close(appending)
  const { fd, status } = openToAppendNow(now, path)
  t.equal(status.size, 4)
  now.write(fd, Buffer.from('two'))
  now.close(fd)
  t.equal(readFileSync(path, 'utf8'), 'one two')
  const reading = await openToRead(pooledDisk, path)
  checkPrivateFile(await localDisk.fstat(reading))
  await t.rejects(localDisk.write(reading, Buffer.from('x')), { code: 'EBADF' })
  await localDisk.close(reading)
})

t.test('whatever else stands at the path is refused at once, and no descriptor stays', async t => {
  const all = await intruders(t)
  const before = openDescriptors()
  for (const [what, path, error] of all) {
    await t.rejects((async () => {
      const fd = await openToRead(pooledDisk, path)
      try {
        await readView(pooledDisk, fd, null)
      } finally {
        await pooledDisk.close(fd)
      }
    })(), error, `${what}, to read`)
    await t.rejects(openToAppend(pooledDisk, path), error, `${what}, to append`)
    t.throws(() => openToAppendNow(now, path), error, `${what}, to append at once`)
  }
  t.equal(openDescriptors(), before)
})

t.test('what is missing is the system\'s error', async t => {
  const path = join(dir(t), 'missing')
  for (const open of [openToRead, openToAppend]) await t.rejects(open(pooledDisk, path), { code: 'ENOENT' })
  t.throws(() => openToAppendNow(now, path), { code: 'ENOENT' })
})

t.test('a file of another user is refused, whatever its mode', async t => {
  const path = join(dir(t), 'file')
  writeFileSync(path, '', { mode: 0o600 })
  const status = statSync(path)
  const user = process.geteuid?.() as number
  t.equal(isPrivate(status), true)
  const foreign: FileStatus = { ...status, uid: user + 1 }
  t.equal(isPrivate(foreign), false)
  t.throws(() => { checkPrivateFile(foreign) }, {
    name: 'SessionFileError',
    message: `a session file belongs to user ${user + 1} and this process runs as user ${user}: ` +
      `look for it with find SESSION_DIR ! -user ${user}, then remove it or change its owner`
  })
})

t.test('a private file has no access for group or others', async t => {
  const uid = process.geteuid?.() as number
  const status = { ...statSync(dir(t)), uid }
  for (const mode of [0o600, 0o700, 0o400, 0o4600]) t.equal(isPrivate({ ...status, mode: constants.S_IFREG | mode }), true)
  for (const mode of [0o601, 0o610, 0o640, 0o602]) t.equal(isPrivate({ ...status, mode: constants.S_IFREG | mode }), false)
  for (const type of [constants.S_IFDIR, constants.S_IFLNK, constants.S_IFIFO, constants.S_IFSOCK, constants.S_IFCHR, constants.S_IFBLK]) {
    t.equal(isPrivate({ ...status, mode: type | 0o600 }), false)
  }
})

t.test('a process that becomes another user is that one from then on', async t => {
  t.equal(isOwn(process.geteuid?.() as number), true)
  t.intercept(process, 'geteuid', { value: () => 4711 })
  t.equal(isOwn(4711), true)
  t.equal(isOwn(4712), false)
})

t.test('where the system refuses to leave the access time alone, the file is read all the same', async t => {
  const path = join(dir(t), 'target')
  const opened: number[] = []
  const disk = interceptedDisk(async (name, given, call) => {
    if (name === 'open' && opened.push(given[1] as number) === 1) throw systemError('EPERM')
    return await call()
  })
  await localDisk.close(await openToRead(disk, path))
  t.equal(opened.length, 2)
  t.equal((opened[0] ?? 0) & ~(opened[1] ?? 0), constants.O_NOATIME ?? 0)
  for (const flags of opened) t.equal(flags & constants.O_NONBLOCK & constants.O_NOFOLLOW, constants.O_NONBLOCK & constants.O_NOFOLLOW)
})

t.test('a refusal to open a file for reading is asked about again only where an access time could be spared', async t => {
  const path = require.resolve('../../../lib/store/files/private-file')
  const { O_NOATIME, ...others } = constants
  for (const [known, attempts] of [[constants, O_NOATIME === undefined ? 1 : 2], [others, 1]] as const) {
    const module = freshModule<typeof import('../../../lib/store/files/private-file')>(path, { 'node:fs': { ...fs, constants: known } })
    let opened = 0
    const disk = interceptedDisk(async name => {
      if (name === 'open') opened++
      throw systemError('EPERM', name)
    })
    await t.rejects(module.openToRead(disk, 'file'), { code: 'EPERM' })
    t.equal(opened, attempts)
  }
})
