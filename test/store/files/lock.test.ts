import {
  existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FileStatus } from '../../../lib/store/files/disk'
import { lockPath, newToken, stagingPath } from '../../../lib/store/files/file-names'
import { takeApart, takeLock, takeLockAway, type Lockable } from '../../../lib/store/files/lock'
import { takeAway } from '../../../lib/store/files/seal'
import { impatientDisk, interceptedDisk, systemError } from '../../support/disks'
import { sealedJournal } from '../../support/journal-files'

const TOKEN = '0123456789abcdef'
const OTHER = 'fedcba9876543210'

interface Scene { dir: string, path: string, lock: string, staging: string, file: Lockable, waited: () => number }

/** A session file with a staging directory beside it. `meanwhile` happens whenever a process waits. */
function scene (t: Test, meanwhile: (lock: string) => void = () => {}): Scene {
  const dir = join(t.testdir(), 'sessions')
  mkdirSync(dir, { mode: 0o700 })
  const path = join(dir, 'file')
  writeFileSync(path, sealedJournal('sealed'), { mode: 0o600 })
  const staging = stagingPath(path, TOKEN)
  mkdirSync(staging, { mode: 0o700 })
  writeFileSync(join(staging, TOKEN), 'the new journal', { mode: 0o600 })
  const lock = lockPath(path)
  let waited = 0
  const disk = {
    ...impatientDisk,
    wait: async (milliseconds: number) => {
      waited += milliseconds
      meanwhile(lock)
    }
  }
  return { dir, path, lock, staging, file: { path, disk, limits: { stale: 2000, patience: 5 } }, waited: () => waited }
}

function fill (lock: string, ...names: string[]): void {
  mkdirSync(lock, { mode: 0o700 })
  for (const name of names) writeFileSync(join(lock, name), '')
}

const always = async (): Promise<boolean> => true

t.test('a token is 64 random bits, and the names beside a file are made of it', async t => {
  t.match(newToken(), /^[0-9a-f]{16}$/)
  t.not(newToken(), newToken())
  t.equal(lockPath('/s/file'), '/s/file.lock')
  t.equal(stagingPath('/s/file', TOKEN), `/s/file.${TOKEN}.tmp`)
})

t.test('the lock is taken at once when there is none, or an empty one', async t => {
  for (const names of [null, []]) {
    const { lock, staging, file, waited } = scene(t)
    if (names !== null) fill(lock, ...names)
    t.equal(await takeLock(file, staging, always), true)
    t.strictSame(readdirSync(lock), [TOKEN])
    t.notOk(existsSync(staging))
    t.equal(waited(), 0)
  }
})

t.test('nothing is taken when another holder has done the work', async t => {
  const { lock, staging, file } = scene(t)
  fill(lock, OTHER)
  t.equal(await takeLock(file, staging, async () => false), false)
  t.strictSame(readdirSync(lock), [OTHER])
  t.ok(existsSync(staging))
})

t.test('a holder that makes no progress for two seconds loses its lock', async t => {
  const { dir, lock, staging, file, waited } = scene(t)
  fill(lock, OTHER)
  t.equal(await takeLock(file, staging, always), true)
  t.equal(waited(), 2000)
  t.strictSame(readdirSync(lock), [TOKEN])
  t.strictSame(readdirSync(dir).sort(), ['file', 'file.lock'])
})

t.test('a lock whose token changes all the time holds a save for four seconds at most', async t => {
  const { dir, lock, staging, file, waited } = scene(t, lock => {
    const [token = ''] = readdirSync(lock)
    renameSync(join(lock, token), join(lock, newToken()))
  })
  fill(lock, OTHER)
  t.equal(await takeLock(file, staging, always), true)
  t.equal(waited(), 4000)
  t.strictSame(readdirSync(dir).sort(), ['file', 'file.lock'])
})

t.test('a lock that is there again each time it was taken away is an error', async t => {
  const { lock, staging, file, waited } = scene(t)
  fill(lock, OTHER)
  let removals = 0
  const disk = interceptedDisk(async (name, given, call) => {
    const result = await call()
    if (name === 'unlink' && given[0] === join(lock, OTHER)) {
      removals++
      writeFileSync(join(lock, newToken()), '')
    }
    if (name === 'rename' && given[0] === lock) {
      removals++
      fill(lock, newToken())
    }
    return result
  })
  disk.wait = file.disk.wait
  await t.rejects(takeLock({ ...file, disk }, staging, always), {
    name: 'SessionFileError', message: /^cannot rewrite a session file: other processes hold its lock again and again; look for it/
  })
  t.equal(waited(), 4000)
  t.equal(removals, 10)
})

t.test('a lock that is gone just when it is to be moved away is taken', async t => {
  const { lock, staging, file } = scene(t)
  fill(lock, 'notes')
  const disk = interceptedDisk(async (name, given, call) => {
    if (name === 'rename' && given[0] === lock) rmSync(lock, { recursive: true })
    return await call()
  })
  t.equal(await takeLock({ ...file, disk }, staging, always), true)
})

t.test('a lock that is gone just when it is looked at is taken', async t => {
  for (const look of ['lstat', 'readdir']) {
    const { lock, staging, file } = scene(t)
    fill(lock, OTHER)
    const disk = interceptedDisk(async (name, given, call) => {
      if (name === look && given[0] === lock) rmSync(lock, { recursive: true, force: true })
      return await call()
    })
    t.equal(await takeLock({ ...file, disk }, staging, always), true, look)
    fill(stagingPath(file.path, OTHER))
    t.equal(await takeLockAway({ ...file, disk }), false, look)
  }
})

t.test('what else is in a lock goes out of the way with it, and stays', async t => {
  const { dir, lock, staging, file } = scene(t)
  fill(lock, OTHER, 'notes')
  mkdirSync(join(lock, 'a'.repeat(16)))
  t.equal(await takeLock(file, staging, always), true)
  t.strictSame(readdirSync(lock), [TOKEN])
  const [away = ''] = readdirSync(dir).filter(name => name !== 'file' && name !== 'file.lock')
  t.match(away, /^file\.[0-9a-f]{16}\.tmp$/, 'under the name of a staging directory')
  t.strictSame(readdirSync(join(dir, away)).sort(), ['a'.repeat(16), 'notes'])
})

t.test('a symbolic link for a lock leads nowhere', async t => {
  const linked = (t: Test): Scene & { target: string } => {
    const it = scene(t)
    const target = join(it.dir, '../precious')
    fill(target, OTHER, 'notes')
    symlinkSync(target, it.lock)
    return { ...it, target }
  }

  t.test('a logout removes the link', async t => {
    const { path, lock, file, target } = linked(t)
    await takeAway({ ...file, disk: impatientDisk }, () => impatientDisk.unlink(path))
    t.notOk(existsSync(path))
    t.throws(() => lstatSync(lock), { code: 'ENOENT' })
    t.strictSame(readdirSync(target).sort(), [OTHER, 'notes'])
  })

  t.test('a save removes the link', async t => {
    const { lock, staging, file, target, waited } = linked(t)
    t.equal(await takeLock(file, staging, always), true)
    t.ok(lstatSync(lock).isDirectory())
    t.equal(waited(), 5)
    t.strictSame(readdirSync(target).sort(), [OTHER, 'notes'])
  })

  t.test('a save removes the link also when it takes the place of a lock that is taken away', async t => {
    const { lock, staging, file, target } = linked(t)
    rmSync(lock)
    fill(lock, 'notes')
    const disk = interceptedDisk(async (name, given, call) => {
      if (name === 'rename' && given[0] === lock) {
        rmSync(lock, { recursive: true })
        symlinkSync(target, lock)
      }
      return await call()
    })
    t.equal(await takeLock({ ...file, disk }, staging, always), true)
    t.strictSame(readdirSync(target).sort(), [OTHER, 'notes'])
  })
})

t.test('what is not a lock of ours is refused at once by a save, and is in no logout\'s way', async t => {
  const obstacles: Record<string, (lock: string) => void> = {
    'a file': lock => { writeFileSync(lock, '') },
    'a directory of another user': lock => { fill(lock, OTHER) }
  }
  for (const [what, make] of Object.entries(obstacles)) {
    const { path, lock, staging, file, waited } = scene(t)
    make(lock)
    const disk = interceptedDisk(async (name, given, call) => {
      const result = await call()
      return name === 'lstat' && given[0] === lock ? { ...result as FileStatus, uid: 12345 } : result
    })
    disk.wait = file.disk.wait
    await t.rejects(takeLock({ ...file, disk }, staging, always), {
      name: 'SessionFileError', message: /^cannot rewrite a session file: a file, or a directory of another user, stands where its lock should be/
    }, what)
    t.equal(waited(), 0)
    await takeAway({ ...file, disk }, () => disk.unlink(path))
    t.notOk(existsSync(path), 'a logout goes on')
    t.ok(existsSync(lock))
    t.ok(!lstatSync(lock).isDirectory() || existsSync(join(lock, OTHER)), 'and touches nothing')
  }
})

t.test('a directory in a lock is in no logout\'s way', async t => {
  const { path, lock, file } = scene(t)
  fill(lock, OTHER)
  mkdirSync(join(lock, 'a'.repeat(16)))
  await takeAway({ ...file, disk: impatientDisk }, () => impatientDisk.unlink(path))
  t.notOk(existsSync(path))
  t.strictSame(readdirSync(lock), ['a'.repeat(16)])
  // As other systems say it.
  const strict = interceptedDisk(async (name, given, call) => {
    if (name === 'unlink' && lstatSync(given[0] as string).isDirectory()) throw systemError('EPERM', name)
    return await call()
  })
  t.equal(await takeApart(strict, lock), false)
})

t.test('a file in a lock that cannot be unlinked is an error: its holder may still be there', async t => {
  const { lock } = scene(t)
  fill(lock, OTHER)
  for (const code of ['EPERM', 'EACCES', 'EIO']) {
    const disk = interceptedDisk(async (name, _given, call) => {
      if (name === 'unlink') throw systemError(code, name)
      return await call()
    })
    await t.rejects(takeApart(disk, lock), { code })
  }
  const late = interceptedDisk(async (name, given, call) => {
    if (name !== 'unlink') return await call()
    rmSync(given[0] as string)
    throw systemError('EPERM', name)
  })
  await t.rejects(takeApart(late, lock), { code: 'EPERM' })
})

t.test('trouble with the rename is an error', async t => {
  const { staging, file } = scene(t)
  const disk = interceptedDisk(async name => { throw systemError('EIO', name) })
  await t.rejects(takeLock({ ...file, disk }, staging, always), { code: 'EIO' })
})

t.test('taking a lock away says whether a process held it', async t => {
  const { path, lock, dir, file, staging } = scene(t)
  rmSync(staging, { recursive: true })
  t.equal(await takeLockAway(file), false, 'no lock')
  fill(lock)
  t.equal(await takeLockAway(file), false, 'an empty one')
  fill(lock, TOKEN, OTHER)
  t.equal(await takeLockAway(file), true)
  t.strictSame(readdirSync(dir), ['file'])
  fill(lock, TOKEN)
  const late = interceptedDisk(async (name, _given, call) => {
    if (name === 'unlink') renameSync(join(lock, TOKEN), path)
    return await call()
  })
  t.equal(await takeLockAway({ ...file, disk: late }), false, 'the holder was quicker')
})
