import { strict as assert } from 'node:assert'
import { inspect } from 'node:util'
import { SessionError } from '../errors'
import type { RecordStore, SessionStore } from '../store/session-store'
import { newSession, textOf } from './bench'
import { checks } from './check'

const SECRET = 'confidential text'

/** What a store with trouble rejects with: one that has nothing in memory, so that it must ask. */
export const FAILURES = [
  ...checks(['fail'], {
    async 'trouble is a SessionError that holds neither id nor text' (bench) {
      const [maker, store] = await bench.stores<SessionStore>(2) as [SessionStore, SessionStore]
      const sesid = await maker.newSession()
      await maker.putSession(sesid, textOf(SECRET))
      await bench.fail()
      const calls = [() => store.getSession(sesid), () => store.putSession(sesid, textOf(SECRET)), () => store.delSession(sesid)]
      for (const call of calls) await checkTrouble(call, [sesid, SECRET])
    }
  }),
  ...checks(['records', 'fail'], {
    async 'trouble of a store with records is a SessionError that holds neither id, name nor text' (bench) {
      const [maker, store] = await bench.stores(2) as [RecordStore, RecordStore]
      const { sesid, name, version } = await newSession(maker, { text: textOf(SECRET) })
      await bench.fail()
      const record = { text: textOf(SECRET) }
      const calls = [
        () => store.read(name), () => store.create(name, record), () => store.replace(name, record, version),
        () => store.remove(name), () => store.remove(name, version), () => store.touch(name), () => store.setAside(name)
      ]
      for (const call of calls) await checkTrouble(call, [sesid, name, SECRET])
    }
  })
]

async function checkTrouble (call: () => Promise<unknown>, secrets: string[]): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert(error instanceof SessionError, 'the error is not a SessionError')
    const shown = inspect(error, { depth: 10, showHidden: true })
    assert(!secrets.some(secret => shown.includes(secret)), 'the error shows what is secret')
    return true
  })
}
