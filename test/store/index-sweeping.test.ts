import t from 'tap'
import { isReapable } from '../../lib/store/features'
import { FileStore } from '../../lib/store/files/file-store'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import { indexedStore } from '../support/indexed-store'

t.test('a sweep removes the entries of sessions that are gone, once they are old', async t => {
  const { store, index, time, login, entries } = await indexedStore(t)
  await store.remove(await login('gone'))
  await login('alive')
  t.strictSame(await index.sweep(), { seen: 2, removed: 0, failed: 0 })
  time.now += 11 * 60_000
  t.strictSame(await index.sweep(), { seen: 2, removed: 1, failed: 0 })
  t.equal(await entries(), 1)
  const found = []
  for await (const { handle } of index.sessionsOf('user', 42)) found.push(handle)
  t.strictSame(found, [sessionHandle(store.nameOf('alive'))])
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

t.test('a sweep has the store remove lists that have expired, where it must be told to', async t => {
  const { store, index } = await indexedStore(t)
  const records = store.companion().records as FileStore
  const signals: unknown[] = []
  t.intercept(FileStore.prototype, 'reap', { value: async (signal?: AbortSignal) => { signals.push(signal) } })
  t.ok(isReapable(records))
  const { signal } = new AbortController()
  await index.sweep(signal)
  t.strictSame(signals, [signal])
})
