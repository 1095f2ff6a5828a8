import { existsSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Clock, GRACE } from '../../../lib/store/clock'
import type { SessionFileStoreOptions } from '../../../lib/store/files/options'
import { localDisk } from '../../../lib/store/files/local-disk'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { SessionInfo } from '../../../lib/store/store-abilities'
import { Time } from '../../support/aged-sessions'
import { wholeText } from '../../support/journal-files'
import { newSession } from '../../support/new-session'
import { filesIn, pathOf, sessionDirectory } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

const MINUTE = 60
const HOUR = 3600

interface Aged {
  store: FileStore
  sesid: string
  path: string
  /** Sets the file's times to so many seconds ago. */
  age: (accessed: number, modified: number) => void
}

/** A session in a store whose clock stands still: how long this machine takes for a test makes no difference. */
async function session (t: Test, options: SessionFileStoreOptions = {}, idleTimeout?: number): Promise<Aged> {
  const sessionDir = sessionDirectory(t)
  const { clock } = new Time()
  const store = new FileStore({ sessionDir, ...options }, localDisk, clock)
  const { sesid } = await newSession(store, { text: 'text', idleTimeout })
  const path = pathOf(sessionDir, sesid)
  const age = (accessed: number, modified: number): void => {
    const now = clock.now() / 1000
    utimesSync(path, now - accessed, now - modified)
  }
  return { store, sesid, path, age }
}

t.test('a session ends when it was not used for the idle timeout', async t => {
  const { store, sesid, path, age } = await session(t)
  age(2 * HOUR - MINUTE, 10 * HOUR)
  t.equal((await store.read(store.nameOf(sesid)))?.text, 'text')
  age(2 * HOUR + 1, 10 * HOUR)
  t.equal(await store.read(store.nameOf(sesid)), null)
  t.equal(await store.getSession(sesid), null)
  await store.putSession(sesid, 'late')
  t.equal(await store.getSession(sesid), null, 'and no save brings it back')
  t.ok(existsSync(path), 'to remove it is the reaper\'s part')
  await store.delSession(sesid)
  t.notOk(existsSync(path))
})

t.test('a request that loaded a session before its end can still save it and touch it', async t => {
  const { store, sesid, age } = await session(t)
  const { version = '' } = await store.read(store.nameOf(sesid)) ?? {}
  age(2 * HOUR + GRACE / 1000 - 10, 10 * HOUR)
  t.equal(await store.read(store.nameOf(sesid)), null, 'new requests do not get it')
  t.strictSame(await store.replace(store.nameOf(sesid), { text: 'late' }, 'another version'), { result: 'conflict' })
  t.match(await store.replace(store.nameOf(sesid), { text: 'late' }, version), { result: 'replaced' })
  t.equal(await store.getSession(sesid), 'late', 'it is in use again')
  age(2 * HOUR + GRACE / 1000 - 10, 10 * HOUR)
  t.equal(await store.read(store.nameOf(sesid)), null)
  await store.touch(store.nameOf(sesid))
  t.equal(await store.getSession(sesid), 'late')
})

t.test('a session that ended longer ago than the grace cannot be saved or touched', async t => {
  const { store, sesid, path, age } = await session(t)
  const { version = '' } = await store.read(store.nameOf(sesid)) ?? {}
  const sessionDir = join(path, '../../..')
  age(2 * HOUR + GRACE / 1000 + 1, 10 * HOUR)
  const { size, atimeMs } = statSync(path)
  for (const each of [store, new SessionFileStore({ sessionDir })]) {
    t.equal(await each.read(each.nameOf(sesid)), null)
    t.strictSame(await each.replace(each.nameOf(sesid), { text: 'late' }, version), { result: 'gone' })
    await each.touch(each.nameOf(sesid))
    t.match(statSync(path), { size, atimeMs }, 'nothing is done to the file')
  }
})

t.test('a save counts as use, as a read does', async t => {
  const { store, sesid, age } = await session(t)
  age(10 * HOUR, HOUR)
  t.equal((await store.read(store.nameOf(sesid)))?.text, 'text')
  age(HOUR, 10 * HOUR)
  t.equal((await store.read(store.nameOf(sesid)))?.text, 'text')
})

t.test('reading starts the idle time anew, and costs no rewrite', async t => {
  const { store, sesid, path, age } = await session(t)
  age(HOUR, HOUR)
  const before = statSync(path)
  t.match(await store.read(store.nameOf(sesid)), { touchDue: true })
  t.equal(await store.getSession(sesid), 'text')
  const after = statSync(path)
  t.ok(Date.now() - after.atimeMs < HOUR * 1000 / 2)
  t.ok(Math.abs(after.mtimeMs - before.mtimeMs) < 1, 'the modification time is kept')
  t.equal(after.size, before.size)
  t.match(await store.read(store.nameOf(sesid)), { touchDue: false })
})

t.test('touch sets the access time at once', async t => {
  const { store, sesid, path, age } = await session(t)
  age(30, HOUR)
  const { mtimeMs } = statSync(path)
  await store.touch(store.nameOf(sesid))
  t.ok(Date.now() - statSync(path).atimeMs < 20_000)
  t.ok(Math.abs(statSync(path).mtimeMs - mtimeMs) < 1)
  await store.delSession(sesid)
  await store.touch(store.nameOf(sesid))
  t.notOk(existsSync(path))
})

t.test('a session\'s own idle timeout is kept until it is given another', async t => {
  const { store, sesid, path, age } = await session(t, {}, 30 * 24 * HOUR)
  const sessionDir = join(path, '../../..')
  age(29 * 24 * HOUR, 29 * 24 * HOUR)
  const readAnew = async () => {
    const other = new SessionFileStore({ sessionDir })
    return await other.read(other.nameOf(sesid))
  }
  t.match(await readAnew(), { text: 'text', idleTimeout: 30 * 24 * HOUR })
  await store.putSession(sesid, 'changed')
  age(29 * 24 * HOUR, 29 * 24 * HOUR)
  t.equal((await readAnew())?.text, 'changed', 'kept over a save without one')
  for (let turn = 0; turn < 200; turn++) await store.putSession(sesid, wholeText(turn, 200))
  age(29 * 24 * HOUR, 29 * 24 * HOUR)
  t.match(await readAnew(), { idleTimeout: 30 * 24 * HOUR }, 'and over rewrites')
  await store.putSession(sesid, 'short', { idleTimeout: 10 })
  t.match(await store.read(store.nameOf(sesid)), { idleTimeout: 10 })
  age(11, 11)
  t.equal(await store.getSession(sesid), null)
})

t.test('idle timeouts are whole seconds, of which there is at least one', async t => {
  const { store, sesid } = await session(t)
  t.match(await store.read(store.nameOf(sesid)), { idleTimeout: undefined })
  for (const [given, kept] of [[1.2, 2], [0.001, 1], [1e20, 0xffffffff], [Infinity, 0xffffffff]] as const) {
    await store.putSession(sesid, 'text', { idleTimeout: given })
    t.match(await store.read(store.nameOf(sesid)), { idleTimeout: kept })
    await store.putSession(sesid, 'text', { idleTimeout: undefined })
    t.match(await store.read(store.nameOf(sesid)), { idleTimeout: kept })
  }
})

t.test('an idle timeout of nothing is refused, and nothing is stored', async t => {
  const { store, sesid, path } = await session(t)
  const { version = '' } = await store.read(store.nameOf(sesid)) ?? {}
  const refused = { name: 'SessionError', code: 'SESSION_OPTION', message: /^idleTimeout must be .* above 0$/ }
  for (const idleTimeout of [0, -5, NaN, -Infinity]) {
    await t.rejects(newSession(store, { text: 'other', idleTimeout }), refused)
    await t.rejects(store.putSession(sesid, 'other', { idleTimeout }), refused)
    await t.rejects(async () => await store.replace(store.nameOf(sesid), { text: 'other', idleTimeout }, version), refused)
  }
  t.match(await store.read(store.nameOf(sesid)), { text: 'text', version, idleTimeout: undefined })
  t.equal(filesIn(join(path, '../..')).length, 1)
})

t.test('a session ends at the absolute timeout, however much it is used', async t => {
  let now = Date.now()
  const sessionDir = sessionDirectory(t)
  const clock = new Clock(() => now, () => now)
  const store = new FileStore({ sessionDir, absoluteTimeout: 3 * HOUR }, localDisk, clock)
  const sesid = await store.newSession()
  for (let hour = 0; hour < 2; hour++) {
    now += HOUR * 1000
    await store.putSession(sesid, `hour ${hour}`)
    t.equal(await store.getSession(sesid), `hour ${hour}`)
  }
  now += HOUR * 1000 - 1
  t.equal(await store.getSession(sesid), 'hour 1')
  await store.touch(store.nameOf(sesid))
  now += 1
  t.equal(await store.getSession(sesid), null)
  t.equal(await new FileStore({ sessionDir }, localDisk, clock).getSession(sesid), 'hour 1', 'a store without one')
})

t.test('a clock that jumps ends no session, and no session lives for ever', async t => {
  let now = Date.now()
  let steady = 0
  const put = (seconds: number): void => { now += seconds * 1000 }
  const pass = (seconds: number): void => {
    put(seconds)
    steady += seconds * 1000
  }
  const clock = new Clock(() => now, () => steady)
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir, absoluteTimeout: 24 * HOUR }, localDisk, clock)
  const { sesid } = await newSession(store, 'text')
  pass(HOUR)
  put(100 * HOUR)
  t.equal((await store.read(store.nameOf(sesid)))?.text, 'text', 'forward')
  put(-200 * HOUR)
  t.match(await store.read(store.nameOf(sesid)), { text: 'text', touchDue: true }, 'back')
  await store.touch(store.nameOf(sesid))
  put(100 * HOUR)
  t.equal(await store.getSession(sesid), 'text', 'and right again')
  pass(25 * HOUR)
  t.equal(await store.getSession(sesid), null)
})

t.test('where the clock is ahead of the kernel\'s, or behind, a new session is new', async t => {
  for (const ahead of [10 * HOUR, -10 * HOUR]) {
    let now = Date.now() + ahead * 1000
    const clock = new Clock(() => now, () => now)
    const store = new FileStore({ sessionDir: sessionDirectory(t) }, localDisk, clock)
    // One that has moved to a new id: the visitor's session is older than the idle timeout.
    const { name, sesid } = await newSession(store, { text: '0', createdAt: now - 5 * HOUR * 1000 })
    t.match(await store.read(name), { text: '0', touchDue: false, createdAt: now - 5 * HOUR * 1000 })
    now += (2 * HOUR - 1) * 1000
    t.equal(await store.getSession(sesid), '0')
    for (let turn = 1; turn < 200; turn++) await store.putSession(sesid, wholeText(turn, 200))
    now += (2 * HOUR - 1) * 1000
    t.equal(await store.getSession(sesid), wholeText(199, 200), 'also after saves, and after a rewrite')
    now += (2 * HOUR + 1) * 1000
    t.equal(await store.getSession(sesid), null)
  }
})

t.test('what is stamped in the future does not live for ever: a touch brings it back', async t => {
  const { store, sesid, path } = await session(t)
  const name = store.nameOf(sesid)
  const future = Date.now() / 1000 + 1e8
  for (const [atime, mtime] of [[future, future], [Date.now() / 1000, future], [future, Date.now() / 1000]] as const) {
    utimesSync(path, atime, mtime)
    const found: SessionInfo[] = []
    for await (const info of store.sessions()) found.push(info)
    t.match(found, [{ idle: 0 }])
    t.match(await store.read(name), { touchDue: true })
    await store.touch(name)
    const status = statSync(path)
    t.ok(status.atimeMs <= Date.now() && status.mtimeMs <= Date.now())
    t.match(await store.read(name), { touchDue: false })
  }
})

t.test('a session that was made in the future is brought back by the next save', async t => {
  let now = Date.now() + 1e9
  const clock = new Clock(() => now, () => now)
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir, absoluteTimeout: HOUR }, localDisk, clock)
  const { name, version } = await newSession(store, 'text')
  now -= 1e9
  const other = new FileStore({ sessionDir, absoluteTimeout: HOUR }, localDisk, new Clock(() => now, () => now))
  t.match(await other.replace(name, { text: 'saved' }, version), { result: 'replaced' })
  t.match(await other.read(name), { createdAt: now })
  now += HOUR * 1000
  t.equal(await other.read(name), null)
  const born = await newSession(other, { text: 'text', createdAt: now + 5000 })
  t.match(await other.read(born.name), { createdAt: now }, 'nor is one made so')
  const odd = await newSession(other, { text: 'text', createdAt: -7.5 })
  t.equal(await other.read(odd.name), null, 'one from before 1970 has come to its absolute end')
})
