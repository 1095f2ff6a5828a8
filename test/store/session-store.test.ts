import t from 'tap'
import { SessionFileStore } from '../../index'
import { LastWriterWins } from '../../lib/store/five-method-store'
import { isOpenable, isQuarantining, isTouchable, isVersioned } from '../../lib/store/session-store'
import { MapStore, VersionedMapStore } from '../support/map-store'

const asked = { isVersioned, isTouchable, isQuarantining, isOpenable }

function abilities (store: MapStore | SessionFileStore | LastWriterWins): string[] {
  return Object.entries(asked).filter(([, has]) => has(store)).map(([name]) => name)
}

t.test('a store says what it can do by doing it', t => {
  t.strictSame(abilities(new MapStore()), [])
  t.strictSame(abilities(new VersionedMapStore()), ['isVersioned', 'isTouchable', 'isQuarantining'])
  t.strictSame(abilities(new LastWriterWins(new MapStore())), ['isVersioned'])
  t.strictSame(abilities(new SessionFileStore({})), ['isVersioned', 'isTouchable', 'isQuarantining', 'isOpenable'])
  t.end()
})

t.test('versions are all three methods or none', t => {
  for (const method of ['readSession', 'createSession', 'replaceSession']) {
    t.equal(isVersioned(Object.assign(new VersionedMapStore(), { [method]: undefined })), false)
  }
  t.equal(isTouchable(Object.assign(new MapStore(), { touchSession: true })), false)
  t.end()
})
