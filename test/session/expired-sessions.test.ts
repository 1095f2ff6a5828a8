import t from 'tap'
import { endSession } from '../../lib/session/ending'
import { expired } from '../support/expired-session'

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
