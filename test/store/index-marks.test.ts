import t, { type Test } from 'tap'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { Indexing } from '../../lib/session/indexing'
import type { SessionKey } from '../../lib/session/opened-session'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { decodeList, encodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { sessionDirectory } from '../support/session-files'

const SETTLED = { indexes: { user: (data: Record<string, unknown>) => data['user'] as number }, maxPerValue: {}, onLimit: 'end-oldest' as const }

/** Sessions of a user. The process that was to end all but the last has died when their logins were marked. */
async function begin (t: Test, count = 2) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  t.teardown(() => store.close())
  const index = new SessionIndex(store)
  registerIndex(store, index)
  const records = new SessionRecords(store, store.cipher, new Indexing(store, SETTLED, new SessionText(JSON_CODEC)))
  const keys: SessionKey[] = []
  while (keys.length < count) keys.push(await records.newKey())
  for (const key of keys) await records.create(key, { text: '{"user":42}' })
  const lists = store.companion().records
  const name = listName(index.labels.of('user', 42)[0])
  const { text, version } = await lists.read(name) as StoredSession
  const { label, entries } = decodeList(text)
  await lists.replace(name, { text: encodeList({ label, entries: entries.map((entry, at) => ({ ...entry, isEnded: at < count - 1 })) }) }, version)
  const living = async (): Promise<boolean[]> => await Promise.all(keys.map(async key => await records.read(key) !== null))
  return { store, index, records, keys: keys as [SessionKey, SessionKey, ...SessionKey[]], living }
}

t.test('a listing shows no session whose login was ended, and ends it', async t => {
  const { index, living } = await begin(t)
  t.strictSame(await living(), [true, true])
  let count = 0
  for await (const { handle } of index.sessionsOf('user', 42)) count += handle.length > 0 ? 1 : 0
  t.equal(count, 1)
  t.strictSame(await living(), [false, true])
})

for (const which of [0, 1] as const) {
  t.test(`so does a request that touches ${which === 0 ? 'it' : 'another session of the user'}`, async t => {
    const { records, keys, living } = await begin(t)
    await records.touch(keys[which], await records.read(keys[which]) as StoredSession)
    t.strictSame(await living(), [false, true])
  })
}

t.test('a save of such a session does not succeed when its list is due for a touch', async t => {
  const { records, keys, living } = await begin(t)
  const base = await records.read(keys[0]) as StoredSession
  t.strictSame(await records.replace(keys[0], { text: '{"user":42,"n":1}' }, base), { result: 'gone' })
  t.strictSame(await living(), [false, true])
})

t.test('a session of another visitor that cannot be removed does not keep a request from its own, and a later touch ends it', async t => {
  const { store, index, records, keys, living } = await begin(t, 3)
  const { remove } = store
  const failing = async (name: string, version?: string) => {
    if (name === keys[0].name) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
    return await remove.call(store, name, version)
  }
  store.remove = failing
  const innocent = keys[2] as SessionKey
  await records.touch(innocent, await records.read(innocent) as StoredSession)
  t.strictSame(await living(), [true, false, true])
  await t.rejects(index.revokeAll('user', 42, { except: sessionHandle(innocent.name) }), { code: 'EIO' })
  store.remove = remove
  const later = new SessionIndex(store)
  await later.entering.keepAlive(later.labels.of('user', 42))
  t.strictSame(await living(), [false, false, true])
})

t.test('a store that is down is not asked for the end of all that is marked', async t => {
  const { store, index } = await begin(t, 50)
  let removals = 0
  store.remove = async () => {
    removals++
    throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
  }
  await index.entering.keepAlive(index.labels.of('user', 42))
  t.equal(removals, 16)
})

t.test('a list that cannot be read is touched all the same', async t => {
  const { index, store } = await begin(t)
  const lists = store.companion().records
  const name = listName(index.labels.of('user', 42)[0])
  const { version } = await lists.read(name) as StoredSession
  await lists.replace(name, { text: 'garbage,1]' }, version)
  await index.entering.keepAlive(index.labels.of('user', 42))
  t.notOk(index.entering.isTouchDue(index.labels.of('user', 42)))
})
