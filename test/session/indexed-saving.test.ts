import t, { type Test } from 'tap'
import { SessionText } from '../../lib/session/codec'
import { Indexing, type SettledIndexes } from '../../lib/session/indexing'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { sessionHandle } from '../../lib/store/session-id'
import { indexOf, registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import type { Companion } from '../../lib/store/store-abilities'
import { expired } from '../support/expired-session'
import { sessionDirectory } from '../support/session-files'
import { json } from '../support/visits'

const SETTLED: SettledIndexes = { indexes: { user: data => data.user as number }, maxPerValue: {}, onLimit: 'end-oldest' }

/** The records of an app with indexes. `alter` changes where the lists are kept. */
async function indexedRecords (t: Test, settled: Partial<SettledIndexes> = {}, alter = (companion: Companion): Companion => companion) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  t.teardown(() => store.close())
  const companion = alter(store.companion())
  Object.assign(store, { companion: () => companion })
  registerIndex(store, new SessionIndex(store))
  const records = new SessionRecords(store, store.cipher, new Indexing(store, { ...SETTLED, ...settled }, new SessionText(json)))
  const make = async (text: string) => {
    const key = await records.newKey()
    return { key, stored: await records.create(key, { text }) as StoredSession }
  }
  return { store, records, make }
}

t.test('when a list cannot be read after a save, the session is as it was before', async t => {
  let reads = Infinity
  const { store, records, make } = await indexedRecords(t, {}, companion => {
    const read = companion.records.read.bind(companion.records)
    companion.records.read = async name => {
      if (reads-- <= 0) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
      return await read(name)
    }
    return companion
  })
  const { key, stored } = await make('{"cart":1}')
  reads = 2
  await t.rejects(records.replace(key, { text: '{"cart":1,"user":42}' }, stored), { code: 'EIO' })
  reads = Infinity
  const left = await records.read(key)
  t.equal(left?.text, '{"cart":1}')
  const found = []
  for await (const each of store.sessionsOf('user', 42)) found.push(each)
  t.strictSame(found, [])
  const again = await records.replace(key, { text: '{"cart":1,"user":42}' }, left as StoredSession)
  t.equal(again.result, 'replaced')
})

/** Switches a session from user 42 to 7. The first read of a list after the save fails, and `meanwhile` comes before it. */
async function failingSwitch (t: Test, meanwhile: (store: FileStore, name: string) => Promise<unknown>) {
  let switched = ''
  /** Before the save a list is read twice: to see that it lives long enough, and to enter it. */
  let reads = Infinity
  const { store, records, make } = await indexedRecords(t, {}, companion => {
    const read = companion.records.read.bind(companion.records)
    companion.records.read = async name => {
      if (reads-- !== 0) return await read(name)
      await meanwhile(store, switched)
      throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
    }
    return companion
  })
  const { key, stored } = await make('{"user":42}')
  switched = key.name
  reads = 2
  await t.rejects(records.replace(key, { text: '{"user":7}' }, stored), { code: 'EIO' })
  return { store, records, key }
}

t.test('a session that is as it was before has not missed its end', async t => {
  const { records, key } = await failingSwitch(t, async store => { t.equal(await store.revokeAll('user', 42), 0, 'it is of another user at this moment') })
  t.equal(await records.read(key), null)
})

t.test('a session that is as it was before stays when nothing has ended it', async t => {
  const { store, records, key } = await failingSwitch(t, async () => {})
  t.equal((await records.read(key))?.text, '{"user":42}')
  t.equal(await store.revokeAll('user', 42), 1)
})

t.test('a session that another request has saved meanwhile stays what that made it', async t => {
  const { records, key } = await failingSwitch(t, async (store, name) => {
    const saved = await store.read(name)
    await store.replace(name, { text: `${saved?.text ?? ''} ` }, saved?.version ?? '')
  })
  t.equal((await records.read(key))?.text, '{"user":7} ')
})

t.test('a session that goes while it is revoked was not ended by that', async t => {
  const { store, make } = await indexedRecords(t)
  const { key } = await make('{"cart":1}')
  const remove = store.remove.bind(store)
  let calls = 0
  store.remove = async (name, version) => {
    const removal = await remove(name, version)
    return ++calls === 1 ? 'conflict' : removal
  }
  t.equal(await store.revoke(sessionHandle(key.name)), false)
  t.equal(calls, 2)
})

t.test('a session of which it cannot be known whether it has missed its end ends', async t => {
  let reads = 0
  const { store, records, key } = await failingSwitch(t, async store => {
    const { records } = store.companion()
    const read = records.read.bind(records)
    records.read = async name => {
      if (reads++ === 0) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
      return await read(name)
    }
  })
  t.equal(reads, 1)
  t.equal(await records.read(key), null)
  t.equal(await store.revokeAll('user', 42), 0)
})

t.test('a session that moves while it is revoked by its handle ends under its new id', async t => {
  let onRead: (() => Promise<void>) | null = null
  const { store, records, make } = await indexedRecords(t, {}, companion => ({
    ...companion,
    latest: async name => {
      const session = await companion.latest(name)
      const next = onRead
      onRead = null
      await next?.()
      return session
    }
  }))
  const from = await make('{"user":42}')
  const to = await records.newKey()
  onRead = async () => {
    const header = indexOf(store) === null ? {} : { indexed: Object.fromEntries([[labelOf(store), loginOf(from.stored)]]) }
    await records.create(to, { text: '{"user":42}', header })
    await records.remove(from.key, from.stored.version, from.stored)
  }
  t.equal(await store.revoke(sessionHandle(from.key.name)), true)
  t.equal(await records.read(to), null)
  t.equal(await store.revoke(sessionHandle(from.key.name)), false)
})

function labelOf (store: FileStore): string {
  return (indexOf(store) as SessionIndex).labels.of('user', 42)[0]
}

function loginOf (session: StoredSession): string {
  const { header } = session as StoredSession & { header: { indexed: Record<string, string> } }
  return Object.values(header.indexed)[0] as string
}

for (const text of ['{"user":42,"n":1}', '{"user":7}', '{"n":1}']) {
  t.test(`a save brings no session back that revokeAll has missed because a sweep had taken it out of the list: ${text}`, async t => {
    const { index, records, key, base } = await expired(t)
    t.match(await index.sweep(), { removed: 1 })
    t.equal(await index.revokeAll('user', 42), 0)
    t.strictSame(await records.replace(key, { text }, base), { result: 'gone' })
    t.equal(await records.read(key), null)
    t.equal(await index.revokeAll('user', 7), 0)
  })
}

t.test('a save brings a session back that its list still names, and no sweep takes it out meanwhile', async t => {
  const { store, index, records, key, base } = await expired(t)
  const { replace } = store
  Object.assign(store, {
    replaceNow: () => undefined,
    replace: async (...call: Parameters<typeof replace>) => {
      t.match(await index.sweep(), { seen: 1, removed: 0 })
      return await replace.apply(store, call)
    }
  })
  t.match(await records.replace(key, { text: '{"user":42,"n":1}' }, base), { result: 'replaced' })
  t.equal(await index.revokeAll('user', 42), 1)
  t.equal(await records.read(key), null)
})

t.test('a visitor may log in with a session that has just expired', async t => {
  const { index, records, key, base } = await expired(t, false)
  t.match(await records.replace(key, { text: '{"user":42}', header: {} }, base), { result: 'replaced' })
  t.equal(await index.revokeAll('user', 42), 1)
})
