import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Clock } from '../../../lib/store/clock'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'

t.test('a session can be made under a given id, once', async t => {
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions') })
  t.match(await store.createSession('text', { sesid: 'given', idleTimeout: 30 }), { sesid: 'given' })
  t.match(await store.readSession('given'), { text: 'text', idleTimeout: 30 })
  await t.rejects(store.createSession('other', { sesid: 'given' }), { code: 'SESSION_ID_TAKEN', statusCode: 500 })
  t.equal(await store.getSession('given'), 'text')
  await store.delSession('given')
  await store.createSession('again', { sesid: 'given' })
  t.equal(await store.getSession('given'), 'again')
})

t.test('ids that are none', async t => {
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions') })
  for (const sesid of ['', 'x'.repeat(1025), 7 as unknown as string]) {
    await t.rejects(store.createSession('', { sesid }), { code: 'SESSION_ID' })
  }
})

t.test('an expired session makes room', async t => {
  const time = { now: Date.now() }
  const clock = new Clock(() => time.now, () => time.now)
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 10 }, localDisk, clock)
  await store.createSession('old', { sesid: 'given' })
  time.now += 11_000
  await store.createSession('new', { sesid: 'given', idleTimeout: 1000 })
  t.equal(await store.getSession('given'), 'new')
})

t.test('so does a file without a whole record', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  await store.createSession('text', { sesid: 'given' })
  const [name] = (await readdir(sessionDir, { recursive: true })).filter(name => /[0-9a-f]{62}$/.test(name))
  await truncate(join(sessionDir, name as string), 10)
  const other = new SessionFileStore({ sessionDir })
  t.equal(await other.getSession('given'), null)
  await other.createSession('new', { sesid: 'given' })
  t.equal(await other.getSession('given'), 'new')
})

t.test('how long it may stay unused is known', async t => {
  const time = { now: Date.now() }
  const clock = new Clock(() => time.now, () => time.now)
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 10 }, localDisk, clock)
  await store.createSession('', { sesid: 'given' })
  time.now += 4000
  const { idleLeft } = await store.readSession('given') ?? {}
  t.ok(idleLeft !== undefined && idleLeft >= 6000 && idleLeft < 7000)
})
