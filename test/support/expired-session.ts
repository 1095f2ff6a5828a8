import type { Test } from 'tap'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { Indexing } from '../../lib/session/indexing'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { localDisk } from '../../lib/store/files/local-disk'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { Time } from './aged-sessions'
import { sessionDirectory } from './session-files'

export const SETTLED = { indexes: { user: (data: Record<string, unknown>) => data['user'] as number }, maxPerValue: {}, onLimit: 'end-oldest' as const }

/** A session that a request has loaded in time, and that has expired since. */
export async function expired (t: Test, isIndexed = true) {
  const time = new Time()
  const store = new FileStore({ sessionDir: sessionDirectory(t) }, localDisk, time.clock)
  await store.open()
  t.teardown(() => store.close())
  const index = new SessionIndex(store, () => time.clock.now())
  registerIndex(store, index)
  const records = new SessionRecords(store, store.cipher, new Indexing(store, SETTLED, new SessionText(JSON_CODEC)))
  const key = await records.newKey()
  await records.create(key, { text: isIndexed ? '{"user":42}' : '{"cart":1}' })
  time.pass(7195)
  const base = await records.read(key) as StoredSession
  time.pass(10)
  t.equal(await records.read(key), null)
  return { store, index, records, key, base, time }
}
