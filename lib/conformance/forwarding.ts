import { strict as assert } from 'node:assert'
import { forwardingText } from '../store/forwarding'
import type { IterableSessionStore, PortableRecordStore, ReadableSessionStore, RecordStore } from '../store/session-store'
import { newSession, readLive, textOf } from './bench'
import { checks } from './check'

/** What stands under the old id of a session that has moved to a new one by itself is not a session. */
export const FORWARDING = checks(['records'], {
  async 'an id that was renewed has no text, and takes none' (bench) {
    const store = await bench.store()
    const { old, moved } = await renewed(store)
    assert.equal(await store.getSession(old.sesid), null)
    await store.putSession(old.sesid, textOf('late'))
    assert.equal(await store.getSession(old.sesid), null)
    assert.equal(await store.getSession(moved.sesid), textOf('moved'))
  },

  async 'delSession of an id that was renewed ends the session' (bench) {
    const store = await bench.store()
    const { old, moved } = await renewed(store)
    await store.delSession(old.sesid)
    assert.equal(await store.getSession(moved.sesid), null)
    assert.equal(await store.read(old.name), null)
  },

  'sessions() leaves out ids that were renewed': {
    needs: ['iterable'],
    async run (bench) {
      const store = await bench.store<RecordStore & IterableSessionStore>()
      await renewed(store)
      const sizes: number[] = []
      for await (const { size } of store.sessions()) sizes.push(size)
      assert.deepEqual(sizes, [Buffer.byteLength(textOf('moved'))])
    }
  },

  'texts() leaves out ids that were renewed': {
    needs: ['readable'],
    async run (bench) {
      const store = await bench.store<RecordStore & ReadableSessionStore>()
      await renewed(store)
      const texts: string[] = []
      for await (const text of store.texts()) texts.push(text)
      assert.deepEqual(texts, [textOf('moved')])
    }
  },

  'exportSessions() leaves out ids that were renewed': {
    needs: ['portable'],
    async run (bench) {
      const store = await bench.store<PortableRecordStore>()
      const { moved } = await renewed(store)
      const names: string[] = []
      for await (const { name } of store.exportSessions()) names.push(name)
      assert.deepEqual(names, [moved.name])
    }
  }
})

/** Makes a session, and moves it as the plugin does. */
async function renewed (store: RecordStore) {
  const old = await newSession(store, { text: textOf('old') })
  const moved = await newSession(store, { text: textOf('moved') })
  const { version } = await readLive(store, old.name)
  const text = forwardingText(store.sesAppid(), old.sesid, { sesid: moved.sesid, until: Date.now() + 10_000 })
  const { result } = await store.replace(old.name, { text, idleTimeout: 70, forgetEarlier: true }, version)
  assert.equal(result, 'replaced')
  return { old, moved }
}
