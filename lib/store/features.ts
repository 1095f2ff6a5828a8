import type { RecordStore, SessionStore } from './session-store'
import type {
  DatedSessionStore, ImmediateRecordStore, IndexableRecordStore, IterableSessionStore, OpenableSessionStore, PortableRecordStore,
  ReadableSessionStore, ReapableSessionStore
} from './store-abilities'

/** What a store has declared that it can do. */

export function hasRecords (store: SessionStore): store is RecordStore {
  return store.features?.records === true
}

/** @internal */
export function isImmediate (store: SessionStore): store is ImmediateRecordStore {
  return store.features?.immediate === true
}

export function isDated (store: SessionStore): store is DatedSessionStore {
  return store.features?.dated === true
}

/** Whether the plugin opens and closes the store: every store with records, and any that declares `openable`. */
export function isOpenable (store: SessionStore): store is SessionStore & Pick<OpenableSessionStore, 'open' | 'close'> {
  return hasRecords(store) || store.features?.openable === true
}

export function isIterable (store: SessionStore): store is IterableSessionStore {
  return store.features?.iterable === true
}

export function isReadable (store: SessionStore): store is ReadableSessionStore {
  return store.features?.readable === true
}

export function isReapable (store: SessionStore): store is ReapableSessionStore {
  return store.features?.reapable === true
}

export function isIndexable (store: SessionStore): store is IndexableRecordStore {
  return store.features?.indexable === true
}

export function isPortable (store: SessionStore): store is PortableRecordStore {
  return store.features?.portable === true
}
