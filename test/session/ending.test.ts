import t from 'tap'
import { endSession } from '../../lib/session/ending'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import type { Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { expired } from '../support/expired-session'
import { MemoryStore } from '../support/map-store'
import { Visits } from '../support/visits'

/** A store whose session has expired a moment ago: nobody reads it, and who has loaded it can use it. */
class ExpiringStore extends MemoryStore {
  readonly expired = new Set<string>()
  /** No touch helps: the absolute timeout is over. */
  isOver = false

  override async read (name: string): Promise<StoredSession | null> {
    const stored = await super.read(name)
    return this.expired.has(name) ? null : stored
  }

  override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const replacement = await super.replace(name, record, version)
    if (replacement.result === 'replaced') this.expired.delete(name)
    return replacement
  }

  override async touch (name: string): Promise<void> {
    await super.touch(name)
    if (!this.isOver) this.expired.delete(name)
  }
}

async function begin () {
  const store = new ExpiringStore()
  const records = new SessionRecords(store, store.cipher)
  const key = records.keyOf(await new Visits(store).stored({ user: 'ada' }))
  const stored = await records.read(key) as StoredSession
  const renew = async () => await renewSession(records, key, stored, ({ text }) => ({ text }), 10)
  store.expired.add(key.name)
  return { store, records, key, stored, renew }
}

t.test('a session that has expired, and is renewed by a late request, ends under its new id', async t => {
  for (const verb of ['touch', 'remove'] as const) {
    const { store, records, key, renew } = await begin()
    store.before = { [verb]: async () => { store.before = {}; await renew() } }
    const ended = await endSession(records, key)
    t.equal(ended?.sesid === key.sesid, false, verb)
    t.equal(store.entries.size, 0, verb)
  }
})

t.test('one that has expired for good ends, too, and one that is gone is not ended again', async t => {
  const { store, records, key } = await begin()
  store.isOver = true
  t.strictSame(await endSession(records, key), key)
  t.equal(store.entries.size, 0)
  t.equal(await endSession(records, key), null)
})

t.test('what was read is what is removed: at a conflict it looks again', async t => {
  const { store, records, key, stored } = await begin()
  store.overwrite(key.sesid, '{"user":"grace"}')
  store.expired.clear()
  t.strictSame(await endSession(records, key, stored), key)
  const other = await begin()
  other.store.remove = async (): Promise<Removal> => 'conflict'
  await t.rejects(endSession(other.records, other.key, other.stored), { code: 'SESSION_CONFLICT' })
})

for (const isSwept of [false, true]) {
  t.test(`an end of a session that has expired lets none live that ${isSwept ? 'no list names' : 'a list names'}, also when it fails in the middle`, async t => {
    const { store, index, records, key, base } = await expired(t)
    if (isSwept) t.match(await index.sweep(), { removed: 1 })
    const { remove } = store
    /** The first finds it at another version, and so it is looked for again. */
    let calls = 0
    store.remove = async (...call) => {
      if (++calls === 1) return 'conflict'
      throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
    }
    await t.rejects(endSession(records, key, base), { code: 'EIO' })
    store.remove = remove
    t.equal(await records.read(key) === null, isSwept)
    t.equal(await index.revokeAll('user', 42), isSwept ? 0 : 1)
    t.equal(await records.read(key), null)
  })
}

t.test('an end of a session whose list cannot be read does not bring it back', async t => {
  const { index, records, key, base, store } = await expired(t)
  const { remove } = store
  let calls = 0
  store.remove = async (...call) => ++calls === 1 ? 'conflict' : await remove.apply(store, call)
  index.entering.confirm = async () => { throw Object.assign(new Error('the disk fails'), { code: 'EIO' }) }
  t.strictSame(await endSession(records, key, base), key)
  t.equal(await records.read(key), null)
})

t.test('an end counts when the new session is gone, also when what is left of the old id cannot be removed', async t => {
  const { store, records, key, renew } = await begin()
  store.expired.clear()
  await renew()
  const { remove } = store
  store.remove = async (...call) => {
    if (call[0] === key.name) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
    return await remove.apply(store, call)
  }
  const ended = await endSession(records, key)
  t.ok(ended !== null && ended.sesid !== key.sesid)
  store.remove = remove
  const to = await records.movedTo(key)
  t.equal(to === null ? null : await records.read(to), null, 'it leads nowhere')
  t.equal(await endSession(records, key), null)
})
