import type { SessionRecord } from '../../lib/store/session-record'
import type { RecordStore } from '../../lib/store/session-store'

/** A session that was just made, and its id. */
export interface NewSession { sesid: string, name: string, version: string }

/** Makes a session with a new id, as the plugin does. */
export async function newSession (store: RecordStore, record: string | SessionRecord = ''): Promise<NewSession> {
  const sesid = await store.newId()
  const name = store.nameOf(sesid)
  const creation = await store.create(name, typeof record === 'string' ? { text: record } : record)
  if (creation.result !== 'created') throw new Error('the id is taken')
  return { sesid, name, version: creation.version }
}
