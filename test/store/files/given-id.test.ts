import { truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Clock } from '../../../lib/store/clock'
import { FileStore } from '../../../lib/store/files/file-store'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { sessionFiles } from '../../support/session-files'

t.test('a session can be made under a given name, once', async t => {
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions') })
  const name = store.nameOf('given')
  t.match(await store.create(name, { text: 'text', idleTimeout: 30 }), { result: 'created' })
  t.match(await store.read(name), { text: 'text', idleTimeout: 30 })
  t.strictSame(await store.create(name, { text: 'other' }), { result: 'taken' })
  t.equal(await store.getSession('given'), 'text')
  await store.delSession('given')
  t.match(await store.create(name, { text: 'again' }), { result: 'created' })
  t.equal(await store.getSession('given'), 'again')
})

t.test('what nameOf does not return names no session', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  for (const name of ['', '..', '../'.repeat(22), 'x'.repeat(64), 'A'.repeat(64), `${'0'.repeat(64)}/`]) {
    const refusal = { name: 'SessionError', code: 'SESSION_NAME' }
    await t.rejects(store.create(name, { text: '' }), refusal)
    await t.rejects(store.read(name), refusal)
    await t.rejects(store.replace(name, { text: '' }, 'version'), refusal)
    await t.rejects(store.remove(name), refusal)
    t.equal(store.readNow(name), undefined)
  }
})

t.test('an expired session makes room', async t => {
  const time = { now: Date.now() }
  const clock = new Clock(() => time.now, () => time.now)
  const store = new FileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 10 }, localDisk, clock)
  const name = store.nameOf('given')
  await store.create(name, { text: 'old' })
  time.now += 11_000
  t.match(await store.create(name, { text: 'new', idleTimeout: 1000 }), { result: 'created' })
  t.equal(await store.getSession('given'), 'new')
})

t.test('so does a file without a whole record, when it is old enough for no process to be at it', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const name = store.nameOf('given')
  await store.create(name, { text: 'text' })
  const [path = ''] = await sessionFiles(sessionDir)
  await truncate(path, 10)
  const other = new SessionFileStore({ sessionDir })
  t.equal(await other.getSession('given'), null)
  t.strictSame(await other.create(name, { text: 'new' }), { result: 'taken' })
  await utimes(path, new Date(), new Date(Date.now() - 61_000))
  t.match(await other.create(name, { text: 'new' }), { result: 'created' })
  t.equal(await other.getSession('given'), 'new')
})

t.test('how long it may stay unused is known', async t => {
  const time = { now: Date.now() }
  const clock = new Clock(() => time.now, () => time.now)
  const store = new FileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 10 }, localDisk, clock)
  const name = store.nameOf('given')
  await store.create(name, { text: '' })
  time.now += 4000
  const { idleLeft } = await store.read(name) ?? {}
  t.ok(idleLeft !== undefined && idleLeft >= 6000 && idleLeft < 7000)
})
