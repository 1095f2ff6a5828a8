import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RecordStore } from '../store/session-store'

/** A module that `torture` is given. */
export interface TortureModule {
  makeStore (): RecordStore | Promise<RecordStore>
}

/** Makes a store, ready for use, by the module at this path or URL. */
export async function storeOf (module: string): Promise<RecordStore> {
  // On Windows a path is not imported as it is.
  const imported = await import(isAbsolute(module) ? pathToFileURL(module).href : module) as TortureModule | { default: TortureModule }
  // Of a CommonJS module Node may not see the names of what it exports.
  const { makeStore } = 'makeStore' in imported ? imported : imported.default
  const store = await makeStore()
  await store.open()
  return store
}
