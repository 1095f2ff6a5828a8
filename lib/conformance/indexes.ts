import { strict as assert } from 'node:assert'
import { headerOf, headFor } from '../store/session-header'
import { newLogin } from '../store/index-entry'
import { listName } from '../store/index-labels'
import { placesIn, SessionIndex } from '../store/session-index'
import { sessionHandle } from '../store/session-id'
import type { IndexableRecordStore, PortableRecordStore } from '../store/store-abilities'
import { created, IDLE_TIMEOUT, newSession, readLive, replaced, textOf, type NewSession } from './bench'
import { checks } from './check'

const USER = 'user'

/** Stores whose sessions can be found by what they hold. */
export const INDEXES = checks(['records', 'indexable'], {
  async 'the lists of an index are apart from the sessions, and from those of other appids' (bench) {
    const [store, other] = [await bench.store<IndexableRecordStore>(), await bench.store<IndexableRecordStore>({ appid: 'other' })]
    const { records } = store.companion()
    const { name } = await newSession(store)
    const list = listName('a list')
    created(await records.create(list, { text: textOf('list') }))
    assert.equal(await store.read(list), null, 'the store has a list among its sessions')
    assert.equal(await records.read(name), null, 'the lists have a session among them')
    assert.equal(await other.companion().records.read(list), null, 'another appid has the list')
    const texts: string[] = []
    for await (const { text } of records.exportSessions()) texts.push(text)
    assert.deepEqual(texts, [textOf('list')], 'exportSessions of the companion')
  },

  async 'all stores of an appid have the same lists, and compare their versions' (bench) {
    const [one, other] = (await bench.stores<IndexableRecordStore>(2)).map(store => store.companion().records)
    const version = created(await one!.create(listName('a list'), { text: textOf(1) }))
    assert.equal((await readLive(other!, listName('a list'))).text, textOf(1))
    const answers = await Promise.all([one!, other!].map(records => records.replace(listName('a list'), { text: textOf(2) }, version)))
    assert.deepEqual(answers.map(({ result }) => result).sort(), ['conflict', 'replaced'])
  },

  async 'a list may be long' (bench) {
    const store = await bench.store<IndexableRecordStore>()
    const { records } = store.companion()
    const text = textOf('x'.repeat(2 * 1024 * 1024))
    const version = created(await records.create(listName('long'), { text }))
    replaced(await records.replace(listName('long'), { text: `${text} ` }, version))
    assert.equal((await readLive(records, listName('long'))).text, `${text} `)
  },

  async 'the companion says the idle timeout of the store, and its latest() what the store has now' (bench) {
    const [store, other] = await bench.stores<IndexableRecordStore>(2)
    const { idleTimeout, latest } = store!.companion()
    assert.equal(idleTimeout, IDLE_TIMEOUT)
    const { name, version } = await newSession(store!)
    await store!.read(name)
    replaced(await other!.replace(name, { text: textOf('newer') }, version))
    assert.equal((await latest(name))?.text, textOf('newer'))
    await other!.remove(name)
    assert.equal(await latest(name), null)
  },

  async 'revokeAll ends all sessions that an index names, whichever process made them, and no others' (bench) {
    const stores = await bench.stores<IndexableRecordStore>(2)
    const sessions: NewSession[] = []
    for (const store of stores) sessions.push(await indexed(store, 1), await indexed(store, 2))
    assert.equal(await new SessionIndex(stores[0]!).revokeAll(USER, 1), 2)
    assert.deepEqual(await Promise.all(sessions.map(async ({ name }) => await stores[1]!.read(name) !== null)), [false, true, false, true])
    assert.deepEqual(await found(stores[1]!, 1), [])
    assert.deepEqual(await found(stores[0]!, 2), [sessions[1]!, sessions[3]!].map(({ name }) => sessionHandle(name)))
  },

  'a list that is damaged hides no session, and is made anew': {
    needs: ['portable'],
    async run (bench) {
      const [store, other] = await bench.stores<IndexableRecordStore & PortableRecordStore>(2)
      const sessions = [await indexed(store!, 1), await indexed(store!, 1)]
      const { records } = store!.companion()
      const name = listName(new SessionIndex(store!).labels.of(USER, 1)[0])
      replaced(await records.replace(name, { text: 'damaged' }, (await readLive(records, name)).version))
      const index = new SessionIndex(other!)
      await assert.rejects(index.revokeAll(USER, 1), 'revokeAll passes over a damaged list')
      await assert.rejects(found(other!, 1), 'sessionsOf passes over a damaged list')
      const repair = index.repair()
      assert.equal(await repair.begin(), true)
      for await (const { name, text, idleTimeout } of other!.exportSessions()) repair.collect(name, placesIn(headerOf(text)), idleTimeout)
      await repair.finish()
      assert.deepEqual((await found(store!, 1)).sort(), sessions.map(({ name }) => sessionHandle(name)).sort())
      assert.equal(await new SessionIndex(store!).revokeAll(USER, 1), 2)
    }
  },

  'a list outlives the sessions in it': {
    needs: ['age'],
    async run (bench) {
      const store = await bench.store<IndexableRecordStore>()
      const { records } = store.companion()
      await indexed(store, 1)
      const [label] = new SessionIndex(store).labels.of(USER, 1)
      await bench.age(listName(label), IDLE_TIMEOUT + 65)
      assert.notEqual(await records.read(listName(label)), null, 'the list has expired before the grace of its session was over')
    }
  },

  'revokeAll finds all sessions that live longer since the idle timeout of the store was raised': {
    needs: ['age'],
    async run (bench) {
      const before = await bench.store<IndexableRecordStore>()
      const used = await indexed(before, 1)
      const unused = await indexed(before, 2)
      const store = await bench.store<IndexableRecordStore>({ idleTimeout: 20 * IDLE_TIMEOUT })
      const index = new SessionIndex(store)
      await bench.age(used.name, 65)
      await index.entering.keepAlive(index.labels.of(USER, 1))
      await store.touch(used.name)
      for (const [user, { name }] of [[1, used], [2, unused]] as const) {
        await bench.age(name, 3 * IDLE_TIMEOUT)
        await bench.age(listName(index.labels.of(USER, user)[0]), 3 * IDLE_TIMEOUT)
        const isAlive = await store.read(name) !== null
        assert.equal(await index.revokeAll(USER, user), isAlive ? 1 : 0, 'the list has expired before its session')
        assert.equal(await store.read(name), null, 'the session lives after revokeAll')
      }
    }
  },

  'the lists have no absolute timeout': {
    needs: ['age'],
    async run (bench) {
      const store = await bench.store<IndexableRecordStore>({ absoluteTimeout: 2 * IDLE_TIMEOUT })
      const { records } = store.companion()
      const version = created(await records.create(listName('old'), { text: textOf(1), createdAt: Date.now() - IDLE_TIMEOUT * 3000 }))
      replaced(await records.replace(listName('old'), { text: textOf(2) }, version))
      assert.notEqual(await records.read(listName('old')), null)
    }
  },

  'clear() empties the lists as well': {
    needs: ['iterable'],
    async run (bench) {
      const store = await bench.store<IndexableRecordStore & { clear (): Promise<number> }>()
      await indexed(store, 1)
      assert.equal(await store.clear(), 1)
      assert.deepEqual(await found(store, 1), [])
    }
  }
})

/** Makes a session that an index finds, as the plugin does. */
async function indexed (store: IndexableRecordStore, user: number): Promise<NewSession> {
  const index = new SessionIndex(store)
  const [label] = index.labels.of(USER, user)
  const login = newLogin(Date.now())
  const sesid = await store.newId()
  const name = store.nameOf(sesid)
  const since = Date.now()
  assert.equal(await index.entering.enter(name, [{ label, login }], undefined, undefined), true)
  const version = created(await store.create(name, { text: headFor({ indexed: { [label]: login } }) + textOf(user) }))
  assert.equal(await index.entering.confirm(name, [{ label, login }], since), true)
  return { sesid, name, version }
}

async function found (store: IndexableRecordStore, user: number): Promise<string[]> {
  const handles: string[] = []
  for await (const { handle } of new SessionIndex(store).sessionsOf(USER, user)) handles.push(handle)
  return handles
}
