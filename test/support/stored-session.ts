import type { PutOptions, SessionStore } from '../../lib/store/session-store'

/** Makes a session that holds the text and returns its id, by what every store can do. */
export async function storeSession (store: SessionStore, text: string, options?: PutOptions): Promise<string> {
  const sesid = await store.newSession()
  await store.putSession(sesid, text, options)
  return sesid
}
