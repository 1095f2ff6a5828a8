import t from 'tap'
import { decodeList, encodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { leastPasses } from '../../lib/store/index-listing'
import { headFor } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { indexedStore } from '../support/indexed-store'

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

t.test('a session with a damaged header is not found', async t => {
  const { store, index, login } = await indexedStore(t)
  const name = await login('damaged')
  const session = await store.read(name)
  t.match(await store.replace(name, { text: '$ffh1$damaged\n{}' }, session?.version ?? ''), { result: 'replaced' })
  for await (const each of index.sessionsOf('user', 42)) t.fail(each.handle)
})

t.test('the lists of several labels are gone through twice', async t => {
  t.strictSame([leastPasses(['one']), leastPasses(['one', 'two'])], [1, 2])
})

t.test('a session whose login was ended is not listed, and ends', async t => {
  const { store, index, label, login } = await indexedStore(t)
  const { records } = store.companion()
  const [ended, alive] = [await login('ended'), await login('alive')]
  const { text, version } = await records.read(listName(label)) as StoredSession
  const entries = decodeList(text).entries.map(entry => ({ ...entry, isEnded: entry.handle === sessionHandle(ended) }))
  await records.replace(listName(label), { text: encodeList({ label, entries }) }, version)
  const found = []
  for await (const { handle } of index.sessionsOf('user', 42)) found.push(handle)
  t.strictSame(found, [sessionHandle(alive)])
  t.equal(await store.read(ended), null)
})
