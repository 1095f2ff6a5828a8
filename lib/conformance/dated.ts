import { strict as assert } from 'node:assert'
import type { DatedSessionStore } from '../store/store-abilities'
import { IDLE_TIMEOUT, textOf } from './bench'
import { checks } from './check'
import { ODD_IDS } from './five-methods'

/** Stores without versions that know idle times. */
export const DATED = checks(['dated'], {
  async 'readSession returns the text and the session\'s own idle timeout' (bench) {
    const store = await bench.store<DatedSessionStore>()
    const sesid = await store.newSession()
    await store.putSession(sesid, textOf(1))
    assert.deepEqual(await store.readSession(sesid), { text: textOf(1), idleTimeout: undefined, touchDue: false })
    await store.putSession(sesid, textOf(2), { idleTimeout: 60 })
    assert.deepEqual(await store.readSession(sesid), { text: textOf(2), idleTimeout: 60, touchDue: false })
    await store.putSession(sesid, textOf(3))
    assert.deepEqual(await store.readSession(sesid), { text: textOf(3), idleTimeout: 60, touchDue: false }, 'it keeps the one that it has')
  },

  async 'readSession returns null for a session that is not there' (bench) {
    const store = await bench.store<DatedSessionStore>()
    const sesid = await store.newSession()
    await store.delSession(sesid)
    for (const each of [sesid, ...ODD_IDS]) assert.equal(await store.readSession(each), null)
  },

  async 'touchSession of a session that is not there is not an error and makes none' (bench) {
    const store = await bench.store<DatedSessionStore>()
    const sesid = await store.newSession()
    await store.putSession(sesid, textOf(1))
    await store.delSession(sesid)
    for (const each of [sesid, ...ODD_IDS]) {
      await store.touchSession(each)
      assert.equal(await store.getSession(each), null)
    }
  },

  'readSession is not use, touchSession is': {
    needs: ['age'],
    async run (bench) {
      const store = await bench.store<DatedSessionStore>()
      const sesid = await store.newSession()
      await store.putSession(sesid, textOf(1))
      await bench.age(sesid, IDLE_TIMEOUT * 0.9)
      assert.equal((await store.readSession(sesid))?.touchDue, true)
      await store.touchSession(sesid)
      assert.equal((await store.readSession(sesid))?.touchDue, false)
      await bench.age(sesid, IDLE_TIMEOUT * 0.9)
      assert.equal((await store.readSession(sesid))?.text, textOf(1))
      await bench.age(sesid, IDLE_TIMEOUT * 0.2)
      assert.equal(await store.readSession(sesid), null)
      assert.equal(await store.getSession(sesid), null)
    }
  }
})
