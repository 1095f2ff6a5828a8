import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { Indexing } from '../../lib/session/indexing'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import { forwardingText } from '../../lib/store/forwarding'
import { FileStore } from '../../lib/store/files/file-store'
import type { Disk } from '../../lib/store/files/disk'
import { localDisk } from '../../lib/store/files/local-disk'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import { SessionCipher } from '../../lib/store/session-cipher'
import type { StoredSession } from '../../lib/store/session-record'
import type { RecordStore } from '../../lib/store/session-store'
import { age, Time } from '../support/aged-sessions'
import { MemoryStore } from '../support/map-store'
import { emptyPGlite } from '../support/pglite'
import { redisIsMissing, RedisServer } from '../support/redis-server'
import { pathOf, sessionDirectory } from '../support/session-files'

const GRACE = 10
/** Milliseconds by which the clock of a host is wrong. */
const WRONG = [0, -10 * 60_000, 10 * 60_000]

/** A store on a server whose clock is the test's. */
class ServedStore extends MemoryStore {
  /** Milliseconds since 1970. */
  time = Date.UTC(2026, 0, 1)

  override peek (name: string): StoredSession | null {
    const stored = super.peek(name)
    return stored === null ? null : { ...stored, clock: this.time - performance.now() }
  }
}

function recordsOf (store: RecordStore, wrong: number): SessionRecords {
  return new SessionRecords(store, store.cipher ?? new SessionCipher('sid', false), new Indexing(store), () => Date.now() + wrong)
}

/** Renews an id by a host whose clock is so wrong. Returns whether a host with another clock finds the session by it. */
async function renew (store: RecordStore, wrong: number, grace = GRACE) {
  const records = recordsOf(store, wrong)
  const key = await records.newKey()
  await records.create(key, { text: '{"n":1}' })
  const base = await records.read(key) as StoredSession
  const saved = await records.replace(key, { text: '{"n":2}', header: { renewedAt: 1 } }, base)
  if (saved.result !== 'replaced') throw new Error(saved.result)
  const to = await renewSession(records, key, saved.stored, ({ text }) => ({ text }), grace)
  return async (other: number) => (await recordsOf(store, other).find(key))?.key.name === to?.name
}

for (const wrong of WRONG) {
  t.test(`the grace of an id is that of the server, on a host whose clock is wrong by ${wrong} ms`, async t => {
    const store = new ServedStore()
    const isFound = await renew(store, wrong)
    for (const other of WRONG) t.ok(await isFound(other), `at once, where it is wrong by ${other}`)
    store.time += GRACE * 500
    for (const other of WRONG) t.ok(await isFound(other), 'in the middle of it')
    store.time += GRACE * 501
    for (const other of WRONG) t.notOk(await isFound(other), 'after it')
  })

  t.test(`of files it is that of the store's clock: ${wrong}`, async t => {
    const { time, store } = await fileStore(t)
    const isFound = await renew(store, wrong)
    for (const other of WRONG) t.ok(await isFound(other), `at once, where it is wrong by ${other}`)
    time.pass(GRACE + 1)
    for (const other of WRONG) t.notOk(await isFound(other), 'after it')
  })
}

/** So that what is written meanwhile bears a time (by the kernel's clock) at which the grace is over. */
function behind (): Time {
  const time = new Time()
  time.pass(-GRACE - 1)
  return time
}

async function fileStore (t: Test, time = new Time(), disk: Disk = localDisk, sessionDir = sessionDirectory(t)) {
  const store = new FileStore({ sessionDir }, disk, time.clock)
  await store.open()
  t.teardown(() => store.close())
  return { time, store, sessionDir }
}

/** A session whose id is renewed when `renew` is called. */
async function renewable (store: RecordStore) {
  const records = recordsOf(store, 0)
  const key = await records.newKey()
  const created = await records.create(key, { text: '{"n":1}' }) as StoredSession
  const renew = async (base: StoredSession): Promise<void> => { t.ok(await renewSession(records, key, base, ({ text }) => ({ text }), GRACE)) }
  return { records, key, created, renew }
}

t.test('a session that was just made is renewed by the server\'s clock', async t => {
  const store = new ServedStore()
  const { records, key, created, renew } = await renewable(store)
  await renew(created)
  t.ok(await records.find(key))
  store.time += GRACE * 1001
  t.equal(await records.find(key), null)
})

t.test('a save that comes too late does not start the grace anew', async t => {
  const { time, store, sessionDir } = await fileStore(t, behind())
  const { store: other } = await fileStore(t, time, localDisk, sessionDir)
  const { records, key, created, renew } = await renewable(store)
  const late = await recordsOf(other, 0).read(key) as StoredSession
  await renew(created)
  time.pass(GRACE + 1)
  t.match(await recordsOf(other, 0).replace(key, { text: '{"n":2}' }, late), { result: /conflict|gone/ })
  t.equal(await records.find(key), null)
  t.equal(await recordsOf(other, 0).find(key), null)
})

t.test('a touch that is under way while the id is renewed does not end the grace', async t => {
  let between: (() => Promise<void>) | undefined
  const slow: Disk = Object.assign(Object.create(localDisk) as Disk, {
    now: undefined,
    eager: undefined,
    lutimes: async (...call: Parameters<Disk['lutimes']>) => {
      const first = between
      between = undefined
      await first?.()
      await localDisk.lutimes(...call)
    }
  })
  const { time, store, sessionDir } = await fileStore(t)
  const { store: other } = await fileStore(t, time, slow, sessionDir)
  const { records, key, renew } = await renewable(store)
  age(pathOf(sessionDir, key.sesid), 300)
  const stored = await recordsOf(other, 0).read(key) as StoredSession
  between = async () => { await renew(await records.read(key) as StoredSession) }
  await recordsOf(other, 0).touch(key, stored)
  t.equal(between, undefined)
  t.ok(await records.find(key))
})

/** Hosts whose clocks are wrong find the session within the grace, and the store's clock is the server's. */
async function followsServer (t: Test, store: RecordStore): Promise<void> {
  for (const wrong of WRONG) {
    const isFound = await renew(store, wrong, 300)
    for (const other of WRONG) t.ok(await isFound(other), `${wrong}, ${other}`)
  }
  const records = recordsOf(store, 0)
  const key = await records.newKey()
  await records.create(key, { text: 'text' })
  const { clock = 0 } = await records.read(key) as StoredSession
  t.ok(Math.abs(performance.now() + clock - Date.now()) < 60_000, 'the server is on this machine')
}

t.test('Redis tells its clock', { skip: redisIsMissing }, async t => {
  const client = createClient({ url: (await RedisServer.start(t)).url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  for (const cache of [undefined, {}]) {
    const store = new RedisSessionStore({ client, cache, prefix: cache === undefined ? 'a' : 'b' })
    await store.open()
    await followsServer(t, store)
    await store.close()
  }
})

t.test('PostgreSQL tells its clock', async t => {
  const pool = emptyPGlite()
  t.teardown(() => pool.close())
  const store = new PostgresSessionStore({ pool })
  await store.open()
  await followsServer(t, store)
  await store.close()
})

t.test('a record that forwards from another id leads nowhere', async t => {
  const store = new MemoryStore()
  const records = recordsOf(store, 0)
  const key = await records.newKey()
  store.write(key.name, { text: forwardingText('sid', 'another id', { sesid: 'the new id', since: Date.now(), grace: GRACE * 1000 }) })
  t.equal(await records.find(key), null)
  t.equal(await records.movedTo(key), null)
})
