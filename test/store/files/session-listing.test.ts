import t from 'tap'
import { readdirSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore } from '../../../index'
import { localDisk } from '../../../lib/store/files/local-disk'
import { removeSessions } from '../../../lib/store/files/session-listing'
import { sessionDirectory, sessionFiles } from '../../support/session-files'

t.test('clear() with durability fsync syncs each shard once, when its sessions are gone', async t => {
  const sessionDir = sessionDirectory(t)
  for (const durability of ['os', 'fsync'] as const) {
    const store = new SessionFileStore({ sessionDir, durability })
    for (let count = 0; count < 10; count++) await store.newSession()
    const shards = new Set(sessionFiles(sessionDir).map(dirname))
    const calls: string[] = []
    const disk = { ...localDisk, immediate: undefined, eager: undefined, now: undefined }
    disk.open = async (path, flags, mode) => { if (shards.has(path)) calls.push(path); return await localDisk.open(path, flags, mode) }
    disk.unlink = async path => { await localDisk.unlink(path); t.notOk(calls.includes(dirname(path)), 'not before') }
    t.equal(await removeSessions(join(sessionDir, 'sid'), disk, durability === 'fsync'), 10)
    t.strictSame(calls.sort(), durability === 'fsync' ? [...shards].sort() : [])
  }
})

t.test('clear() does not follow a link that takes a shard\'s place', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  await store.newSession()
  const [path = ''] = sessionFiles(sessionDir)
  const elsewhere = join(t.testdirName, 'elsewhere')
  const { lstat } = localDisk
  let looks = 0
  t.intercept(localDisk, 'lstat', {
    value: async (looked: string) => {
      if (looked === dirname(path) && ++looks === 2) {
        renameSync(dirname(path), elsewhere)
        symlinkSync(elsewhere, dirname(path))
      }
      return await lstat(looked)
    }
  })
  await t.rejects(store.clear(), { code: 'SESSION_FILE', message: /a symbolic link stands/ })
  t.equal(readdirSync(elsewhere).length, 1)
})
