// The code that requests go through, without the HTTP around it.
import { SessionManager } from '../../dist/lib/session/session-manager.js'
import { SessionFileStore } from '../../dist/lib/store/files/session-file-store.js'

export const JSON_CODEC = { encode: data => JSON.stringify(data), decode: text => JSON.parse(text) }

export async function openManager (options, codec) {
  const encryption = process.env.TORTURE_ENCRYPTION === undefined ? false : { secrets: [process.env.TORTURE_ENCRYPTION] }
  const store = new SessionFileStore({ ...options, encryption })
  await store.open()
  return { store, manager: new SessionManager(store, codec, false) }
}
