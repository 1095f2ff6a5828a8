import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { SessionError, SessionFileError } from '../../../lib/errors'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { Disk } from '../../../lib/store/files/disk'
import { FileStore } from '../../../lib/store/files/file-store'
import { interceptedDisk, openDescriptors, pooledDisk, systemError } from '../../support/disks'
import { newSession } from '../../support/new-session'

const NOBODY = 65534
const isRoot = process.geteuid?.() === 0

/** A directory that any user may enter, wherever this repository lies. */
function publicDir (t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'file-sessions-'))
  chmodSync(dir, 0o777)
  t.teardown(() => { rmSync(dir, { recursive: true, force: true }) })
  return dir
}

/** Root may do anything: for the time of `work` this process is somebody else. */
async function asNobody<T> (work: () => Promise<T>): Promise<T> {
  if (!isRoot) return await work()
  process.setegid?.(NOBODY)
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

/** What every error of the store has to be when the disk is in trouble. */
async function rejectsWith (t: Test, work: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error: unknown = await work.then(() => undefined, each => each)
  t.ok(error instanceof SessionFileError && error instanceof SessionError, `${code}: a SessionFileError`)
  t.match(error, { name: 'SessionFileError', code: 'SESSION_FILE', statusCode: 500, cause: { code }, message })
}

t.test('a directory that this process may not read is an error', async t => {
  const sessionDir = join(publicDir(t), 'sessions')
  const { sesid, shard } = await asNobody(async () => {
    const { sesid } = await newSession(new SessionFileStore({ sessionDir }), 'kept')
    return { sesid, shard: join(sessionDir, 'sid', readdirSync(join(sessionDir, 'sid'))[0] ?? '') }
  })
  const before = openDescriptors()
  for (const dir of [shard, join(sessionDir, 'sid'), sessionDir]) {
    chmodSync(dir, 0o000)
    await asNobody(async () => {
      const store = new SessionFileStore({ sessionDir })
      const advice = /: EACCES; give the user that runs this process read and write access to it$/
      await rejectsWith(t, store.getSession(sesid), 'EACCES', advice)
      await rejectsWith(t, store.putSession(sesid, 'x'), 'EACCES', advice)
      await rejectsWith(t, store.delSession(sesid), 'EACCES', advice)
      if (dir !== shard) await rejectsWith(t, store.newSession(), 'EACCES', advice)
    })
    chmodSync(dir, 0o700)
  }
  await asNobody(async () => {
    const store = new SessionFileStore({ sessionDir })
    await store.open()
    t.equal(await store.getSession(sesid), 'kept')
    await store.putSession(sesid, 'works again')
    t.equal(await store.getSession(sesid), 'works again')
  })
  t.equal(openDescriptors(), before)
})

t.test('a directory that this process may not write to is an error', async t => {
  const sessionDir = join(publicDir(t), 'sessions')
  const before = openDescriptors()
  await asNobody(async () => {
    const store = new SessionFileStore({ sessionDir, idGenerator: () => 'one' })
    await newSession(store, 'kept')
    const shard = join(sessionDir, 'sid', readdirSync(join(sessionDir, 'sid'))[0] ?? '')
    chmodSync(shard, 0o500)
    t.equal(await store.getSession('one'), 'kept', 'reading works')
    await store.putSession('one', 'changed')
    t.equal(await store.getSession('one'), 'changed', 'and so does saving what is there')
    const text = '7'.repeat(5000)
    // The eighth is a seal, which is stored; only its rewrite cannot be made.
    for (let turn = 0; turn < 8; turn++) await store.putSession('one', String(turn).repeat(5000))
    await rejectsWith(t, store.putSession('one', 'no rewrite'), 'EACCES', /rewrite a session .* read and write access/)
    t.equal(await store.getSession('one'), text)
    await rejectsWith(t, store.delSession('one'), 'EACCES', /rewrite a session .* read and write access/)
    await rejectsWith(t, store.setAside(store.nameOf('one')), 'EACCES', /set a session aside .* read and write access/)
    chmodSync(join(sessionDir, 'sid'), 0o500)
    const other = new SessionFileStore({ sessionDir, idGenerator: () => 'in another shard' })
    await rejectsWith(t, other.newSession(), 'EACCES', /make or use the session directory .* read and write access/)

    chmodSync(join(sessionDir, 'sid'), 0o700)
    chmodSync(shard, 0o700)
    t.equal(await store.getSession('one'), text)
    await store.putSession('one', 'works again')
    t.equal(await store.getSession('one'), 'works again')
    t.equal(await other.newSession(), 'in another shard')
  })
  t.equal(openDescriptors(), before)
})

t.test('a request fails, and says why, when this process may not use the file or directory of a session any more', async t => {
  const sessionDir = join(publicDir(t), 'sessions')
  const before = openDescriptors()
  await asNobody(async () => {
    const store = new SessionFileStore({ sessionDir })
    const { sesid } = await newSession(store, 'kept')
    const [name = ''] = readdirSync(join(sessionDir, 'sid'), { recursive: true }).map(String).filter(each => each.includes('/'))
    const path = join(sessionDir, 'sid', name)
    const advice = /^cannot (read|save) a session .*: EACCES; give the user that runs this process read and write access to it$/
    const save = async (): Promise<void> => {
      await rejectsWith(t, store.putSession(sesid, 'changed'), 'EACCES', advice)
    }
    t.equal(await store.getSession(sesid), 'kept')
    await store.close()
    chmodSync(path, 0o000)
    await save()
    chmodSync(path, 0o600)
    chmodSync(dirname(path), 0o000)
    await save()
    await rejectsWith(t, store.getSession(sesid), 'EACCES', advice)
    await rejectsWith(t, store.touch(store.nameOf(sesid)), 'EACCES', advice)
    chmodSync(dirname(path), 0o700)
    t.equal(await store.getSession(sesid), 'kept')
    await store.putSession(sesid, 'works again')
    t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), 'works again')
  })
  t.equal(openDescriptors(), before)
})

t.test('an app does not start with directories that it may not use', async t => {
  const dir = publicDir(t)
  const modes = { unreadable: 0o300, readOnly: 0o500, closed: 0o000, right: 0o700 }
  const directories = Object.entries(modes).map(([name, mode]) => {
    const path = join(dir, name)
    mkdirSync(path)
    if (isRoot) chownSync(path, NOBODY, NOBODY)
    chmodSync(path, mode)
    return path
  })
  const closed = join(dir, 'no place for more')
  mkdirSync(closed, { mode: 0o500 })
  const child = fork(join(__dirname, '../../support/unprivileged-process.ts'), [...directories, join(closed, 'sessions')], { execArgv: process.execArgv })
  const ended = once(child, 'exit')
  const [errors] = await once(child, 'message') as [unknown[]]
  const refused = { name: 'SessionFileError', cause: 'EACCES', message: /^cannot make or use the session directory in .* read and write access to it$/ }
  await ended
  t.match(errors, [refused, refused, refused, null, refused])
  for (const path of directories) chmodSync(path, 0o700)
})

t.test('a file of another user in place of a session is refused', { skip: isRoot ? false : 'only root can give files to others' }, async t => {
  const sessionDir = join(publicDir(t), 'sessions')
  const sesid = await asNobody(async () => await new SessionFileStore({ sessionDir }).newSession())
  const [name = ''] = readdirSync(join(sessionDir, 'sid'), { recursive: true }).map(String).filter(each => each.includes('/'))
  chownSync(join(sessionDir, 'sid', name), 0, 0)
  await asNobody(async () => {
    const store = new SessionFileStore({ sessionDir })
    await rejectsWith(t, store.getSession(sesid), 'EACCES', /read a session/)
    await store.delSession(sesid)
    t.equal(await store.getSession(sesid), null)
  })
})

t.test('a file where a directory should be is an error', async t => {
  const dir = t.testdir()
  const sessionDir = join(dir, 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const { sesid } = await newSession(store, 'kept')
  const [shard = ''] = readdirSync(join(sessionDir, 'sid'))
  const before = openDescriptors()
  for (const place of [sessionDir, join(sessionDir, 'sid'), join(sessionDir, 'sid', shard)]) {
    await store.close()
    renameSync(place, join(dir, 'away'))
    writeFileSync(place, 'a file')
    const other = new SessionFileStore({ sessionDir })
    for (const each of [store, other]) {
      await rejectsWith(t, each.getSession(sesid), 'ENOTDIR', /a file stands where a directory should be: move it away/)
    }
    await rejectsWith(t, other.putSession(sesid, 'x'), 'ENOTDIR', /move it away/)
    await rejectsWith(t, other.delSession(sesid), 'ENOTDIR', /move it away/)
    const same = new SessionFileStore({ sessionDir, idGenerator: () => sesid })
    await rejectsWith(t, same.newSession(), 'ENOTDIR', /move it away/)
    if (!place.endsWith(shard)) {
      const error = await other.open().catch((each: unknown) => each) as SessionFileError
      t.match(error, { name: 'SessionFileError', message: /move it away/, cause: { code: /^(EEXIST|ENOTDIR)$/ } })
    }
    rmSync(place)
    renameSync(join(dir, 'away'), place)
    t.equal(await store.getSession(sesid), 'kept')
    t.equal(await other.getSession(sesid), 'kept')
  }
  await store.putSession(sesid, 'works again')
  t.equal(await store.getSession(sesid), 'works again')
  t.equal(openDescriptors(), before)
})

t.test('a directory that is removed while the app runs is made again, without its sessions', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const sesid = await store.newSession()
  rmSync(sessionDir, { recursive: true })
  t.equal(await store.getSession(sesid), null)
  await store.putSession(sesid, 'late')
  t.notOk(existsSync(sessionDir))
  const next = await store.newSession()
  t.equal(await store.getSession(next), '', 'it is made again for the next session')

  const removing: Disk = { ...pooledDisk, open: async () => { throw systemError('ENOENT') } }
  await rejectsWith(t, new FileStore({ sessionDir }, removing).newSession(), 'ENOENT', /must not be removed while the app runs/)
})

/** A filesystem with room for a few pages; null where nobody may mount one. */
function smallDisk (): string | null {
  const mountPoint = mkdtempSync(join(tmpdir(), 'file-sessions-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', mountPoint], { stdio: 'ignore' })
  } catch {
    rmdirSync(mountPoint)
    return null
  }
  t.teardown(() => {
    execFileSync('umount', [mountPoint])
    rmdirSync(mountPoint)
  })
  return mountPoint
}

const small = smallDisk()

t.test('a full disk is an error that says so', { skip: small === null ? 'a small tmpfs cannot be mounted here' : false }, async t => {
  const mountPoint = small ?? ''
  const sessionDir = join(mountPoint, 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const stored = new Map<string, string>()
  for (let number = 0; number < 5; number++) {
    const text = `session ${number}`
    stored.set((await newSession(store, text)).sesid, text)
  }
  const [first = ''] = stored.keys()
  const ballast = join(mountPoint, 'ballast')
  const { bavail, bsize } = statfsSync(mountPoint)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize))
  const before = openDescriptors()
  const advice = /: ENOSPC; the disk is full: free some space$/

  await rejectsWith(t, newSession(store, 'x'), 'ENOSPC', advice)
  t.equal(readdirSync(sessionDir, { recursive: true }).map(String).filter(name => name.length > 60).length, 5, 'nothing is left of it')
  const large = 'x'.repeat(10_000)
  for (let turn = 0; turn < 3; turn++) await rejectsWith(t, store.putSession(first, large), 'ENOSPC', advice)
  for (const [sesid, text] of stored) {
    t.equal(await store.getSession(sesid), text)
    t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), text)
  }
  const other = [...stored.keys()][1] ?? ''
  await store.putSession(other, 'small')
  stored.set(other, 'small')
  t.equal(await store.getSession(other), 'small', 'what fits into the block that is there is stored even now')
  t.equal(openDescriptors(), before)

  rmSync(ballast)
  for (const [sesid, text] of stored) t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), text)
  await store.putSession(first, large)
  t.equal(await new SessionFileStore({ sessionDir }).getSession(first), large)
  t.equal(await store.getSession(await store.newSession()), '')
  t.notOk(readdirSync(sessionDir, { recursive: true }).some(name => /\.(lock|tmp)/.test(String(name))))
})

t.test('too many open files are an error that says so', async t => {
  const child = spawn('/bin/sh', ['-c', 'ulimit -n 64 && exec "$0" "$@"', process.execPath, ...process.execArgv,
    join(__dirname, '../../support/starved-process.ts'), join(t.testdir(), 'sessions')], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const [report] = await once(child, 'message') as [Record<string, unknown>]
  const starved = { name: 'SessionFileError', cause: 'EMFILE', message: /: EMFILE; this process has too many files open: raise its limit \(ulimit -n\)$/ }
  t.match(report, {
    errors: [starved, starved, starved, { value: { result: 'conflict' } }],
    cached: 'before',
    read: 'before',
    saved: 'after',
    made: /./
  })
  t.ok(report['taken'] as number > 10)
  t.equal(report['after'], report['before'], 'no descriptor leaked')
  t.strictSame(await ended, [0, null])
})

t.test('a failure of any call in any operation leaves what was stored, and no descriptor', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const healthy = new SessionFileStore({ sessionDir })
  const { sesid } = await newSession(healthy, 'kept')
  const before = openDescriptors()
  const operations: Array<(store: SessionFileStore) => Promise<unknown>> = [
    store => store.getSession(sesid), store => newSession(store, 'new'), store => store.putSession(sesid, 'kept'),
    store => store.touch(store.nameOf(sesid))]
  let failures = 0
  for (const operation of operations) {
    for (let failing = 0; ; failing++) {
      let count = 0
      const disk = interceptedDisk(async (name, _given, call) => {
        // A descriptor is closed even when close says that something went wrong.
        if (count++ === failing && name !== 'close') throw systemError('EIO', name)
        return await call()
      })
      const error: unknown = await operation(new FileStore({ sessionDir, durability: 'fsync' }, disk)).then(() => null, each => each)
      if (error !== null) {
        failures++
        t.match(error, { name: 'SessionFileError', cause: { code: 'EIO' }, message: /the disk reports a fault/ })
        t.notOk((error as Error).message.includes(sesid))
      }
      t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), 'kept')
      if (count <= failing) break
    }
  }
  t.ok(failures > 15, `${failures} failures`)
  t.equal(openDescriptors(), before)
})
