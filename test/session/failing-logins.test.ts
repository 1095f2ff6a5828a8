import t, { type Test } from 'tap'
import { SessionStoreError } from '../../lib/errors'
import { SessionText } from '../../lib/session/codec'
import { Indexing, type SettledIndexes } from '../../lib/session/indexing'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { sessionDirectory } from '../support/session-files'
import { json } from '../support/visits'

const INDEXES = { user: (data: Record<string, unknown>) => data.user as number, team: (data: Record<string, unknown>) => data.team as number }

async function limitedRecords (t: Test, settled: Partial<SettledIndexes>) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  t.teardown(() => store.close())
  const index = new SessionIndex(store)
  registerIndex(store, index)
  const settledIndexes: SettledIndexes = { indexes: INDEXES, maxPerValue: { user: 2 }, onLimit: 'end-oldest', ...settled }
  const records = new SessionRecords(store, store.cipher, new Indexing(store, settledIndexes, new SessionText(json)))
  const make = async (data: object) => {
    const key = await records.newKey()
    return { key, stored: await records.create(key, { text: JSON.stringify(data) }) as StoredSession }
  }
  const entries = async (user = 42): Promise<number> => {
    const list = await store.companion().records.read(listName(index.labels.of('user', user)[0]))
    return list === null ? 0 : decodeList(list.text).entries.length
  }
  return { store, records, make, entries }
}

const FULL = Object.assign(new Error('no space'), { code: 'ENOSPC' })
const LONG = { user: 42, text: 'x'.repeat(2 * 1024 * 1024) }

t.test('logins that fail end nobody\'s session', async t => {
  const { store, records, make, entries } = await limitedRecords(t, {})
  const devices = [await make({ user: 42 }), await make({ user: 42 })]
  for (let count = 0; count < 3; count++) await t.rejects(make(LONG), { code: 'SESSION_TOO_BIG' })
  const create = store.create.bind(store)
  store.create = async () => { throw FULL }
  for (let count = 0; count < 3; count++) await t.rejects(make({ user: 42 }), FULL)
  store.create = create
  t.equal(await entries(), 2)
  await store.reapIndexes()
  for (const { key } of devices) t.ok(await records.read(key))
  await make({ user: 42 })
  t.strictSame(await Promise.all(devices.map(async ({ key }) => await records.read(key) !== null)), [false, true])
})

t.test('logins that fail by a save end nobody\'s session', async t => {
  const { records, make, entries } = await limitedRecords(t, {})
  const devices = [await make({ user: 42 }), await make({ user: 42 })]
  const { key, stored } = await make({ cart: 1 })
  for (let count = 0; count < 3; count++) await t.rejects(records.replace(key, { text: JSON.stringify(LONG) }, stored), { code: 'SESSION_TOO_BIG' })
  t.equal(await entries(), 2)
  for (const { key } of devices) t.ok(await records.read(key))
})

t.test('logins that fail lock nobody out', async t => {
  const { make } = await limitedRecords(t, { onLimit: 'refuse' })
  for (let count = 0; count < 3; count++) await t.rejects(make(LONG), { code: 'SESSION_TOO_BIG' })
  await make({ user: 42 })
  await make({ user: 42 })
  await t.rejects(make({ user: 42 }), { code: 'SESSION_LIMIT' })
})

t.test('logins that another index refuses do not count', async t => {
  const { make, entries } = await limitedRecords(t, { maxPerValue: { user: 2, team: 1 }, onLimit: 'refuse' })
  await make({ user: 1, team: 1 })
  for (let count = 0; count < 3; count++) await t.rejects(make({ user: 42, team: 1 }), { code: 'SESSION_LIMIT' })
  t.equal(await entries(), 0)
  await make({ user: 42, team: 2 })
})

t.test('a login that may have been stored keeps its entry', async t => {
  const unknown = new SessionStoreError('no answer')
  const { store, make } = await limitedRecords(t, {})
  const { create } = store
  store.create = async (name, record) => {
    await create.call(store, name, record)
    throw unknown
  }
  await t.rejects(make({ user: 42 }), unknown)
  t.equal(await store.revokeAll('user', 42), 1)
})

t.test('a login that was stored before the disk failed keeps its entry', async t => {
  const { store, records, make } = await limitedRecords(t, {})
  const { key, stored } = await make({ cart: 1 })
  const { replace } = store
  Object.assign(store, {
    replaceNow: () => undefined,
    replace: async (...call: Parameters<typeof replace>) => {
      await replace.apply(store, call)
      throw FULL
    }
  })
  await t.rejects(records.replace(key, { text: '{"user":42}' }, stored), FULL)
  t.equal(await store.revokeAll('user', 42), 1)
})

t.test('a login of which nobody can tell whether it was stored keeps its entry', async t => {
  const { store, make, entries } = await limitedRecords(t, {})
  store.create = async () => { throw FULL }
  store.read = async () => { throw FULL }
  await t.rejects(make({ user: 42 }), FULL)
  t.equal(await entries(), 1)
})
