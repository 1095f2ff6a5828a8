import t from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { forwardingText } from '../../lib/store/forwarding'
import { newLogin } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { headFor } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { indexInUse, indexOf, placesIn } from '../../lib/store/session-index'
import { indexedStore } from '../support/indexed-store'
import { MapStore, MemoryStore } from '../support/map-store'
import { sessionDirectory } from '../support/session-files'

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
