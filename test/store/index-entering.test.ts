import t from 'tap'
import { decodeList, encodeList, newLogin } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { indexedStore } from '../support/indexed-store'
import { MemoryStore } from '../support/map-store'

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

t.test('a session whose login was ended does not enter, and leaves no entry in another list', async t => {
  const { store, index, label, login } = await indexedStore(t)
  const { records } = store.companion()
  await login('ended')
  const { text, version } = await records.read(listName(label)) as StoredSession
  const { entries } = decodeList(text)
  await records.replace(listName(label), { text: encodeList({ label, entries: entries.map(entry => ({ ...entry, isEnded: true })) }) }, version)
  const tag = entries[0]?.login as string
  const places = [{ label: 'team:x', login: newLogin(0) }, { label, login: tag }]
  t.equal(await index.entering.enter(store.nameOf('moved'), places, undefined, undefined), false)
  t.equal(await records.read(listName('team:x')), null)
  t.equal(decodeList((await records.read(listName(label)))?.text ?? '').entries.length, 1)
})
