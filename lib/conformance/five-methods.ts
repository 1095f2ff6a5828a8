import { strict as assert } from 'node:assert'
import type { SessionStore } from '../store/session-store'
import { textOf } from './bench'
import { checks } from './check'

/** Strings that no session has as its id. */
export const ODD_IDS = ['', 'unknown', '../../etc/passwd', '/etc/passwd', 'a\0b', '.', '..', 'x'.repeat(10_000), 'ü', '🍪', 'a b', '*', '__proto__']

/** The five methods that every store has. */
export const FIVE_METHODS = checks([], {
  async 'sesAppid returns the appid of the app' (bench) {
    assert.equal((await bench.store<SessionStore>({ appid: 'shop' })).sesAppid(), 'shop')
  },

  async 'newSession makes a session with the empty text' (bench) {
    const store = await bench.store<SessionStore>()
    assert.equal(await store.getSession(await store.newSession()), '')
  },

  async 'newSession returns another id each time, too long to be guessed' (bench) {
    const store = await bench.store<SessionStore>()
    const ids = await Promise.all(Array.from({ length: 50 }, () => store.newSession()))
    assert.equal(new Set(ids).size, ids.length)
    assert(ids.every(sesid => sesid.length >= 16), 'an id has fewer than 16 characters')
  },

  async 'putSession replaces the text, and getSession returns it' (bench) {
    const store = await bench.store<SessionStore>()
    const [sesid, other] = [await store.newSession(), await store.newSession()]
    for (const text of [textOf(1), textOf(2), '']) {
      await store.putSession(sesid, text)
      assert.equal(await store.getSession(sesid), text)
    }
    assert.equal(await store.getSession(other), '', 'another session has changed')
  },

  async 'putSession takes an idle timeout' (bench) {
    const store = await bench.store<SessionStore>()
    const sesid = await store.newSession()
    await store.putSession(sesid, textOf(1), { idleTimeout: 60 })
    await store.putSession(sesid, textOf(2), {})
    await store.putSession(sesid, textOf(3), { idleTimeout: undefined })
    assert.equal(await store.getSession(sesid), textOf(3))
  },

  async 'getSession returns null for an id that is unknown or malformed' (bench) {
    const store = await bench.store<SessionStore>()
    await store.newSession()
    for (const sesid of ODD_IDS) assert.equal(await store.getSession(sesid), null)
  },

  async 'putSession makes no session' (bench) {
    const store = await bench.store<SessionStore>()
    for (const sesid of ODD_IDS) {
      await store.putSession(sesid, textOf(1))
      assert.equal(await store.getSession(sesid), null)
    }
  },

  async 'delSession removes the session for good' (bench) {
    const store = await bench.store<SessionStore>()
    const [sesid, other] = [await store.newSession(), await store.newSession()]
    await store.putSession(sesid, textOf(1))
    await store.delSession(sesid)
    assert.equal(await store.getSession(sesid), null)
    await store.putSession(sesid, textOf(2))
    assert.equal(await store.getSession(sesid), null, 'putSession has brought the session back')
    assert.equal(await store.getSession(other), '', 'another session has ended')
  },

  async 'delSession of a session that is not there is not an error' (bench) {
    const store = await bench.store<SessionStore>()
    const sesid = await store.newSession()
    await store.delSession(sesid)
    for (const each of [sesid, ...ODD_IDS]) await store.delSession(each)
  },

  async 'what was stored is there for a store that is made later' (bench) {
    const store = await bench.store<SessionStore>()
    const sesid = await store.newSession()
    await store.putSession(sesid, textOf(1))
    assert.equal(await (await bench.store<SessionStore>()).getSession(sesid), textOf(1))
  },

  async 'sessions of another appid are never seen' (bench) {
    const [store, other] = [await bench.store<SessionStore>(), await bench.store<SessionStore>({ appid: 'other' })]
    const sesid = await store.newSession()
    await store.putSession(sesid, textOf(1))
    assert.equal(await other.getSession(sesid), null)
    await other.putSession(sesid, textOf(2))
    await other.delSession(sesid)
    assert.equal(await store.getSession(sesid), textOf(1))
  }
})
