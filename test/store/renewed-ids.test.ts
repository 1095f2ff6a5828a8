import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { forwardingText, isForwarding } from '../../lib/store/forwarding'
import { MovingSessionStore } from '../../lib/store/moving-store'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import type { BaseRecordStore } from '../../lib/store/record-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import { sessionHandle } from '../../lib/store/session-id'
import type { IterableSessionStore, PortableRecordStore, ReadableSessionStore } from '../../lib/store/store-abilities'
import { newSession } from '../support/new-session'
import { emptyPGlite } from '../support/pglite'
import { redisIsMissing, RedisServer } from '../support/redis-server'

type Store = BaseRecordStore & PortableRecordStore & IterableSessionStore & ReadableSessionStore

const STORES: Record<string, { skip?: string | false, make: (t: Test) => Promise<Store> }> = {
  files: { make: async t => new FileStore({ sessionDir: `${t.testdir()}/sessions` }) },
  'files that move': {
    async make (t) {
      const [from, to] = ['old', 'new'].map(name => new FileStore({ sessionDir: `${t.testdirName}/${name}` })) as [FileStore, FileStore]
      t.testdir()
      return new MovingSessionStore({ from, to }) as unknown as Store
    }
  },
  Redis: {
    skip: redisIsMissing,
    async make (t) {
      const client = createClient({ url: (await RedisServer.start(t)).url })
      await client.connect()
      t.teardown(() => { client.destroy() })
      return new RedisSessionStore({ client })
    }
  },
  PostgreSQL: {
    async make (t) {
      const pool = emptyPGlite()
      t.teardown(() => pool.close())
      return new PostgresSessionStore({ pool })
    }
  }
}

/** Makes a session and moves it to a new id, as the plugin does. */
async function renewed (t: Test, make: (t: Test) => Promise<Store>) {
  const store = await make(t)
  await store.open()
  t.teardown(() => store.close())
  const old = await newSession(store, 'old')
  const moved = await newSession(store, 'moved')
  const { version } = await store.read(old.name) as { version: string }
  const text = forwardingText('sid', old.sesid, { sesid: moved.sesid, since: Date.now(), grace: 10_000 })
  await store.replace(old.name, { text, idleTimeout: 70, forgetEarlier: true }, version)
  t.ok(isForwarding((await store.read(old.name))?.text ?? ''))
  return { store, old, moved }
}

async function all<T> (things: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const thing of things) found.push(thing)
  return found
}

for (const [name, { skip = false, make }] of Object.entries(STORES)) {
  t.test(`an id that was renewed is not a session: ${name}`, { skip }, async t => {
    const { store, old, moved } = await renewed(t, make)
    t.equal(await store.getSession(old.sesid), null)
    await store.putSession(old.sesid, 'late')
    t.equal(await store.getSession(old.sesid), null)
    t.equal((await all(store.sessions())).length, 1)
    t.strictSame(await all(store.texts()), ['moved'])
    t.strictSame((await all(store.exportSessions())).map(session => session.name), [moved.name])
    t.strictSame(await store.create(old.name, { text: 'new' }), { result: 'taken' })
    t.equal(await store.clear(), 2)
  })

  t.test(`it leads to the session that is to end: ${name}`, { skip }, async t => {
    const { store, old, moved } = await renewed(t, make)
    await store.delSession(old.sesid)
    t.equal(await store.getSession(moved.sesid), null)
    t.equal(await store.read(old.name), null)
    if (store.features.indexable !== true) return
    const again = await renewed(t, async () => store)
    t.equal(await store.revoke(sessionHandle(again.old.name)), true)
    t.equal(await store.getSession(again.moved.sesid), null)
    t.equal(await store.revoke(sessionHandle(again.old.name)), false)
  })
}
