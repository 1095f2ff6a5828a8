import { strict as assert } from 'node:assert'
import { newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'
import { ODD_IDS } from './five-methods'

/** `replace`, and `putSession` of a store with records. */
export const REPLACING = checks(['records'], {
  async 'replace stores the record and returns its version' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!)
    const next = replaced(await store!.replace(name, { text: textOf(2), idleTimeout: 60 }, version))
    assert.notEqual(next, version)
    for (const each of [store!, other!]) {
      const session = await readLive(each, name)
      assert.deepEqual([session.text, session.version, session.idleTimeout], [textOf(2), next, 60])
    }
    replaced(await other!.replace(name, { text: textOf(3) }, next))
    assert.equal((await readLive(store!, name)).text, textOf(3))
  },

  async 'replace at an older version is told conflict and stores nothing' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!)
    const next = replaced(await other!.replace(name, { text: textOf(2) }, version))
    for (const each of [store!, other!]) {
      assert.deepEqual(await each.replace(name, { text: textOf(3), idleTimeout: 60 }, version), { result: 'conflict' })
      const session = await readLive(each, name)
      assert.deepEqual([session.text, session.version, session.idleTimeout], [textOf(2), next, undefined])
    }
  },

  async 'a record with an equal text has a version of its own' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store, { text: textOf(1) })
    const second = replaced(await store.replace(name, { text: textOf(2) }, version))
    const third = replaced(await store.replace(name, { text: textOf(1) }, second))
    assert.equal(new Set([version, second, third]).size, 3)
    assert.deepEqual(await store.replace(name, { text: textOf(4) }, version), { result: 'conflict' })
  },

  async 'no version is that of another session as well, whatever was stored in both' (bench) {
    const stores = await bench.stores(2)
    const versions: string[] = []
    for (const store of [...stores, ...stores]) {
      const { name, version } = await newSession(store, { text: textOf(1) })
      const second = replaced(await store.replace(name, { text: textOf(2) }, version))
      versions.push(version, second, replaced(await store.replace(name, { text: textOf(1) }, second)))
    }
    assert.equal(new Set(versions).size, versions.length)
    const [one, other] = [await newSession(stores[0]!), await newSession(stores[1]!)]
    assert.deepEqual(await stores[0]!.replace(one.name, { text: textOf(2) }, other.version), { result: 'conflict' })
    assert.equal(await stores[0]!.remove(one.name, other.version), 'conflict')
    assert.equal((await readLive(stores[0]!, one.name)).version, one.version)
  },

  async 'replace of a session that is not there is told gone and makes none' (bench) {
    const store = await bench.store()
    const { name: removed, version } = await newSession(store)
    await store.remove(removed)
    for (const name of [removed, ...ODD_IDS.map(sesid => store.nameOf(sesid))]) {
      assert.deepEqual(await store.replace(name, { text: textOf(2) }, version), { result: 'gone' })
      assert.equal(await store.read(name), null)
    }
  },

  async 'replace keeps createdAt unless it is given one' (bench) {
    const store = await bench.store()
    const createdAt = Date.now() - 500_000
    const { name, version } = await newSession(store, { text: textOf(1), createdAt })
    const next = replaced(await store.replace(name, { text: textOf(2) }, version))
    assert.equal((await readLive(store, name)).createdAt, createdAt)
    replaced(await store.replace(name, { text: textOf(3), createdAt: createdAt + 1000 }, next))
    assert.equal((await readLive(store, name)).createdAt, createdAt + 1000)
  },

  async 'a record without an idle timeout of its own goes by the store\'s again' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store, { text: textOf(1), idleTimeout: 60 })
    await store.replace(name, { text: textOf(2) }, version)
    assert.equal((await readLive(store, name)).idleTimeout, undefined)
  },

  async 'putSession keeps the session\'s own idle timeout and createdAt, unless it is given another timeout' (bench) {
    const store = await bench.store()
    const createdAt = Date.now() - 500_000
    const { sesid, name } = await newSession(store, { text: textOf(1), idleTimeout: 60, createdAt })
    await store.putSession(sesid, textOf(2))
    const kept = await readLive(store, name)
    assert.deepEqual([kept.text, kept.idleTimeout, kept.createdAt], [textOf(2), 60, createdAt])
    await store.putSession(sesid, textOf(3), { idleTimeout: 90 })
    assert.equal((await readLive(store, name)).idleTimeout, 90)
  }
})
