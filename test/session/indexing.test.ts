import t, { type Test } from 'tap'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { Indexing, type SettledIndexes } from '../../lib/session/indexing'
import { headerOf } from '../../lib/session/opened-session'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { decodeList, encodeList } from '../../lib/store/index-entry'
import { headFor } from '../../lib/store/session-header'
import { listName } from '../../lib/store/index-labels'
import { indexOf, SessionIndex } from '../../lib/store/session-index'
import type { SessionCipher } from '../../lib/store/session-cipher'
import { sessionHandle } from '../../lib/store/session-id'
import type { StoredSession } from '../../lib/store/session-record'
import { expired, SETTLED } from '../support/expired-session'
import { MemoryStore } from '../support/map-store'
import { sessionDirectory } from '../support/session-files'

async function begin (t: Test, settled: SettledIndexes = SETTLED) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  t.teardown(() => store.close())
  const records = new SessionRecords(store, store.cipher, new Indexing(store, settled, new SessionText(JSON_CODEC)))
  const key = await records.newKey()
  const found = async (user: number): Promise<number> => {
    const handles: string[] = []
    for await (const { handle } of store.sessionsOf('user', user)) handles.push(handle)
    return handles.length
  }
  const create = async (text: string): Promise<StoredSession> => await records.create(key, { text }) as StoredSession
  return { store, records, key, found, create }
}

t.test('an index with the name of something that every object has is like any other', async t => {
  const { store, records } = await begin(t, { ...SETTLED, indexes: { constructor: (data: Record<string, unknown>) => data['user'] as number }, onLimit: 'refuse' })
  for (let times = 0; times < 2; times++) await records.create(await records.newKey(), { text: '{"user":42}' })
  t.equal(await store.revokeAll('constructor', 42), 2)
})

t.test('a login that comes second gives its place in the list back', async t => {
  const { store, records, key, found, create } = await begin(t)
  const base = await create('{"n":0}')
  t.match(await records.replace(key, { text: '{"n":1}' }, base), { result: 'replaced' })
  t.strictSame(await records.replace(key, { text: '{"user":42}' }, base), { result: 'conflict' })
  t.equal(await records.create(key, { text: '{"user":42}' }), 'taken')
  t.equal(await found(42), 0)
  t.equal((await store.reapIndexes()).seen, 0)
})

t.test('a save that leaves the user alone stores at once, and one that changes him does not', async t => {
  const { records, key, found, create } = await begin(t)
  const base = await create('{"user":42}')
  t.equal(records.replaceNow(key, { text: '{"user":7}' }, base), undefined)
  const swap = await records.replace(key, { text: '{"user":42,"n":1}' }, base)
  if (swap.result !== 'replaced') throw new Error(swap.result)
  t.match(records.replaceNow(key, { text: '{"user":42,"n":2}' }, swap.stored), { result: 'replaced' })
  const newest = await records.read(key) as StoredSession
  t.equal(Object.keys(headerOf(newest).indexed ?? {}).length, 1)
  const longer = await records.replace(key, { text: '{"user":42,"n":3}', idleTimeout: 86_400 }, newest)
  if (longer.result !== 'replaced') throw new Error(longer.result)
  t.equal(await found(42), 1)
  t.match(await records.replace(key, { text: '{"n":1}' }, longer.stored), { result: 'replaced' })
  t.strictSame(headerOf(await records.read(key) as StoredSession), {})
  t.equal(await found(42), 0)
})

t.test('a save after expiry of a login that was ended meanwhile finds the session gone', async t => {
  const { store, records, key, create } = await begin(t)
  const base = await create('{"user":42}')
  const lists = store.companion().records
  for (const label of Object.keys(headerOf(base).indexed ?? {})) {
    const list = await lists.read(listName(label)) as StoredSession
    const { entries } = decodeList(list.text)
    await lists.replace(listName(label), { text: encodeList({ label, entries: entries.map(entry => ({ ...entry, isEnded: true })) }) }, list.version)
  }
  t.strictSame(await records.replace(key, { text: '{"user":42,"n":1}', idleTimeout: 60 }, base), { result: 'gone' })
})

t.test('a session with labels is touched in a store that can have no index', async t => {
  const store = new MemoryStore()
  const records = new SessionRecords(store, store.cipher)
  const key = await records.newKey()
  await store.create(key.name, { text: `${headFor({ indexed: { 'user:x': 'login' } })}{}` })
  const stored = await records.read(key) as StoredSession
  t.strictSame(headerOf(stored), { indexed: { 'user:x': 'login' } })
  await records.touch(key, stored)
  t.ok(store.calls.includes('touch'))
  t.match(await records.read(key), { text: '{}' })
})

t.test('a touch of a session is one of the lists that it is in', async t => {
  const { store, records, key, create } = await begin(t)
  const base = await create('{"user":42}')
  const labels = Object.keys(headerOf(base).indexed ?? {})
  const entering = indexOf(store)?.entering
  t.equal(entering?.isTouchDue(labels), true)
  await records.touch(key, base)
  t.equal(entering?.isTouchDue(labels), false)
})

t.test('a session that takes the place of another keeps the logins of its newest version, and what a device list shows', async t => {
  const { store, records, found } = await begin(t)
  const make = async (text: string, about?: () => { name: string }) => {
    const key = await records.newKey()
    return { key, stored: await records.create(key, { text, about }) as StoredSession }
  }
  const old = await make('{"user":7}')
  const next = await make('{"user":7}')
  const switched = await records.replace(old.key, { text: '{"user":42}', about: () => ({ name: 'a browser' }) }, old.stored)
  if (switched.result !== 'replaced') throw new Error(switched.result)
  const header = headerOf(switched.stored)
  const moved = await records.replace(next.key, { text: '{"user":42}', header }, next.stored)
  if (moved.result !== 'replaced') throw new Error(moved.result)
  t.strictSame(headerOf(moved.stored).indexed, header.indexed, 'it is the same login')
  t.equal(await records.remove(old.key, switched.stored.version, switched.stored), 'removed')
  t.equal(await found(7), 0)
  for await (const { about } of store.sessionsOf('user', 42)) t.strictSame(about, { name: 'a browser' })
  t.equal(await found(42), 1)
  const again = await records.replace(next.key, { text: '{"user":42,"n":1}', header: { indexed: Object.fromEntries(Object.keys(header.indexed ?? {}).map(label => [label, 'another'])) } }, moved.stored)
  if (again.result !== 'replaced') throw new Error(again.result)
  t.equal(await found(42), 1, 'also when the newest version has another login for the value')
  t.equal(await store.revokeAll('user', 42), 1)
})

for (const when of ['before it', 'in the middle of it', 'never']) {
  t.test(`a touch brings no session back that revokeAll would not find; a sweep comes ${when}`, async t => {
    const { store, index, records, key, base } = await expired(t)
    const { touch } = store
    const isSwept = when === 'before it'
    store.touch = async name => {
      if (when === 'in the middle of it') t.match(await index.sweep(), { seen: 1, removed: 0 })
      await touch.call(store, name)
    }
    if (isSwept) t.match(await index.sweep(), { seen: 1, removed: 1 })
    await records.touch(key, base)
    t.equal(await records.read(key) === null, isSwept)
    t.equal(await index.revokeAll('user', 42), isSwept ? 0 : 1)
    t.equal(await records.read(key), null)
  })
}

t.test('what a device list shows stays when an id is renewed while the secret changes', async t => {
  const sessionDir = sessionDirectory(t)
  const [OLD, NEW] = ['an old secret of the tests, long enough', 'a new secret of the tests, long enough']
  const opened = async (secrets: string[]) => {
    const store = new SessionFileStore({ sessionDir, encryption: { secrets } })
    await store.open()
    t.teardown(() => store.close())
    return { store, records: new SessionRecords(store, store.cipher as SessionCipher, new Indexing(store, SETTLED, new SessionText(JSON_CODEC))) }
  }
  const before = await opened([OLD])
  const key = await before.records.newKey()
  await before.records.create(key, { text: '{"user":42}', about: () => ({ agent: 'a phone' }) })
  const { store, records } = await opened([NEW, OLD])
  const to = await renewSession(records, key, null, newest => ({ text: newest.text, header: headerOf(newest) }), 10)
  t.match(await new SessionIndex(store, () => Date.now() + 3600_000).sweep(), { removed: 1 }, 'the list of the former label names it no more')
  const found = []
  for await (const session of store.sessionsOf('user', 42)) found.push(session)
  t.match(found, [{ handle: sessionHandle(to?.name ?? ''), about: { agent: 'a phone' } }])
  t.equal(found.length, 1)
})
