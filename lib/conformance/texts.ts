import { strict as assert } from 'node:assert'
import { SessionError } from '../errors'
import type { SessionStore } from '../store/session-store'
import { newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'

const TEXTS_OF_EVERY_KIND = [
  '', ' ', '   ', '\n', '\r\n\r\n', '\0', 'a\0b', '\ufeff', '\ufeff{}', 'no JSON', '{', 'null', '"', "'", '\\', '%00', '$1', '\u2028', 'grüße', 'gru\u0308\u00dfe', '🍪👩‍👩‍👧', '\u{10ffff}', 'é'.repeat(5000)
]
const OBJECTS = [{}, { a: 1 }, { a: { b: [1, 'ä', null, true, 1.5] } }, { '': '' }, { a: '\0\n"\\' }, { 'grüße 🍪': '\u{10ffff}' }]
const MEBIBYTE = 1024 * 1024

/** What a session may hold. */
export const TEXTS = [
  ...checks([], {
    async 'texts of every kind come back as they were stored' (bench) {
      const [store, other] = await bench.stores<SessionStore>(2) as [SessionStore, SessionStore]
      const sesid = await store.newSession()
      for (const text of TEXTS_OF_EVERY_KIND) {
        await store.putSession(sesid, text)
        for (const each of [store, other]) assert.equal(await each.getSession(sesid), text)
      }
    },

    async 'JSON objects come back as they were stored' (bench) {
      const store = await bench.store<SessionStore>()
      const sesid = await store.newSession()
      for (const object of OBJECTS) {
        await store.putSession(sesid, JSON.stringify(object))
        assert.equal(await store.getSession(sesid), JSON.stringify(object))
      }
    },

    async 'a text of a mebibyte comes back, or one of maxSize if that is less' (bench) {
      const store = await bench.store<SessionStore>()
      const sesid = await store.newSession()
      const text = textOfSize(Math.min(MEBIBYTE, bench.maxSize))
      await store.putSession(sesid, text)
      assert(await store.getSession(sesid) === text, 'another text came back')
    },

    'a text longer than maxSize is refused, and the one before stays': {
      needs: ['maxSize'],
      async run (bench) {
        const store = await bench.store<SessionStore>()
        const sesid = await store.newSession()
        await store.putSession(sesid, textOf(1))
        await assert.rejects(store.putSession(sesid, textOfSize(bench.maxSize + 1)), SessionError)
        assert.equal(await store.getSession(sesid), textOf(1))
      }
    }
  }),
  ...checks(['records'], {
    async 'a session can be created with a text of every kind' (bench) {
      const [store, other] = await bench.stores(2)
      for (const text of TEXTS_OF_EVERY_KIND) {
        const { name } = await newSession(store!, { text })
        assert.equal((await readLive(other!, name)).text, text)
      }
    },

    async 'a session can be replaced with a text of every kind' (bench) {
      const [store, other] = await bench.stores(2)
      let { name, version } = await newSession(store!)
      for (const text of TEXTS_OF_EVERY_KIND) {
        version = replaced(await store!.replace(name, { text }, version))
        assert.equal((await readLive(other!, name)).text, text)
      }
    },

    'create and replace refuse a text longer than maxSize, and store nothing': {
      needs: ['maxSize'],
      async run (bench) {
        const store = await bench.store()
        const text = textOfSize(bench.maxSize + 1)
        const refused = store.nameOf(await store.newId())
        await assert.rejects(store.create(refused, { text }), SessionError)
        assert.equal(await store.read(refused), null)
        const { name, version } = await newSession(store)
        await assert.rejects(store.replace(name, { text }, version), SessionError)
        assert.equal((await readLive(store, name)).version, version)
      }
    }
  })
]

/** A JSON object of so many bytes, most of them two for a character. */
function textOfSize (bytes: number): string {
  const frame = '{"a":""}'.length
  const [pairs, rest] = [Math.floor((bytes - frame) / 2), (bytes - frame) % 2]
  return JSON.stringify({ a: 'é'.repeat(pairs) + 'x'.repeat(rest) })
}
