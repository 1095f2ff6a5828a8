import session from 'express-session'
import t from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { fromConnectStore, type ConnectSessionStore } from '../../lib/connect/from-connect-store'
import { FiveMethodStore } from '../../lib/store/five-method-store'
import { MapStore } from '../support/map-store'

const { MemoryStore: FastifyMemoryStore } = require('@fastify/session') as { MemoryStore: new () => ConnectSessionStore }

/** What a store does not keep that knows five methods only, and one app. */
const ONE_APP = ['sessions of another appid are never seen']

/** Returns the same thing for the same place. */
function onePerPlace<T> (make: () => T): (place: string) => T {
  const made = new Map<string, T>()
  return place => {
    const thing = made.get(place) ?? make()
    made.set(place, thing)
    return thing
  }
}

t.test('a store with the five methods', async t => {
  const textsAt = onePerPlace(() => new Map<string, string>())
  conformance({
    test: (name, run) => { t.test(name, run) },
    features: {},
    makeStore: ({ place, appid }) => Object.assign(new MapStore(appid), { texts: textsAt(place) }),
    except: ONE_APP
  })
})

t.test('the same with verbs: what the five methods cannot keep is named', async t => {
  const textsAt = onePerPlace(() => new Map<string, string>())
  conformance({
    test: (name, run) => { t.test(name, run) },
    features: { records: true },
    makeStore: ({ place, appid }) => new FiveMethodStore(Object.assign(new MapStore(appid), { texts: textsAt(place) })),
    except: [
      ...ONE_APP,
      // A name is the id, and the session is there from the moment that its id is made.
      'newId makes another id each time, and no session',
      'a name is another for another appid',
      'a name does not give the id away',
      'create under the name of a live session is told taken and changes nothing',
      'create under the name of a session that was removed makes a new one',
      'a version of a removed session does not fit the next one of that name',
      // The version is the text.
      'a record with an equal text has a version of its own',
      'no version is that of another session as well, whatever was stored in both',
      // Times are the store's own affair.
      'create keeps the idle timeout of the record',
      'create without createdAt says that the session begins now',
      'create keeps the createdAt that it is given',
      'replace stores the record and returns its version',
      'create under the name of a live session is told taken and changes nothing',
      'replace keeps createdAt unless it is given one',
      'putSession keeps the session\'s own idle timeout and createdAt, unless it is given another timeout',
      'touch changes neither text nor version',
      // Two steps that compare and then act.
      'of several creates under one name exactly one is told created',
      'of several replaces at one version exactly one is told replaced',
      'of several removes exactly one is told removed',
      'of a replace and a remove at one version exactly one succeeds',
      'of many updates from several stores at once none is lost or doubled'
    ]
  })
})

for (const [name, make] of [
  ['express-session', () => new session.MemoryStore()],
  ['@fastify/session', () => new FastifyMemoryStore()]
] as const) {
  t.test(`fromConnectStore with the MemoryStore of ${name}`, async t => {
    const storeAt = onePerPlace<ConnectSessionStore>(make)
    conformance({
      test: (name, run) => { t.test(name, run) },
      features: { dated: true },
      makeStore: ({ place, appid, idleTimeout }) => fromConnectStore(storeAt(place), { appid, idleTimeout }),
      age: async (place, sesid, milliseconds) => { await age(storeAt(place), sesid, milliseconds) },
      // Sessions are named by their ids, and hold what a codec decodes to an object.
      except: [...ONE_APP, 'texts of every kind come back as they were stored']
    })
  })
}

/** Makes the cookie of the session run out so much earlier. */
async function age (store: ConnectSessionStore, sesid: string, milliseconds: number): Promise<void> {
  const found = await new Promise<{ cookie: { expires: string | Date } }>((resolve, reject) => {
    store.get(sesid, (error, session) => { error ? reject(error) : resolve(session as { cookie: { expires: Date } }) })
  })
  const expires = new Date(new Date(found.cookie.expires).getTime() - milliseconds)
  await new Promise<void>((resolve, reject) => {
    store.set(sesid, { ...found, cookie: { ...found.cookie, expires } }, error => { error ? reject(error) : resolve() })
  })
}
