import session from 'express-session'
import t from 'tap'
import { fromConnectStore, type ConnectSessionStore } from '../../lib/connect/from-connect-store'
import type { SessionCodec } from '../../lib/session/codec'

t.test('options', async t => {
  const store = new session.MemoryStore()
  t.throws(() => fromConnectStore({} as ConnectSessionStore), { code: 'SESSION_OPTION', message: /method get/ })
  t.throws(() => fromConnectStore({ get () {}, set () {} } as unknown as ConnectSessionStore), { message: /method destroy/ })
  t.throws(() => fromConnectStore(store, { appid: 'a b' }), { code: 'SESSION_OPTION', message: /appid/ })
  t.throws(() => fromConnectStore(store, { idleTimeout: 0 }), { message: /idleTimeout/ })
  t.throws(() => fromConnectStore(store, { codec: {} as SessionCodec }), { message: /codec/ })
  t.throws(() => fromConnectStore(store, { idGenerator: 'random' as unknown as () => string }), { message: /idGenerator/ })
  t.throws(() => fromConnectStore(store, { ttl: 1 } as object), { message: /ttl is not known/ })
  t.equal(await fromConnectStore(store, { idGenerator: () => 'given' }).newSession(), 'given')
  for (const bad of ['', 'a/b', 7]) {
    await t.rejects(fromConnectStore(store, { idGenerator: () => bad as string }).newSession(), { code: 'SESSION_ID' })
  }
})
