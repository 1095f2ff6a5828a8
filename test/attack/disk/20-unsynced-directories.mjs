import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { lossyDisk } from '../support/lossy-disk.mjs'

const SESSIONS = 5

async function removedSessions (ground) {
  for (const what of ['store.clear()', 'file-sessions delete', 'store.delSession()']) {
    const root = ground.directory()
    const left = join(ground.directory(), 'left')
    const sessionDir = join(root, 'sessions')
    const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
    await store.open()
    const ids = []
    for (let count = 0; count < SESSIONS; count++) {
      ids.push(await store.newSession())
      await store.putSession(ids[count], 'secret')
    }
    if (what === 'file-sessions delete') {
      // The power is cut when the command has ended, once for each.
      for (const sesid of ids) {
        fs.rmSync(left, { recursive: true, force: true })
        ground.command(['delete', sessionDir, '--appid', 'sid', '-'], { input: sesid, imports: ['lossy-command.mjs'], env: { LOSSY_ROOT: root, LOSSY_LEFT: left } })
        await count(ground, what, left, [sesid])
      }
      continue
    }
    const disk = lossyDisk(root)
    if (what === 'store.clear()') await store.clear()
    else for (const sesid of ids) await store.delSession(sesid)
    disk.cutPower(left)
    await count(ground, what, left, ids)
  }
}

async function count (ground, what, left, ids) {
  const store = new SessionFileStore({ sessionDir: join(left, 'sessions') })
  await store.open()
  for (const sesid of ids) ground.judge(await store.getSession(sesid) !== null, `${what}: a session comes back after a power cut`)
}

/** The directories were made by a process that synced none of them. */
async function othersDirectories (ground) {
  for (const [made, level] of [[1, 'the directory above sessionDir'], [2, 'sessionDir'], [3, 'the appid directory'], [259, 'the shards']]) {
    const root = ground.directory()
    const sessionDir = join(root, 'above', 'sessions')
    const levels = [join(root, 'above'), sessionDir, join(sessionDir, 'sid')]
    for (let shard = 0; shard < 256; shard++) levels.push(join(sessionDir, 'sid', shard.toString(16).padStart(2, '0')))
    // What is above the level in question was synced long ago.
    for (const path of levels.slice(0, Math.min(made, 4) - 1)) fs.mkdirSync(path, { mode: 0o700 })
    const disk = lossyDisk(root)
    for (const path of levels.slice(0, made)) fs.mkdirSync(path, { mode: 0o700, recursive: true })
    const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
    await store.open()
    const sesid = await store.newSession()
    await store.putSession(sesid, 'acknowledged')
    const left = join(ground.directory(), 'left')
    disk.cutPower(left)
    const path = sessionFiles(root)[0].replace(root, left)
    ground.judge(!fs.existsSync(path), `a session is lost at a power cut when another process made ${level}`)
  }
}

/** A session that another process made with durability 'os', and that this one has acknowledged a save of. */
async function othersSession (ground) {
  const root = ground.directory()
  const sessionDir = join(root, 'sessions')
  const disk = lossyDisk(root)
  const other = new SessionFileStore({ sessionDir })
  await other.open()
  const sesid = await other.newSession()
  const store = new SessionFileStore({ sessionDir, durability: 'fsync' })
  await store.open()
  await store.putSession(sesid, 'acknowledged')
  const left = join(ground.directory(), 'left')
  disk.cutPower(left)
  const path = sessionFiles(root)[0].replace(root, left)
  ground.judge(!fs.existsSync(path) || !fs.readFileSync(path, 'latin1').includes('acknowledged'),
    'a save is lost at a power cut when another process made the session without syncing it')
}

export const attacks = [
  { entry: 20, name: 'sessions that were removed before a power cut', run: removedSessions },
  { entry: 20, name: 'directories of another process that were not synced', run: othersDirectories },
  { entry: 20, name: 'a session of another process that was not synced', run: othersSession }
]
