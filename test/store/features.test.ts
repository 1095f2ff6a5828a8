import t from 'tap'
import { SessionFileStore } from '../../index'
import { hasRecords, isDated, isImmediate, isIterable, isPortable, isReadable, isReapable } from '../../lib/store/features'
import type { SessionStore, StoreFeatures } from '../../lib/store/session-store'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'

const asked = { hasRecords, isDated, isImmediate, isIterable, isPortable, isReadable, isReapable }

function features (store: SessionStore): string[] {
  return Object.entries(asked).filter(([, has]) => has(store)).map(([name]) => name)
}

t.test('a store can do what it declares', t => {
  t.strictSame(features(new MapStore()), [])
  t.strictSame(features(new MemoryStore()), ['hasRecords'])
  t.strictSame(features(new PromptStore()), ['hasRecords', 'isImmediate'])
  t.strictSame(features(new SessionFileStore({})), ['hasRecords', 'isImmediate', 'isIterable', 'isPortable', 'isReadable', 'isReapable'])
  const dated: StoreFeatures = { dated: true }
  t.strictSame(features(Object.assign(new MapStore(), { features: dated })), ['isDated'])
  const portable: StoreFeatures = { portable: true }
  t.strictSame(features(Object.assign(new MapStore(), { features: portable })), ['isPortable'])
  t.end()
})

t.test('nothing is guessed from the names of methods', t => {
  const store = Object.assign(new MapStore(), { read: () => null, reap: () => null, sessions: () => [] })
  t.strictSame(features(store), [])
  t.strictSame(features(Object.assign(store, { features: { records: false } })), [])
  t.end()
})
