import { readdirSync } from 'node:fs'
import { truncate, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { Clock } from '../../../lib/store/clock'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { impatientDisk, interceptedDisk, openDescriptors, stallingDisk, systemError } from '../../support/disks'
import { sessionFiles } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('what nameOf does not return names no session', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new FileStore({ sessionDir })
  for (const name of ['', '..', '../'.repeat(22), 'x'.repeat(64), 'A'.repeat(64), `${'0'.repeat(64)}/`]) {
    const refusal = { name: 'SessionError', code: 'SESSION_ID' }
    await t.rejects(store.create(name, { text: '' }), refusal)
    await t.rejects(store.read(name), refusal)
    await t.rejects(store.replace(name, { text: '' }, 'version'), refusal)
    await t.rejects(store.remove(name), refusal)
    t.equal(store.readNow(name), undefined)
  }
})

t.test('a file without a whole record makes room when it is old enough for no process to be at it', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const name = store.nameOf('given')
  await store.create(name, { text: 'text' })
  const [path = ''] = sessionFiles(sessionDir)
  await truncate(path, 10)
  const other = new SessionFileStore({ sessionDir })
  t.equal(await other.getSession('given'), null)
  t.strictSame(await other.create(name, { text: 'new' }), { result: 'taken' })
  await utimes(path, new Date(), new Date(Date.now() - 61_000))
  t.match(await other.create(name, { text: 'new' }), { result: 'created' })
  t.equal(await other.getSession('given'), 'new')
})

t.test('wherever a creator stalls, another sees a whole session or none, and one of them is told created', async t => {
  for (const durability of ['os', 'fsync'] as const) {
    let steps = 0
    for (; steps < 30; steps++) {
      const sessionDir = join(t.testdir(), 'sessions')
      const { disk, stalled, goOn } = stallingDisk(steps)
      const slow = new FileStore({ sessionDir, durability }, disk)
      const name = slow.nameOf('given')
      const creating = slow.create(name, { text: 'slow' })
      const wasStalled = await stalled(creating)
      const quick = new FileStore({ sessionDir, durability }, impatientDisk)
      const before = await quick.getSession('given')
      const { result } = await quick.create(name, { text: 'quick' })
      goOn()
      const answers = [(await creating).result, result].sort().join()
      const text = await quick.getSession('given')
      if (answers !== 'created,taken') t.fail(`step ${steps}: ${answers}`)
      if (text !== (result === 'created' ? 'quick' : 'slow')) t.fail(`step ${steps}: ${String(text)}`)
      if (before !== null && before !== 'slow') t.fail(`step ${steps}: ${before}`)
      const shard = dirname((sessionFiles(sessionDir))[0] ?? '')
      if (readdirSync(shard).length !== 1) t.fail(`step ${steps}: ${readdirSync(shard).join()}`)
      if (!wasStalled) break
    }
    t.ok(steps >= 6 && steps < 30, `${steps} steps`)
  }
})

t.test('a creator that fails removes nothing but its own', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const other = new SessionFileStore({ sessionDir })
  const name = other.nameOf('given')
  const before = openDescriptors()
  let isFirst = true
  const disk = interceptedDisk(async (call, _given, proceed) => {
    if (call !== 'fsync' || !isFirst) return await proceed()
    isFirst = false
    await other.remove(name)
    await other.create(name, { text: 'theirs' })
    throw systemError('EIO', 'fsync')
  })
  const store = new FileStore({ sessionDir, durability: 'fsync' }, disk)
  await t.rejects(store.create(name, { text: 'mine' }), { name: 'SessionFileError', cause: { code: 'EIO' } })
  t.equal(await other.getSession('given'), 'theirs')
  t.equal((sessionFiles(sessionDir)).length, 1)
  isFirst = false
  t.strictSame(await store.create(name, { text: 'mine' }), { result: 'taken' })
  t.equal(openDescriptors(), before)
})

t.test('an expired session that is saved at the last moment is not made room of', async t => {
  const time = { now: Date.now() }
  const clock = new Clock(() => time.now, () => time.now)
  const sessionDir = join(t.testdir(), 'sessions')
  const late = new FileStore({ sessionDir, idleTimeout: 10 }, impatientDisk, clock)
  const name = late.nameOf('given')
  const first = await late.create(name, { text: 'old' })
  let isFirst = true
  const disk = interceptedDisk(async (call, _given, proceed) => {
    if (call === 'write' && ++writes === 2 && isFirst) {
      isFirst = false
      t.match(await late.replace(name, { text: 'used', idleTimeout: 1000 }, first.result === 'created' ? first.version : ''), { result: 'replaced' })
    }
    return await proceed()
  })
  let writes = 0
  time.now += 11_000
  const store = new FileStore({ sessionDir, idleTimeout: 10 }, disk, clock)
  t.strictSame(await store.create(name, { text: 'new' }), { result: 'taken' })
  t.equal(await store.getSession('given'), 'used')
})

t.test('a name that is free again by the time of the look is used', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const other = new SessionFileStore({ sessionDir })
  const name = other.nameOf('given')
  await other.create(name, { text: 'old' })
  const disk = interceptedDisk(async (call, _given, proceed) => {
    const result = await proceed().catch(async (error: unknown) => {
      if (call === 'link') await other.remove(name)
      throw error
    })
    return result
  })
  t.match(await new FileStore({ sessionDir }, disk).create(name, { text: 'new' }), { result: 'created' })
  t.equal(await other.getSession('given'), 'new')
})
