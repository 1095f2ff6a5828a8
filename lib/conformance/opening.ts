import { strict as assert } from 'node:assert'
import type { OpenableSessionStore } from '../store/store-abilities'
import { textOf } from './bench'
import { checks, type Check } from './check'

async function opensAndClosesAgain (bench: Parameters<Check['run']>[0]): Promise<void> {
  const [store, other] = await bench.stores<OpenableSessionStore>(2) as [OpenableSessionStore, OpenableSessionStore]
  const sesid = await store.newSession()
  await store.putSession(sesid, textOf(1))
  await store.open()
  assert.equal(await store.getSession(sesid), textOf(1), 'the second open has lost a session')
  await store.close()
  await store.close()
  assert.equal(await other.getSession(sesid), textOf(1), 'close has ended a session, or taken away what another store needs')
}

/** Stores with records are opened and closed too, declared or not. */
export const OPENING = [
  ...checks(['records'], { 'a store with records can be opened twice and closed twice, and its sessions stay': opensAndClosesAgain }),
  ...checks(['openable'], { 'an openable store can be opened twice and closed twice, and its sessions stay': opensAndClosesAgain })
]
