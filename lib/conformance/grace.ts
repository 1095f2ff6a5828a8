import { strict as assert } from 'node:assert'
import { GRACE } from '../store/clock'
import type { RecordStore } from '../store/session-store'
import type { ReapableSessionStore } from '../store/store-abilities'
import { checkGone, created, IDLE_TIMEOUT, newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'

/** Seconds after which the session has ended, and a request that loaded it may still save it. */
const IN_GRACE = IDLE_TIMEOUT + GRACE / 2000
const PAST_GRACE = IDLE_TIMEOUT + 3 * GRACE / 1000

/** The minute after a session's end. */
export const GRACE_CHECKS = checks(['records', 'age'], {
  async 'for a minute after its end replace still finds the session' (bench) {
    const store = await bench.store()
    const session = await newSession(store)
    await bench.age(session.name, IN_GRACE)
    await checkGone(store, session, 'for new requests')
    assert.deepEqual(await store.replace(session.name, { text: textOf(2) }, 'another version'), { result: 'conflict' })
    replaced(await store.replace(session.name, { text: textOf(3) }, session.version))
    assert.equal((await readLive(store, session.name)).text, textOf(3))
  },

  async 'for a minute after its end touch still finds the session' (bench) {
    const store = await bench.store()
    const { name } = await newSession(store)
    await bench.age(name, IN_GRACE)
    await store.touch(name)
    await readLive(store, name)
  },

  async 'for a minute after its end remove still finds the session' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store)
    await bench.age(name, IN_GRACE)
    assert.equal(await store.remove(name, 'another version'), 'conflict')
    assert.equal(await store.remove(name, version), 'removed')
    assert.equal(await store.remove(name, version), 'gone')
  },

  'within that minute a reap takes no session away from a request that loaded it': {
    needs: ['reapable'],
    async run (bench) {
      const store = await bench.store<RecordStore & ReapableSessionStore>()
      const session = await newSession(store)
      await bench.age(session.name, IN_GRACE)
      await store.reap()
      replaced(await store.replace(session.name, { text: textOf(2) }, session.version))
      assert.equal((await readLive(store, session.name)).text, textOf(2))
    }
  },

  async 'within that minute create makes a new session of that name' (bench) {
    const store = await bench.store()
    const { name, version } = await newSession(store)
    await bench.age(name, IN_GRACE)
    const next = created(await store.create(name, { text: textOf(2) }))
    assert.deepEqual(await store.replace(name, { text: textOf(3) }, version), { result: 'conflict' })
    const { text, version: newest } = await readLive(store, name)
    assert.deepEqual([text, newest], [textOf(2), next])
  },

  async 'after that minute nothing brings the session back' (bench) {
    const store = await bench.store()
    const session = await newSession(store)
    await bench.age(session.name, PAST_GRACE)
    assert.deepEqual(await store.replace(session.name, { text: textOf(2) }, session.version), { result: 'gone' })
    await store.touch(session.name)
    await store.putSession(session.sesid, textOf(3))
    await checkGone(store, session, 'after replace, touch and putSession')
  }
})
