import { chmodSync, mkdirSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { systemError } from '../../../lib/errors'
import { localDisk } from '../../../lib/store/files/local-disk'
import { makePrivateDirectory, PrivateDirectory } from '../../../lib/store/files/private-directory'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'

const NAME = 'ab'.repeat(32)

/** The directories that are synced from now on. */
function syncedDirectories (t: Test): string[] {
  const synced: string[] = []
  const { open } = localDisk
  t.intercept(localDisk, 'open', { value: async (path: string, ...more: [number]) => { synced.push(path); return await open(path, ...more) } })
  return synced
}

t.test('every directory that is relied on is synced into the one above it, once, whichever process made it', async t => {
  const dir = t.testdir({ sessions: { sid: { ab: {} } } })
  const directory = join(dir, 'sessions', 'sid')
  for (const path of [join(dir, 'sessions'), directory, join(directory, 'ab')]) chmodSync(path, 0o700)
  const synced = syncedDirectories(t)
  await new PrivateDirectory(directory).check(NAME)
  t.strictSame(synced, [], 'not with durability os')
  await new PrivateDirectory(directory, true).check(NAME)
  t.strictSame(synced, [dir, join(dir, 'sessions'), directory])
  synced.length = 0
  const guard = new PrivateDirectory(directory, true)
  await guard.make()
  t.ok(synced.includes(dirname(dir)), 'and those above it')
  synced.length = 0
  await guard.make()
  await guard.makeShard(NAME)
  t.strictSame(synced, [])
  rmdirSync(join(directory, 'ab'))
  await guard.makeShard(NAME)
  t.strictSame(synced, [directory], 'a new one is another one')
})

t.test('a session is made in a shard that another process made moments ago: its entry is synced first', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
  await store.open()
  const name = store.nameOf('given')
  const directory = join(sessionDir, 'sid')
  t.equal(await store.read(name), null)
  mkdirSync(join(directory, name.slice(0, 2)), { mode: 0o700 })
  const synced = syncedDirectories(t)
  t.match(await store.create(name, { text: 'text' }), { result: 'created' })
  t.strictSame(synced, [directory])
})

t.test('a directory above that this process may not read, or that cannot be synced, holds nothing that it made', async t => {
  const dir = t.testdir()
  const { open } = localDisk
  for (const [code, isFine] of [['EACCES', true], ['EPERM', true], ['EINVAL', true], ['EROFS', true], ['EIO', false]] as const) {
    t.intercept(localDisk, 'open', {
      value: async (path: string, ...more: [number]) => {
        if (path === dir) throw systemError(code, 'made up', 'open')
        return await open(path, ...more)
      }
    })
    for (const path of [join(dir, `x${code}`, 'y'), join(dir, `z${code}`)]) {
      const made = makePrivateDirectory(path, true)
      if (isFine) await made
      else await t.rejects(made, { code: 'SESSION_FILE', message: /EIO/ })
    }
  }
})

t.test('an entry that cannot be synced is an error', async t => {
  const directory = join(t.testdir(), 'sessions', 'sid')
  await new PrivateDirectory(directory).makeShard(NAME)
  t.intercept(localDisk, 'fsync', { value: async () => { throw systemError('EIO', 'i/o error', 'fsync') } })
  await t.rejects(new PrivateDirectory(directory, true).check(NAME), { code: 'SESSION_FILE', message: /cannot sync the session directory in .*EIO/ })
})
