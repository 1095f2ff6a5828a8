import t, { type Test } from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { FileStore } from '../../lib/store/files/file-store'
import { forwardingText } from '../../lib/store/forwarding'
import { AboutText } from '../../lib/store/index-about'
import { decodeList, encodeList, newLogin } from '../../lib/store/index-entry'
import { IndexLabels, listName } from '../../lib/store/index-labels'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { indexInUse, indexOf, placesIn, SessionIndex } from '../../lib/store/session-index'
import { MapStore, MemoryStore } from '../support/map-store'
import { sessionDirectory } from '../support/session-files'

const SECRET = 'a secret of 32 bytes at the least'
const OTHER = 'another secret of 32 bytes at least'

function keys (...secrets: string[]): Array<Buffer | null> {
  return new SessionCipher('sid', encryptionOptions({ secrets })).keysFor('index label')
}

/** A store whose index has a clock of its own. */
async function indexedStore (t: Test) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  const time = { now: Date.now() }
  const index = new SessionIndex(store, () => time.now, async () => {})
  const [label] = index.labels.of('user', 42)
  /** Makes a session that the index finds, as the plugin does. */
  const login = async (sesid: string): Promise<string> => {
    const name = store.nameOf(sesid)
    const tag = newLogin(time.now)
    await index.entering.enter(name, [{ label, login: tag }], undefined, undefined)
    await store.create(name, { text: `${headFor({ indexed: { [label]: tag } })}{}` })
    t.ok(await index.entering.confirm(name, [{ label, login: tag }], time.now))
    return name
  }
  const entries = async (): Promise<number> => {
    const list = await store.companion().records.read(listName(label))
    return list === null ? 0 : decodeList(list.text).entries.length
  }
  t.teardown(() => store.close())
  return { store, index, label, time, login, entries }
}

t.test('a label tells index and value apart, and nothing of the value', async t => {
  const labels = new IndexLabels('sid', [null])
  const [label] = labels.of('user', 42)
  t.match(label, /^user:[\w-]{32}$/)
  t.equal(labels.of('user', '42')[0], label)
  const long = 'x'.repeat(200)
  t.equal(labels.of('user', long)[0], labels.of('user', long)[0])
  const others = [labels.of('sid', 42), labels.of('user', 43), new IndexLabels('other', [null]).of('user', 42), new IndexLabels('sid', keys(SECRET)).of('user', 42)]
  t.equal(new Set([label, ...others.map(([each]) => each)]).size, 5)
  for (const value of [NaN, Infinity, true, {}, undefined, null, 7n]) t.throws(() => labels.of('user', value as never), { code: 'SESSION_INDEX', message: /the index user must be a string or a finite number/ })
})

t.test('a value has a label under each secret, the newest first, and one without', async t => {
  const old = new IndexLabels('sid', keys(SECRET)).of('user', 42)
  const both = new IndexLabels('sid', keys(OTHER, SECRET)).of('user', 42)
  t.equal(both.length, 3)
  t.equal(both[1], old[0])
  t.equal(both[2], new IndexLabels('sid', [null]).of('user', 42)[0])
  t.strictSame(new SessionCipher('sid', false).keysFor('index label'), [null])
})

t.test('what a device list shows is encrypted with a secret, and bounded', async t => {
  const [plain, sealing, other] = [new AboutText([null]), new AboutText(keys(OTHER, SECRET)), new AboutText(keys(SECRET))]
  const about = { agent: 'a phone' }
  t.strictSame(plain.open(plain.seal(about)), about)
  const sealed = sealing.seal(about)
  t.notMatch(sealed, /phone/)
  t.strictSame(sealing.open(sealed), about)
  t.equal(other.open(sealed), undefined)
  t.equal(other.open('short'), undefined)
  t.strictSame(sealing.open(other.seal(about)), about, 'an older secret opens')
  for (const nothing of [undefined, null]) t.equal(plain.seal(nothing as never), undefined)
  t.equal(plain.open(undefined), undefined)
  t.strictSame(plain.open(plain.seal({ agent: 'x'.repeat(5000), n: 1 })), { agent: 'x'.repeat(160), n: 1 })
  t.equal(plain.seal({ list: Array.from({ length: 1000 }, () => 'x') }), undefined)
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const wrong of [{ big: 1n }, circular, 'a text', ['a list'], () => {}, { toJSON: () => undefined }]) {
    t.throws(() => plain.seal(wrong as never), { code: 'SESSION_OPTION', message: /option about must return an object/ })
  }
})

t.test('a list is told from what is not one', async t => {
  const list = { label: 'user:x', entries: [{ handle: sessionHandle('0'.repeat(64)), login: 'l', at: 1, isEnded: true, about: undefined }, { handle: sessionHandle('1'.repeat(64)), login: 'm', at: 2, isEnded: false, about: '{}' }] }
  t.strictSame(decodeList(encodeList(list)), list)
  for (const text of ['', '{}', 'x']) t.throws(() => decodeList(text), { code: 'SESSION_INDEX', message: /damaged/ })
  t.throws(() => decodeList('[2,"user:x"]'), { code: 'SESSION_INDEX', message: /newer version/ })
})

t.test('a sweep removes the entries of sessions that are gone, once they are old', async t => {
  const { store, index, time, login, entries } = await indexedStore(t)
  await store.remove(await login('gone'))
  await login('alive')
  t.strictSame(await index.sweep(), { seen: 2, removed: 0, failed: 0 })
  time.now += 11 * 60_000
  t.strictSame(await index.sweep(), { seen: 2, removed: 1, failed: 0 })
  t.equal(await entries(), 1)
  const abort = AbortSignal.abort()
  t.strictSame(await index.sweep(abort), { seen: 0, removed: 0, failed: 0 })
})

t.test('a sweep goes on when a list cannot be swept', async t => {
  const { store, index, login, time } = await indexedStore(t)
  await login('alive')
  time.now += 11 * 60_000
  const failing = new SessionIndex(Object.assign(store, { companion: () => ({ ...FileStore.prototype.companion.call(store), latest: async () => { throw new Error('no') } }) }), () => time.now)
  t.match(await failing.sweep(), { seen: 1, removed: 0, failed: 1, error: Error })
  t.match(await index.sweep(), { failed: 0 })
})

t.test('a sweep lets requests go first', async t => {
  const { store, login } = await indexedStore(t)
  await login('alive')
  const pauses: number[] = []
  const slow = new SessionIndex(store, () => { for (const start = performance.now(); performance.now() - start < 6;); return Date.now() }, async time => { pauses.push(time) })
  await slow.sweep()
  t.ok(pauses.length > 0)
})

t.test('a session that moves while it is looked for is found, under its new id', async t => {
  const { store, index, label, login } = await indexedStore(t)
  const name = await login('before')
  const [entry] = decodeList((await store.companion().records.read(listName(label)))?.text ?? '').entries
  const tag = entry?.login ?? ''
  const companion = store.companion()
  const watching = new SessionIndex(Object.assign(store, {
    companion: () => ({
      ...companion,
      latest: async (asked: string) => {
        if (asked === name && await store.read(name) !== null) {
          const moved = store.nameOf('after')
          await index.entering.enter(moved, [{ label, login: tag }], undefined, undefined)
          await store.create(moved, { text: `${headFor({ indexed: { [label]: tag } })}{}` })
          await store.remove(name)
          await index.entering.leave(name, [{ label, login: tag }])
        }
        return await companion.latest(asked)
      }
    })
  }))
  const found = []
  for await (const { handle } of watching.sessionsOf('user', 42)) found.push(handle)
  t.strictSame(found, [sessionHandle(store.nameOf('after'))])
})

t.test('an entry that is written again since a sweep judged it stays', async t => {
  const { store, index, label, time, login, entries } = await indexedStore(t)
  const name = await login('gone')
  await store.remove(name)
  time.now += 11 * 60_000
  const list = decodeList((await store.companion().records.read(listName(label)))?.text ?? '')
  const companion = store.companion()
  const late = new SessionIndex(Object.assign(store, {
    companion: () => ({
      ...companion,
      latest: async (name: string) => {
      // The session is made at this moment.
        await index.entering.enter(name, [{ label, login: list.entries[0]?.login ?? '' }], undefined, undefined)
        return null
      }
    })
  }), () => time.now, async () => {})
  await late.sweep()
  t.equal(await entries(), 1)
})

t.test('a process that was held up writes its entry again, if it is still there', async t => {
  const { store, index, label, time } = await indexedStore(t)
  const [name, place] = [store.nameOf('slow'), { label, login: newLogin(time.now) }]
  const since = time.now
  await index.entering.enter(name, [place], undefined, undefined)
  time.now += 2 * 60_000
  t.equal(await index.entering.confirm(name, [place], since), true)
  const list = decodeList((await store.companion().records.read(listName(label)))?.text ?? '')
  t.equal(list.entries[0]?.at, time.now)
  await index.entering.leave(name, [place])
  t.equal(await index.entering.confirm(name, [place], since), false)
})

t.test('a list is touched before it may expire, and not for each request', async t => {
  const { index, label, time } = await indexedStore(t)
  const { entering } = index
  t.equal(entering.isTouchDue([label]), true)
  await entering.keepAlive([label])
  t.equal(entering.isTouchDue([label]), false)
  time.now += 61_000
  t.equal(entering.isTouchDue([label]), true)
  await entering.keepAlive(Array.from({ length: 10_001 }, (_, at) => `user:${at % 3 === 0 ? at : 'same'}`).slice(0, 5))
})

t.test('the index of a store is the same for all who ask; a store without records has none', async t => {
  const { store } = await indexedStore(t)
  t.equal(indexInUse(store), undefined)
  t.equal(indexOf(store), indexOf(store))
  t.equal(indexInUse(store), indexOf(store))
  t.equal(indexOf(new MapStore()), null)
  t.equal(indexOf(new MemoryStore()), null)
  t.throws(() => new MemoryStore().sessionsOf('user', 1), { code: 'SESSION_INDEX', message: /does not declare the feature indexable/ })
  t.strictSame(placesIn(null), [])
})

t.test('sessions that come from another store are entered', async t => {
  const { store, index, label, login } = await indexedStore(t)
  const name = await login('alive')
  const session = await store.read(name)
  const other = new FileStore({ sessionDir: `${sessionDirectory(t)}-other` })
  t.teardown(() => other.close())
  const portable = { name, text: session?.text ?? '', idleTimeout: undefined, createdAt: Date.now(), lastAccess: Date.now() }
  await indexOf(other)?.welcome(portable, index)
  await other.importSession(portable)
  t.equal(await other.revokeAll('user', 42), 1)
  t.equal(await other.read(name), null)
  await index.clear()
  t.equal(await store.read(name), null)
  t.equal((await store.companion().records.read(listName(label))), null)
})

t.test('the five methods keep header and lists', async t => {
  const { store, index, label } = await indexedStore(t)
  const sesid = 'x'.repeat(32)
  const name = store.nameOf(sesid)
  const place = { label, login: newLogin(Date.now()) }
  await index.entering.enter(name, [place], undefined, undefined)
  await store.create(name, { text: `${headFor({ indexed: { [label]: place.login } })}{"user":42}` })
  t.equal(await store.getSession(sesid), '{"user":42}')
  await store.putSession(sesid, '{"user":42,"more":1}', { idleTimeout: 100_000 })
  t.equal(await store.getSession(sesid), '{"user":42,"more":1}')
  t.equal((await store.companion().records.read(listName(label)))?.idleTimeout, 100_600)
  for await (const text of store.texts()) t.equal(text, '{"user":42,"more":1}')
  t.equal(await store.revokeAll('user', 42), 1)
  t.equal(await store.getSession(sesid), null)
  t.match(await store.reapIndexes(), { failed: 0 })
})

t.test('a list that other processes change all the time is given up', async t => {
  const { store, label } = await indexedStore(t)
  const companion = store.companion()
  companion.records.create = async () => ({ result: 'taken' })
  Object.assign(store, { companion: () => companion })
  const index = new SessionIndex(store, Date.now, async () => {})
  await t.rejects(index.entering.enter(store.nameOf('id'), [{ label, login: newLogin(0) }], undefined, undefined), { code: 'SESSION_CONFLICT' })
})

t.test('which lists were touched is remembered of 10,000 only', async t => {
  const store = new MemoryStore()
  const records = new MemoryStore('lists')
  const companion = { records, idleTimeout: 1000, latest: (name: string) => store.read(name) }
  const index = new SessionIndex(Object.assign(store, { companion: () => companion }) as never)
  const labels = Array.from({ length: 10_001 }, (_, at) => `user:${at}`)
  await index.entering.keepAlive(labels.slice(0, 10_000))
  t.equal(index.entering.isTouchDue(labels.slice(0, 10_000)), false)
  await index.entering.keepAlive(labels)
  t.equal(index.entering.isTouchDue(labels.slice(10_000)), false)
  t.equal(index.entering.isTouchDue(labels.slice(0, 1)), true)
})

t.test('of old entries those count whose sessions live', async t => {
  const { store, index, label, time, login } = await indexedStore(t)
  await store.remove(await login('stale'))
  time.now += 11 * 60_000
  const enter = (id: string): Promise<boolean> =>
    index.entering.enter(store.nameOf(id), [{ label, login: newLogin(time.now), limit: 1, onLimit: 'refuse' }], undefined, undefined)
  t.equal(await enter('next'), true)
  await index.entering.leave(store.nameOf('next'), (await listed()).map(tag => ({ label, login: tag })))
  await login('alive')
  time.now += 11 * 60_000
  await t.rejects(enter('one more'), { code: 'SESSION_LIMIT' })

  async function listed (): Promise<string[]> {
    const list = await store.companion().records.read(listName(label))
    return decodeList(list?.text ?? '').entries.map(entry => entry.login)
  }
})

/** Of two logins one is held up before it stores its session, while the other one is made by a host whose clock is ahead. */
async function heldUp (t: Test, onLimit: 'end-oldest' | 'refuse') {
  const { store, index, label, time } = await indexedStore(t)
  const begin = async (id: string) => {
    const [name, since] = [store.nameOf(id), time.now]
    const place = { label, login: newLogin(time.now), limit: 1, onLimit } as const
    t.equal(await index.entering.enter(name, [place], undefined, undefined), true)
    return async (): Promise<boolean> => {
      await store.create(name, { text: `${headFor({ indexed: { [label]: place.login } })}{}` })
      const isConfirmed = await index.entering.confirm(name, [place], since)
      if (!isConfirmed) await store.remove(name)
      return isConfirmed
    }
  }
  const goOn = await begin('held up')
  time.now += 3 * 60_000
  const other = await (await begin('other'))()
  time.now -= 3 * 60_000
  const found = [other, await goOn()]
  const sessions = [await store.read(store.nameOf('held up')), await store.read(store.nameOf('other'))]
  return { found, living: sessions.map(session => session !== null) }
}

t.test('the limit holds when clocks differ, or a login takes long', async t => {
  t.strictSame(await heldUp(t, 'end-oldest'), { found: [true, true], living: [true, false] }, 'the one that is stored last stays')
  t.strictSame(await heldUp(t, 'refuse'), { found: [true, false], living: [false, true] }, 'one that did not count does not succeed later')
})

t.test('a list with a handle that is none is damaged; a session with a damaged header is not found', async t => {
  const { store, index, login } = await indexedStore(t)
  const wrong = encodeList({ label: 'user:x', entries: [{ handle: 'not a handle', login: newLogin(0), at: 0, isEnded: false, about: undefined }] })
  t.throws(() => decodeList(wrong), { code: 'SESSION_INDEX', message: /damaged/ })
  const name = await login('damaged')
  const session = await store.read(name)
  t.match(await store.replace(name, { text: '$ffh1$damaged\n{}' }, session?.version ?? ''), { result: 'replaced' })
  for await (const each of index.sessionsOf('user', 42)) t.fail(each.handle)
})

t.test('a store that knows nothing of encryption, and not when a session was used', async t => {
  const { store, login, label } = await indexedStore(t)
  await login('id')
  for (const [known, lastUsed] of [[{ lastAccess: undefined, createdAt: 5 }, undefined], [{ lastAccess: 7, createdAt: undefined }, 7]] as const) {
    const { records, idleTimeout, latest } = store.companion()
    const companion = { records, idleTimeout, latest: async (name: string) => Object.assign({}, await latest(name), known) }
    const plain = { read: store.read.bind(store), sesAppid: () => 'sid', companion: () => companion } as unknown as typeof store
    const index = new SessionIndex(plain)
    t.equal(index.labels.of('user', 42)[0], label)
    const found = []
    for await (const each of index.sessionsOf('user', 42)) found.push(each)
    t.match(found, [{ lastUsed, createdAt: known.createdAt }])
  }
})

t.test('a session that was renewed twice is ended by its first handle', async t => {
  const { store, index, login } = await indexedStore(t)
  const last = await login('third')
  for (const [from, to] of [['second', 'third'], ['first', 'second']] as const) {
    const text = forwardingText('sid', from, { sesid: to, since: Date.now(), grace: 10_000 })
    await store.create(store.nameOf(from), { text })
  }
  t.equal(await index.revokeAll('user', 42, { except: sessionHandle(store.nameOf('first')) }), 0)
  t.equal(await index.revoke(sessionHandle(store.nameOf('first'))), true)
  t.equal(await store.read(last), null)
  const other = await login('other')
  t.equal(await index.revokeAll('user', 42, { except: sessionHandle(store.nameOf('never there')) }), 1)
  t.equal(await store.read(other), null)
})
