import { strict as assert } from 'node:assert'
import { checkGone, newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'
import { ODD_IDS } from './five-methods'

/** `remove`, `setAside`, and `touch` of what is not there. */
export const ENDING = checks(['records'], {
  async 'remove at the version of the session removes it' (bench) {
    const [store, other] = await bench.stores(2)
    const session = await newSession(store!)
    const version = replaced(await store!.replace(session.name, { text: textOf(2) }, session.version))
    assert.equal(await other!.remove(session.name, version), 'removed')
    for (const each of [store!, other!]) await checkGone(each, session, 'after remove')
  },

  async 'remove at an older version is told conflict and removes nothing' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!)
    const next = replaced(await other!.replace(name, { text: textOf(2) }, version))
    for (const each of [store!, other!]) {
      assert.equal(await each.remove(name, version), 'conflict')
      assert.equal((await readLive(each, name)).version, next)
    }
  },

  async 'remove without a version removes the session, whatever it is at' (bench) {
    const [store, other] = await bench.stores(2)
    const session = await newSession(store!)
    replaced(await other!.replace(session.name, { text: textOf(2) }, session.version))
    assert.equal(await store!.remove(session.name), 'removed')
    for (const each of [store!, other!]) await checkGone(each, session, 'after remove')
  },

  async 'remove of a session that is not there is told gone' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!)
    await store!.remove(name)
    for (const each of [store!, other!]) {
      assert.equal(await each.remove(name, version), 'gone')
      assert.equal(await each.remove(name), 'gone')
      for (const sesid of ODD_IDS) assert.equal(await each.remove(each.nameOf(sesid)), 'gone')
    }
  },

  async 'nothing brings a removed session back' (bench) {
    const [store, other] = await bench.stores(2)
    const session = await newSession(store!)
    const { sesid, name, version } = session
    await readLive(other!, name)
    await store!.remove(name, version)
    for (const each of [other!, store!]) {
      assert.deepEqual(await each.replace(name, { text: textOf(2) }, version), { result: 'gone' })
      await checkGone(each, session, 'after replace')
      await each.touch(name)
      await checkGone(each, session, 'after touch')
      await each.putSession(sesid, textOf(3))
      await checkGone(each, session, 'after putSession')
      await each.setAside(name)
      await each.delSession(sesid)
      await checkGone(each, session, 'after setAside and delSession')
    }
  },

  async 'touch of a session that is not there is not an error and makes none' (bench) {
    const store = await bench.store()
    const { name: removed } = await newSession(store)
    await store.remove(removed)
    for (const name of [removed, ...ODD_IDS.map(sesid => store.nameOf(sesid))]) {
      await store.touch(name)
      assert.equal(await store.read(name), null)
    }
  },

  async 'touch changes neither text nor version' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store, { text: textOf(1), idleTimeout: 60 })
    await store.touch(name)
    const session = await readLive(store, name)
    assert.deepEqual([session.text, session.version, session.idleTimeout], [textOf(1), version, 60])
  },

  async 'setAside takes the session away from its name for good' (bench) {
    const [store, other] = await bench.stores(2)
    const session = await newSession(store!)
    const { sesid, name, version } = session
    await readLive(other!, name)
    await store!.setAside(name)
    for (const each of [other!, store!]) {
      assert.deepEqual(await each.replace(name, { text: textOf(2) }, version), { result: 'gone' })
      await each.putSession(sesid, textOf(3))
      await checkGone(each, session, 'after setAside')
    }
  },

  async 'setAside at an older version leaves the session alone' (bench) {
    const [store, other] = await bench.stores(2)
    const { name, version } = await newSession(store!)
    const next = replaced(await other!.replace(name, { text: textOf(2) }, version))
    for (const each of [store!, other!]) {
      await each.setAside(name, version)
      assert.equal((await readLive(each, name)).version, next)
    }
    await store!.setAside(name, next)
    for (const each of [store!, other!]) assert.equal(await each.read(name), null)
  },

  async 'setAside of a session that is not there is not an error' (bench) {
    const store = await bench.store()
    const { name } = await newSession(store)
    await store.setAside(name)
    for (const each of [name, ...ODD_IDS.map(sesid => store.nameOf(sesid))]) await store.setAside(each)
  }
})
