import { strict as assert } from 'node:assert'
import { touchInterval } from '../store/clock'
import { checkGone, created, IDLE_TIMEOUT, newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'

/** Nearly the idle timeout, and a little more than it takes from there. Seconds. */
const NEARLY = IDLE_TIMEOUT * 0.9
const REST = IDLE_TIMEOUT * 0.2

/** When sessions end. */
export const EXPIRY = checks(['records', 'age'], {
  async 'a session ends when it was not used for the idle timeout' (bench) {
    const store = await bench.store()
    const session = await newSession(store)
    await bench.age(session.name, NEARLY)
    assert.equal((await readLive(store, session.name)).text, textOf('new'))
    await bench.age(session.name, REST)
    await checkGone(store, session, 'after the idle timeout')
    await checkGone(await bench.store(), session, 'in another store')
    await store.putSession(session.sesid, textOf(2))
    await checkGone(store, session, 'after putSession')
  },

  async 'reading is not use' (bench) {
    const store = await bench.store()
    const session = await newSession(store)
    await bench.age(session.name, NEARLY)
    for (let count = 0; count < 3; count++) await store.read(session.name)
    await bench.age(session.name, REST)
    assert.equal(await store.read(session.name), null)
  },

  async 'getSession, replace and touch are use' (bench) {
    const store = await bench.store()
    const uses: Array<(session: { sesid: string, name: string, version: string }) => Promise<unknown>> = [
      ({ sesid }) => store.getSession(sesid),
      async ({ name, version }) => replaced(await store.replace(name, { text: textOf('new') }, version)),
      ({ name }) => store.touch(name)
    ]
    for (const [index, use] of uses.entries()) {
      const session = await newSession(store)
      await bench.age(session.name, NEARLY)
      await use(session)
      await bench.age(session.name, NEARLY)
      assert.notEqual(await store.read(session.name), null, `${['getSession', 'replace', 'touch'][index]} is not use`)
      await bench.age(session.name, REST)
      await checkGone(store, session, 'after the idle timeout')
    }
  },

  async 'replace with keepLastUse is not use' (bench) {
    const [store, other] = await bench.stores(2)
    const kept = await newSession(store!)
    await bench.age(kept.name, NEARLY)
    const version = replaced(await store!.replace(kept.name, { text: textOf(2), keepLastUse: true }, kept.version))
    const session = await readLive(other!, kept.name)
    assert.deepEqual([session.text, session.version, session.touchDue], [textOf(2), version, true])
    await bench.age(kept.name, REST)
    await checkGone(store!, kept, 'after the idle timeout')
    const used = await newSession(store!)
    await bench.age(used.name, NEARLY)
    await other!.touch(used.name)
    replaced(await store!.replace(used.name, { text: textOf(2), keepLastUse: true }, used.version))
    await bench.age(used.name, NEARLY)
    await readLive(store!, used.name)
  },

  async 'a session goes by its own idle timeout, shorter or longer than the store\'s' (bench) {
    const store = await bench.store()
    const short = await newSession(store, { text: textOf(1), idleTimeout: 100 })
    await bench.age(short.name, 90)
    await readLive(store, short.name)
    await bench.age(short.name, 20)
    await checkGone(store, short, 'after its own idle timeout')
    const long = await newSession(store, { text: textOf(1), idleTimeout: 5 * IDLE_TIMEOUT })
    await bench.age(long.name, 4 * IDLE_TIMEOUT)
    await readLive(store, long.name)
    await bench.age(long.name, 2 * IDLE_TIMEOUT)
    await checkGone(store, long, 'after its own idle timeout')
  },

  async 'a session that is given another idle timeout goes by that one' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store)
    replaced(await store.replace(name, { text: textOf(2), idleTimeout: 100 }, version))
    await bench.age(name, 110)
    assert.equal(await store.read(name), null)
  },

  async 'a session ends at the absolute timeout, however much it is used' (bench) {
    const store = await bench.store({ absoluteTimeout: 3 * IDLE_TIMEOUT })
    const session = await newSession(store)
    for (let turn = 0; turn < 3; turn++) {
      await bench.age(session.name, NEARLY)
      assert.notEqual(await store.getSession(session.sesid), null)
      await store.putSession(session.sesid, textOf(turn))
    }
    await store.touch(session.name)
    await bench.age(session.name, 0.4 * IDLE_TIMEOUT)
    await checkGone(store, session, 'after the absolute timeout')
  },

  async 'the absolute timeout counts from the createdAt that create was given' (bench) {
    const store = await bench.store({ absoluteTimeout: 3 * IDLE_TIMEOUT })
    const session = await newSession(store)
    await bench.age(session.name, NEARLY)
    const { createdAt } = await readLive(store, session.name)
    const moved = await newSession(store, { text: textOf(1), createdAt: (createdAt as number) - 1.5 * IDLE_TIMEOUT * 1000 })
    await readLive(store, moved.name)
    await bench.age(moved.name, NEARLY)
    await checkGone(store, moved, 'after the absolute timeout')
  },

  async 'a touch is due when the last use is longer ago than the touch interval' (bench) {
    const store = await bench.store()
    const { name } = await newSession(store)
    const interval = touchInterval(IDLE_TIMEOUT) / 1000
    await bench.age(name, interval / 2)
    assert.equal((await readLive(store, name)).touchDue, false)
    await bench.age(name, interval)
    assert.equal((await readLive(store, name)).touchDue, true)
    await store.touch(name)
    assert.equal((await readLive(store, name)).touchDue, false, 'after the touch')
  },

  async 'idleLeft says when the session ends, if the store knows' (bench) {
    const store = await bench.store()
    const { name } = await newSession(store)
    await bench.age(name, NEARLY)
    const expected = (IDLE_TIMEOUT - NEARLY) * 1000
    const { idleLeft = expected } = await readLive(store, name)
    assert(Math.abs(idleLeft - expected) < expected / 2, `${idleLeft} ms are left`)
  },

  async 'create under the name of a session that has expired makes a new one' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store)
    await bench.age(name, NEARLY + REST)
    const next = created(await store.create(name, { text: textOf(2) }))
    assert.notEqual(next, version)
    assert.equal((await readLive(store, name)).text, textOf(2))
    assert.deepEqual(await store.replace(name, { text: textOf(3) }, version), { result: 'conflict' })
  }
})
