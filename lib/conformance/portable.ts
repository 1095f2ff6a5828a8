import { strict as assert } from 'node:assert'
import type { PortableRecordStore, PortableSession } from '../store/store-abilities'
import { checkGone, created, IDLE_TIMEOUT, newSession, readLive, textOf } from './bench'
import { checks } from './check'

/** Milliseconds since a moment that is not now, so that a copy that forgets it is found out. */
const AGE = 500_000

/** Stores whose sessions can be copied to another. */
export const PORTABLE = checks(['records', 'portable'], {
  async 'exportSessions() returns every live session of its appid, with its name and its times' (bench) {
    const [store, other] = [await bench.store<PortableRecordStore>(), await bench.store<PortableRecordStore>({ appid: 'other' })]
    await newSession(other)
    const createdAt = Date.now() - AGE
    const own = await newSession(store, { text: textOf(1), idleTimeout: 60, createdAt })
    const plain = await newSession(store, { text: textOf(2) })
    await store.remove((await newSession(store)).name)
    const exported = new Map((await all(store)).map(session => [session.name, session]))
    assert.equal(exported.size, 2)
    const { lastAccess, ...rest } = exported.get(own.name) as PortableSession
    assert.deepEqual(rest, { name: own.name, text: textOf(1), idleTimeout: 60, createdAt })
    assert(Math.abs(Date.now() - lastAccess) < 60_000, `lastAccess is ${lastAccess}`)
    assert.equal(exported.get(plain.name)?.idleTimeout, undefined)
  },

  async 'importSession makes a session that keeps its id, its text and its times' (bench) {
    const [store, other] = await bench.stores<PortableRecordStore>(2)
    const sesid = await store!.newId()
    const [createdAt, lastAccess] = [Date.now() - AGE, Date.now() - AGE / 10]
    const session = { name: store!.nameOf(sesid), text: textOf('grüße'), idleTimeout: 5000, createdAt, lastAccess }
    const version = created(await store!.importSession(session))
    const found = await readLive(other!, session.name)
    assert.deepEqual([found.text, found.idleTimeout, found.createdAt, found.version], [session.text, 5000, createdAt, version])
    assert.deepEqual(await all(other!), [session])
    assert.equal(await other!.getSession(sesid), session.text)
  },

  async 'importSession under the name of a live session is told taken and changes nothing' (bench) {
    const store = await bench.store<PortableRecordStore>()
    const { name, version } = await newSession(store)
    assert.deepEqual(await store.importSession(portable(name)), { result: 'taken' })
    const { text, version: kept } = await readLive(store, name)
    assert.deepEqual([text, kept], [textOf('new'), version])
  },

  async 'of several imports under one name exactly one is told created' (bench) {
    const stores = await bench.stores<PortableRecordStore>(4)
    const name = stores[0]!.nameOf(await stores[0]!.newId())
    const answers = await Promise.all(stores.map(store => store.importSession(portable(name))))
    assert.deepEqual(answers.map(({ result }) => result).sort(), ['created', 'taken', 'taken', 'taken'])
  },

  async 'an imported session that has expired elsewhere is not read' (bench) {
    const store = await bench.store<PortableRecordStore>({ absoluteTimeout: 3 * IDLE_TIMEOUT })
    for (const times of [{ lastAccess: Date.now() - IDLE_TIMEOUT * 1100 }, { createdAt: Date.now() - IDLE_TIMEOUT * 3100 }]) {
      const sesid = await store.newId()
      const name = store.nameOf(sesid)
      await store.importSession({ ...portable(name), createdAt: Date.now() - IDLE_TIMEOUT * 2000, ...times })
      await checkGone(store, { sesid, name, version: '' }, 'after its import')
    }
  },

  'an imported session ends when it would have ended in the other store': {
    needs: ['age'],
    async run (bench) {
      const store = await bench.store<PortableRecordStore>()
      const sesid = await store.newId()
      const name = store.nameOf(sesid)
      await store.importSession({ ...portable(name), lastAccess: Date.now() - IDLE_TIMEOUT * 500 })
      await bench.age(name, IDLE_TIMEOUT * 0.4)
      await readLive(store, name)
      await bench.age(name, IDLE_TIMEOUT * 0.2)
      await checkGone(store, { sesid, name, version: '' }, 'after its idle timeout')
    }
  },

  'exportSessions() leaves out what has expired': {
    needs: ['age'],
    async run (bench) {
      const store = await bench.store<PortableRecordStore>()
      await bench.age((await newSession(store)).name, IDLE_TIMEOUT + 10)
      const { name } = await newSession(store)
      assert.deepEqual((await all(store)).map(session => session.name), [name])
    }
  }
})

function portable (name: string): PortableSession {
  return { name, text: textOf('imported'), idleTimeout: undefined, createdAt: Date.now() - AGE, lastAccess: Date.now() }
}

async function all (store: PortableRecordStore): Promise<PortableSession[]> {
  const found: PortableSession[] = []
  for await (const session of store.exportSessions()) found.push(session)
  return found
}
