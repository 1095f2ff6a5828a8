import { strict as assert } from 'node:assert'
import { GRACE } from '../store/clock'
import type { SessionStore } from '../store/session-store'
import type { IterableSessionStore, ReadableSessionStore, ReapableSessionStore, SessionInfo } from '../store/store-abilities'
import { IDLE_TIMEOUT, textOf } from './bench'
import { checks } from './check'

const SESSIONS = 12
/** Seconds after which a session has expired and may be removed. */
const EXPIRED = IDLE_TIMEOUT + 3 * GRACE / 1000

/** Stores that list, hand out or remove what they hold. */
export const LISTING = [
  ...checks(['iterable'], {
    async 'sessions() lists every live session once, without its id' (bench) {
      const [store, other] = await bench.stores<IterableSessionStore>(2)
      assert.deepEqual(await all(store!.sessions()), [])
      for (let index = 0; index < SESSIONS; index++) await sessionWith(store!, 'ü'.repeat(index))
      await store!.delSession(await sessionWith(store!, 'removed'))
      const infos = await all(other!.sessions())
      const sizes = Array.from({ length: SESSIONS }, (_, index) => textOf('').length + 2 * index)
      assert.deepEqual(infos.map(({ size }) => size).sort((a, b) => a - b), sizes)
      for (const info of infos) checkInfo(info)
    },

    async 'sessions() reads as it is asked, and can be left at any time' (bench) {
      const store = await bench.store<IterableSessionStore>()
      for (let index = 0; index < SESSIONS; index++) await sessionWith(store, 'left')
      const listing = store.sessions()[Symbol.asyncIterator]()
      const { value, done } = await listing.next()
      assert.deepEqual([value?.size, done], [textOf('left').length, false])
      await listing.return?.()
      assert.equal((await all(store.sessions())).length, SESSIONS)
    },

    async 'sessions() leaves out sessions of another appid' (bench) {
      const [store, other] = [await bench.store<IterableSessionStore>(), await bench.store<IterableSessionStore>({ appid: 'other' })]
      await sessionWith(other, 'other')
      assert.deepEqual(await all(store.sessions()), [])
    },

    async 'clear() removes every session of its appid for good, and returns how many' (bench) {
      const [store, other] = [await bench.store<IterableSessionStore>(), await bench.store<IterableSessionStore>({ appid: 'other' })]
      const kept = await sessionWith(other, 'kept')
      const ids: string[] = []
      for (let index = 0; index < SESSIONS; index++) ids.push(await sessionWith(store, index))
      assert.equal(await store.clear(), SESSIONS)
      for (const sesid of ids) {
        await store.putSession(sesid, textOf('late'))
        assert.equal(await store.getSession(sesid), null)
      }
      assert.equal(await other.getSession(kept), textOf('kept'), 'another appid has lost a session')
      assert.equal(await store.clear(), 0)
    },

    'sessions() leaves out what has expired, and clear() removes it': {
      needs: ['records', 'age'],
      async run (bench) {
        const store = await bench.store<IterableSessionStore>()
        await bench.age(nameOf(store, await sessionWith(store, 'expired')), IDLE_TIMEOUT + 10)
        await sessionWith(store, 'live')
        assert.deepEqual((await all(store.sessions())).map(({ size }) => size), [textOf('live').length])
        assert.equal(await store.clear(), 2)
      }
    },

    'sessions() says how old a session is, how long unused, and what is left': {
      needs: ['records', 'age'],
      async run (bench) {
        const store = await bench.store<IterableSessionStore>()
        const sesid = await sessionWith(store, 'old')
        await bench.age(nameOf(store, sesid), 300)
        await store.getSession(sesid)
        await bench.age(nameOf(store, sesid), 200)
        const [info] = await all(store.sessions())
        for (const [time, seconds] of [['age', 500], ['idle', 200], ['idleLeft', IDLE_TIMEOUT - 200]] as const) {
          assert(Math.abs(info![time] - seconds * 1000) < 60_000, `${time} is ${info![time]}`)
        }
      }
    }
  }),
  ...checks(['readable'], {
    async 'texts() returns the text of every live session of its appid' (bench) {
      const [store, other] = [await bench.store<ReadableSessionStore>(), await bench.store<ReadableSessionStore>({ appid: 'other' })]
      assert.deepEqual(await all(store.texts()), [])
      await sessionWith(other, 'other')
      const texts: string[] = []
      for (let index = 0; index < SESSIONS; index++) {
        await sessionWith(store, index)
        texts.push(textOf(index))
      }
      await store.delSession(await sessionWith(store, 'removed'))
      assert.deepEqual((await all(store.texts())).sort(), texts.sort())
    },

    'texts() leaves out what has expired': {
      needs: ['records', 'age'],
      async run (bench) {
        const store = await bench.store<ReadableSessionStore>()
        await bench.age(nameOf(store, await sessionWith(store, 'expired')), IDLE_TIMEOUT + 10)
        await sessionWith(store, 'live')
        assert.deepEqual(await all(store.texts()), [textOf('live')])
      }
    }
  }),
  ...checks(['reapable'], {
    async 'reap() removes no live session' (bench) {
      const store = await bench.store<ReapableSessionStore>()
      const sesid = await sessionWith(store, 'live')
      const { expired, failed } = await store.reap()
      assert.deepEqual([expired, failed], [0, 0])
      assert.equal(await store.getSession(sesid), textOf('live'))
    },

    async 'reap() ends early when its signal is aborted' (bench) {
      const store = await bench.store<ReapableSessionStore>()
      for (let index = 0; index < SESSIONS; index++) await sessionWith(store, index)
      const { expired, failed } = await store.reap(AbortSignal.abort())
      assert.deepEqual([expired, failed], [0, 0])
    },

    'reap() removes what has expired, once, and says how many': {
      needs: ['records', 'age'],
      async run (bench) {
        const store = await bench.store<ReapableSessionStore>()
        const expired = await sessionWith(store, 'expired')
        await bench.age(nameOf(store, expired), EXPIRED)
        const live = await sessionWith(store, 'live')
        assert.equal((await store.reap()).expired, 1)
        assert.equal((await store.reap()).expired, 0)
        assert.equal(await store.getSession(live), textOf('live'))
        assert.equal(await store.getSession(expired), null)
      }
    }
  })
]

async function sessionWith (store: SessionStore, value: number | string): Promise<string> {
  const sesid = await store.newSession()
  await store.putSession(sesid, textOf(value))
  return sesid
}

function nameOf (store: SessionStore, sesid: string): string {
  return (store as SessionStore & { nameOf (sesid: string): string }).nameOf(sesid)
}

async function all<T> (values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}

function checkInfo (info: SessionInfo): void {
  assert.deepEqual(Object.keys(info).sort(), ['age', 'idle', 'idleLeft', 'size'])
  const { age, idle, idleLeft } = info
  assert(Math.abs(age) < 60_000 && Math.abs(idle) < 60_000 && idleLeft > 0 && idleLeft <= IDLE_TIMEOUT * 1000, JSON.stringify(info))
}
