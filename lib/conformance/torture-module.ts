import type { RecordStore } from '../store/session-store'

/** A module that `torture` is given. */
export interface TortureModule {
  makeStore (): RecordStore | Promise<RecordStore>
}

/** Makes a store, ready for use, by the module at this path or URL. */
export async function storeOf (module: string): Promise<RecordStore> {
  const imported = await import(module) as TortureModule | { default: TortureModule }
  // Of a CommonJS module Node may not see the names of what it exports.
  const { makeStore } = 'makeStore' in imported ? imported : imported.default
  const store = await makeStore()
  await store.open()
  return store
}
