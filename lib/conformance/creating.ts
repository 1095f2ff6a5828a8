import { strict as assert } from 'node:assert'
import { created, newSession, readLive, textOf } from './bench'
import { checks } from './check'
import { ODD_IDS } from './five-methods'

/** A store's clock and that of the suite may differ by this much (milliseconds). */
const TOLERANCE = 60_000
const LONG_AGO = 500_000

/** `read` and `create`. */
export const CREATING = checks(['records'], {
  async 'create makes a session that read returns, text and version' (bench) {
    const [store, other] = await bench.stores(2)
    const { sesid, name, version } = await newSession(store!, { text: textOf(1) })
    for (const each of [store!, other!]) {
      const session = await readLive(each, name)
      assert.deepEqual([session.text, session.version, session.touchDue], [textOf(1), version, false])
    }
    assert.equal(await store!.getSession(sesid), textOf(1))
  },

  async 'create keeps the idle timeout of the record' (bench) {
    const store = await bench.store()
    const { name } = await newSession(store, { text: textOf(1), idleTimeout: 60 })
    assert.equal((await readLive(store, name)).idleTimeout, 60)
    const own = await newSession(store)
    assert.equal((await readLive(store, own.name)).idleTimeout, undefined, 'one without is the store\'s own')
  },

  async 'create without createdAt says that the session begins now' (bench) {
    const store = await bench.store()
    const { createdAt = NaN } = await readLive(store, (await newSession(store)).name)
    assert(Math.abs(Date.now() - createdAt) < TOLERANCE, `createdAt is ${createdAt}`)
  },

  async 'create keeps the createdAt that it is given' (bench) {
    const store = await bench.store()
    const createdAt = Date.now() - LONG_AGO
    const { name } = await newSession(store, { text: textOf(1), createdAt })
    assert.equal((await readLive(store, name)).createdAt, createdAt)
  },

  async 'read returns null for a name that has no session' (bench) {
    const store = await bench.store()
    await newSession(store)
    for (const sesid of ODD_IDS) assert.equal(await store.read(store.nameOf(sesid)), null)
  },

  async 'newId makes another id each time, and no session' (bench) {
    const store = await bench.store()
    const ids = await Promise.all(Array.from({ length: 50 }, () => store.newId()))
    assert.equal(new Set(ids).size, ids.length)
    for (const sesid of ids.slice(0, 3)) assert.equal(await store.read(store.nameOf(sesid)), null)
  },

  async 'create under the name of a live session is told taken and changes nothing' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!, { text: textOf(1), idleTimeout: 60 })
    for (const each of [store!, other!]) {
      assert.deepEqual(await each.create(name, { text: textOf(2) }), { result: 'taken' })
      const session = await readLive(each, name)
      assert.deepEqual([session.text, session.version, session.idleTimeout], [textOf(1), version, 60])
    }
  },

  async 'create under the name of a session that was removed makes a new one' (bench) {
    const [store, other] = await bench.stores(2)
    const { name } = await newSession(store!)
    await other!.remove(name)
    created(await store!.create(name, { text: textOf(2) }))
    assert.equal((await readLive(other!, name)).text, textOf(2))
  },

  async 'a version of a removed session does not fit the next one of that name' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store)
    await store.remove(name)
    await store.create(name, { text: textOf('new') })
    assert.deepEqual(await store.replace(name, { text: textOf(2) }, version), { result: 'conflict' })
    assert.equal(await store.remove(name, version), 'conflict')
    assert.equal((await readLive(store, name)).text, textOf('new'))
  }
})
