import { strict as assert } from 'node:assert'
import type { ImmediateRecordStore } from '../store/store-abilities'
import { newSession, replaced, textOf } from './bench'
import { checks } from './check'

/** Stores that often have the answer at hand. `undefined` is always an answer: the caller asks the slow way. */
export const IMMEDIATE = checks(['records', 'immediate'], {
  async 'readNow returns what read returns, or undefined' (bench) {
    const store = await bench.store<ImmediateRecordStore>()
    const { name, version } = await newSession(store)
    await store.read(name)
    const session = store.readNow(name)
    assert.deepEqual([session?.text ?? textOf('new'), session?.version ?? version], [textOf('new'), version])
    await store.remove(name)
    assert(!store.readNow(name), 'readNow returns a session that was removed')
  },

  async 'readNow never returns a record that another store has replaced or removed' (bench) {
    const [store, other] = await bench.stores<ImmediateRecordStore>(2)
    const { name, version } = await newSession(store!)
    await store!.read(name)
    const next = replaced(await other!.replace(name, { text: textOf(2) }, version))
    assert.equal(store!.readNow(name)?.version ?? next, next)
    await store!.read(name)
    await other!.remove(name)
    assert(!store!.readNow(name), 'readNow returns a session that was removed')
  },

  async 'replaceNow replaces what it is told to at its version, or returns undefined and has done nothing' (bench) {
    const store = await bench.store<ImmediateRecordStore>()
    const { name, version } = await newSession(store)
    await store.read(name)
    const answer = store.replaceNow(name, { text: textOf(2), idleTimeout: 60 }, version)
    const session = await store.read(name)
    assert.deepEqual(session?.version, answer === undefined ? version : replaced(answer))
    assert.equal(session?.text, answer === undefined ? textOf('new') : textOf(2))
  },

  async 'replaceNow at an older version stores nothing' (bench) {
    const [store, other] = await bench.stores<ImmediateRecordStore>(2)
    const { name, version } = await newSession(store!)
    await store!.read(name)
    replaced(await other!.replace(name, { text: textOf(2) }, version))
    assert.equal(store!.replaceNow(name, { text: textOf(3) }, version)?.result ?? 'conflict', 'conflict')
    assert.equal((await other!.read(name))?.text, textOf(2))
    await other!.remove(name)
    assert.equal(store!.replaceNow(name, { text: textOf(3) }, version)?.result ?? 'gone', 'gone')
    assert.equal(await other!.read(name), null)
  }
})
