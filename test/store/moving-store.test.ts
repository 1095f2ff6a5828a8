import { join } from 'node:path'
import t from 'tap'
import { MovingSessionStore } from '../../index'
import { FileStore } from '../../lib/store/files/file-store'
import { departure, looksMarked, reservation, reservedBy } from '../../lib/store/moving-marks'
import { isImmediate, isIterable, isPortable, isReapable } from '../../lib/store/features'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import type { RecordStore } from '../../lib/store/session-store'
import type { PortableSession } from '../../lib/store/store-abilities'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'
import { newSession } from '../support/new-session'

/** It keeps what its stores declare: moving-store.long.ts. */
function pair () {
  const [from, to] = [new MemoryStore(), new MemoryStore()]
  return { from, to, store: new MovingSessionStore({ from, to }) }
}

t.test('the new store opens what the old one holds', async t => {
  const [OLD, NEW] = ['an old secret of 32 bytes at least', 'a new secret of 32 bytes at least']
  const [old, both] = [{ secrets: [OLD] }, { secrets: [NEW, OLD] }]
  const storeWith = (encryption: boolean | EncryptionOptions): MemoryStore => new MemoryStore('sid', undefined, encryption)
  const strict = (options: EncryptionOptions): EncryptionOptions => ({ ...options, acceptPlain: false })
  const good: Array<[boolean | EncryptionOptions, boolean | EncryptionOptions]> = [
    [false, true], [false, old], [true, both], [old, old], [old, both], [strict(old), strict(both)], [strict(old), both]
  ]
  for (const [from, to] of good) t.ok(new MovingSessionStore({ from: storeWith(from), to: storeWith(to) }))
  const bad: typeof good = [
    [true, false], [old, false], [old, true], [both, old], [old, { secrets: [NEW] }], [false, strict(old)], [old, strict(old)], [true, strict(old)]
  ]
  for (const [from, to] of bad) {
    t.throws(() => new MovingSessionStore({ from: storeWith(from), to: storeWith(to) }), { code: 'SESSION_OPTION', message: /option to must open the sessions of from/ })
  }
  const unaware = Object.assign(storeWith(false), { cipher: undefined }) as unknown as RecordStore
  t.ok(new MovingSessionStore({ from: unaware, to: storeWith(true) }))
  t.throws(() => new MovingSessionStore({ from: unaware, to: storeWith(strict(old)) }), { code: 'SESSION_OPTION' })
  const [from, to] = [storeWith(old), storeWith(both)]
  const sesid = await from.newSession()
  await from.putSession(sesid, '{"n":1}')
  t.equal(await new MovingSessionStore({ from, to }).getSession(sesid), '{"n":1}')
})

t.test('a session moves when it is read, with its times', async t => {
  const { from, to, store } = pair()
  const { sesid, name } = await newSession(from, 'text')
  from.write(name, { text: 'text', idleTimeout: 5, createdAt: 1000 })
  t.match(await store.read(name), { text: 'text', idleTimeout: 5, createdAt: 1000 })
  t.equal(await store.getSession(sesid), 'text')
  t.equal(from.entries.size, 0)
  t.match(to.entries.get(name), { record: { text: 'text', idleTimeout: 5, createdAt: 1000 } })
  await store.putSession(sesid, 'more')
  t.equal(to.peek(name)?.text, 'more')
  await store.delSession(sesid)
  t.equal(await store.getSession(sesid), null)
})

t.test('new sessions are made in the new store, and not under the name of an old one', async t => {
  const { from, to, store } = pair()
  const sesid = await store.newSession()
  t.equal(from.entries.size, 0)
  t.equal(to.entries.size, 1)
  t.equal(await store.getSession(sesid), '')
  const { name } = await newSession(from, 'old')
  t.strictSame(await store.create(name, { text: 'new' }), { result: 'taken' })
  t.strictSame(await store.importSession({ name, text: 'new', idleTimeout: undefined, createdAt: 1, lastAccess: 1 }), { result: 'taken' })
})

t.test('what is touched, set aside or imported is so in the new store', async t => {
  const { from, to, store } = pair()
  const calls: unknown[] = []
  Object.assign(to, {
    touch: async (name: string) => { calls.push(['touch', name]) },
    setAside: async (name: string, version?: string) => { calls.push(['setAside', name, version]) },
    importSession: async ({ name }: PortableSession) => {
      calls.push(['importSession', name])
      return { result: 'created', version: '1' }
    }
  })
  await store.touch('one')
  await store.setAside('two', '2')
  t.strictSame(await store.importSession({ name: 'three', text: 'new', idleTimeout: undefined, createdAt: 1, lastAccess: 1 }), { result: 'created', version: '1' })
  t.strictSame(calls, [['touch', 'one'], ['setAside', 'two', '2'], ['importSession', 'three']])
  t.equal(from.entries.size, 0)
})

t.test('an end removes what the old store still has', async t => {
  const { from, to, store } = pair()
  const { name } = await newSession(from, 'unmoved')
  t.equal(await store.remove(name), 'removed')
  t.equal(from.entries.size, 0)
  // As a copy leaves it.
  for (const each of [from, to]) each.write(name, { text: 'copied' })
  t.equal(await store.remove(name), 'removed')
  for (const each of [from, to]) each.write(name, { text: 'copied' })
  t.equal(await store.remove(name, to.peek(name)?.version), 'removed')
  t.equal(await store.read(name), null)
  t.equal(await store.remove(name), 'gone')
})

t.test('an end completes no move', async t => {
  const { from, to, store } = pair()
  const [first, second] = ['1'.repeat(32), '2'.repeat(32)]
  for (const [token, removal] of [[first, 'removed'], [second, 'gone']] as const) {
    from.write('name', { text: departure(first, 'text') })
    to.write('name', { text: reservation(token) })
    t.equal(await store.remove('name'), removal)
    t.equal(await store.read('name'), null)
    t.notOk(to.entries.has('name'))
  }
  from.write('name', { text: 'text' })
  to.write('name', { text: reservation(first) })
  t.equal(await store.remove('name'), 'removed')
  t.equal(to.entries.size, 0, 'and leaves no reservation')
})

t.test('a reservation in the old store, which another move to it left, is not a session', async t => {
  const { from, to, store } = pair()
  from.write('name', { text: reservation('1'.repeat(32)) })
  t.equal(await store.read('name'), null)
  t.equal(to.entries.size, 0)
  t.equal(from.entries.size, 1, 'that move can go on')
})

t.test('a reservation that was made too late brings no session back', async t => {
  const { from, to, store } = pair()
  from.write('name', { text: departure('1'.repeat(32), 'ended') })
  to.write('name', { text: reservation('2'.repeat(32)) })
  t.equal(await store.read('name'), null)
  t.equal(to.entries.size, 0)
})

t.test('a departure that cannot be removed does no harm', async t => {
  const { from, to, store } = pair()
  const { name } = await newSession(from, 'text')
  from.before = { remove: () => { throw new Error('away') } }
  t.match(await store.read(name), { text: 'text' })
  from.before = {}
  t.ok(looksMarked(from.peek(name)?.text ?? ''))
  t.equal(await store.remove(name), 'removed')
  t.equal(await store.read(name), null)
  from.write('other', { text: departure('1'.repeat(32), 'text') })
  t.equal(await store.read('other'), null, 'nor does one whose session has ended in the new store')
  from.write('last', { text: departure('1'.repeat(32), 'text') })
  to.write('last', { text: reservation('1'.repeat(32)) })
  from.before = { remove: () => { throw new Error('away') } }
  t.equal(await store.remove('last'), 'removed')
  from.write('unmoved', { text: 'text' })
  to.write('unmoved', { text: reservation('1'.repeat(32)) })
  from.before = {}
  to.before = { remove: () => { throw new Error('away') } }
  t.equal(await store.remove('unmoved'), 'removed')
})

t.test('a store that always changes is given up', async t => {
  const { from, to, store } = pair()
  const { name } = await newSession(from, 'text')
  from.before = { replace: () => { from.write(name, { text: 'again' }) }, remove: () => { from.write(name, { text: 'again' }) } }
  await t.rejects(store.read(name), { code: 'SESSION_STORE', message: /could not be moved .* does not compare versions/ })
  to.entries.clear()
  t.equal(await store.remove(name), 'removed', 'an end does its best')
})

t.test('marks are no sessions, and no session is taken for a mark', async t => {
  const { from, to, store } = pair()
  const mark = reservation('1'.repeat(32))
  t.equal(reservedBy(mark), '1'.repeat(32))
  await t.rejects(store.create('name', { text: mark }), { code: 'SESSION_OPTION', message: /must not begin with the mark/ })
  const { version } = await to.create('name', { text: 'text' }) as { version: string }
  await t.rejects(store.replace('name', { text: `${mark} and more` }, version), { code: 'SESSION_OPTION' })
  await t.rejects(store.importSession({ name: 'other', text: mark, idleTimeout: undefined, createdAt: 1, lastAccess: 1 }), { code: 'SESSION_OPTION' })
  t.equal(from.entries.size, 0)
})

t.test('a store that has the answer at hand', async t => {
  const [from, to] = [new MemoryStore(), new PromptStore()]
  const store = new MovingSessionStore({ from, to })
  t.ok(isImmediate(store))
  t.equal(store.readNow('name'), undefined, 'what is not there may be in the old store')
  to.write('name', { text: reservation('1'.repeat(32)) })
  t.equal(store.readNow('name'), undefined)
  const version = to.write('name', { text: 'text' })
  t.match(store.readNow('name'), { text: 'text' })
  t.match(store.replaceNow('name', { text: 'more' }, version), { result: 'replaced' })
  t.throws(() => store.replaceNow('name', { text: reservation('1'.repeat(32)) }, version), { code: 'SESSION_OPTION' })
  t.notOk(isImmediate(new MovingSessionStore({ from: to, to: from })))
})

t.test('listing names each session once, also while it moves', async t => {
  const { from, to, store } = files(t.testdir())
  const names: string[] = []
  for (let n = 0; n < 5; n++) names.push((await newSession(from, `old ${n}`)).name)
  names.push((await newSession(to, 'new')).name)
  // As a copy leaves it.
  const copied = await newSession(from, 'copied')
  await to.create(copied.name, { text: 'copied' })
  names.push(copied.name)
  // As crashes leave them: reserved; departed; and departed and gone. And what a move to the old store left.
  await from.create(from.nameOf(await from.newId()), { text: reservation('4'.repeat(32)) })
  const [reserved, left, gone] = await Promise.all(['reserved', 'left', 'gone'].map(text => newSession(from, text)))
  names.push(reserved!.name, left!.name)
  await to.create(reserved!.name, { text: reservation('1'.repeat(32)) })
  await to.create(left!.name, { text: reservation('2'.repeat(32)) })
  for (const { name } of [left!, gone!]) {
    const { version, text } = await from.read(name) as { version: string, text: string }
    await from.replace(name, { text: departure('2'.repeat(32), text) }, version)
  }
  const seen: PortableSession[] = []
  for await (const session of store.exportSessions()) {
    seen.push(session)
    await store.read(session.name)
  }
  t.strictSame(seen.map(({ name }) => name).sort(), names.sort())
  t.ok(seen.some(({ text }) => text === 'left'))
  const infos = []
  for await (const info of store.sessions()) infos.push(info)
  t.equal(infos.length, names.length)
  for (const { age, idle, idleLeft, size } of infos) t.ok(age >= 0 && idle >= 0 && idleLeft > 7_000_000 && size > 2)
  t.ok(await store.clear() >= names.length)
  for await (const text of store.texts()) t.fail(text)
  for await (const info of endingMeanwhile(store, from)) t.fail(JSON.stringify(info))
})

t.test('a listing of a store that does not know how long a session may go on', async t => {
  const { from, to, store } = files(t.testdir())
  const { name } = await newSession(to, 'text')
  const { read } = to
  to.read = async each => {
    const stored = await read.call(to, each)
    return stored === null ? null : { ...stored, idleLeft: undefined }
  }
  t.match(await to.read(name), { text: 'text' })
  for await (const info of store.sessions()) t.match(info, { idleLeft: 0, size: 4 })
  await Promise.all([from, to].map(each => each.close()))
})

/** A session that ends between the two looks of a listing is left out. */
async function * endingMeanwhile (store: MovingSessionStore, from: FileStore) {
  const { name } = await newSession(from, 'text')
  const { read } = from
  from.read = async each => {
    from.read = read
    await from.remove(name)
    return await read.call(from, each)
  }
  yield * store.sessions()
}

t.test('both stores are opened, closed and reaped', async t => {
  const { from, to, store } = files(t.testdir())
  await store.open()
  t.strictSame(store.warnings, [...from.warnings, ...to.warnings])
  t.match(await store.reap(), { seen: 0, failed: 0 })
  await newSession(from, '')
  await newSession(to, '')
  t.match(await store.reap(), { seen: 2, failed: 0 })
  const error = new Error('away')
  Object.assign(from, { reap: async () => ({ seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 1, error }) })
  Object.assign(to, { reap: async () => ({ seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 1, error: new Error('too') }) })
  t.match(await store.reap(), { failed: 2, error })
  await store.close()
  const memory = pair().store
  t.notOk(isReapable(memory) || isIterable(memory) || isPortable(memory))
  t.strictSame(memory.warnings, [])
  t.ok(isReapable(new MovingSessionStore({ from, to: new MemoryStore() })))
  t.match(await new MovingSessionStore({ from: new MemoryStore(), to }).reap(), { failed: 1 })
})

t.test('options that make no sense', async t => {
  const store = new MemoryStore()
  for (const [options, message] of [
    [{ from: store }, /option to must be a store with records/],
    [{ from: new MapStore(), to: store }, /option from must be a store with records/],
    [{ from: store, to: store }, /option to must be another store than from/],
    [{ from: store, to: new MemoryStore('shop') }, /option to must have the appid of from, sid/],
    [{ from: store, to: new MemoryStore(), more: 1 }, /option more is not known; the options are from, to/]
  ] as const) t.throws(() => new MovingSessionStore(options as unknown as { from: RecordStore, to: RecordStore }), { code: 'SESSION_OPTION', message })
})

function files (directory: string) {
  const [from, to] = ['old', 'new'].map(name => new FileStore({ sessionDir: join(directory, name) })) as [FileStore, FileStore]
  return { from, to, store: new MovingSessionStore({ from, to }) }
}
