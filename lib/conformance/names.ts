import { strict as assert } from 'node:assert'
import { newSession, textOf } from './bench'
import { checks } from './check'
import { ODD_IDS } from './five-methods'

/** How ids become names, and what is at rest. */
export const NAMES = checks(['records'], {
  async 'nameOf returns the same name each time, and another for each id' (bench) {
    const [store, other] = await bench.stores(2)
    const names = ODD_IDS.map(sesid => store!.nameOf(sesid))
    assert.equal(new Set(names).size, ODD_IDS.length)
    for (const each of [store!, other!]) assert.deepEqual(ODD_IDS.map(sesid => each.nameOf(sesid)), names)
  },

  async 'a name is another for another appid' (bench) {
    const [store, other] = [await bench.store(), await bench.store({ appid: 'other' })]
    assert.notEqual(store.nameOf('id'), other.nameOf('id'))
  },

  async 'a name does not give the id away' (bench) {
    const store = await bench.store()
    const sesid = await store.newId()
    assert(!revealing(sesid).some(form => Buffer.from(store.nameOf(sesid)).includes(form)), 'the name has the id in it')
  },

  'nothing at rest gives an id away': {
    needs: ['dump'],
    async run (bench) {
      const store = await bench.store()
      const sessions = [await newSession(store), await newSession(store), await newSession(store), await newSession(store)] as const
      const [, changed, aside, removed] = sessions
      await store.replace(changed.name, { text: textOf(2), idleTimeout: 60 }, changed.version)
      await store.touch(changed.name)
      await store.setAside(aside.name)
      await store.remove(removed.name)
      const fresh = await store.newSession()
      const dump = await bench.dump()
      assert.notEqual(dump.length, 0, 'the dump is empty')
      for (const sesid of [...sessions.map(({ sesid }) => sesid), fresh]) {
        for (const form of revealing(sesid)) assert(!dump.includes(form), 'an id is at rest')
      }
    }
  }
})

/** The forms in which an id would give itself away: as it is, what it encodes, and encodings of it. */
function revealing (sesid: string): Buffer[] {
  const bytes = Buffer.from(sesid)
  return [bytes, Buffer.from(sesid, 'base64url'), ...(['hex', 'base64', 'base64url'] as const).map(encoding => Buffer.from(bytes.toString(encoding)))]
}
