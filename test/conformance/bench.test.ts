import t from 'tap'
import { Bench, checkGone, created, IDLE_TIMEOUT, newSession, readLive, replaced, textOf } from '../../lib/conformance/bench'
import type { ConformanceOptions, StoreSetup } from '../../lib/conformance/options'
import { MapStore, MemoryStore } from '../support/map-store'

/** Options whose stores are new and empty, with what the bench has asked for. */
function benchOf (options: Partial<ConformanceOptions> = {}): { bench: Bench, setups: StoreSetup[], made: MemoryStore[] } {
  const [setups, made]: [StoreSetup[], MemoryStore[]] = [[], []]
  const bench = new Bench({
    test: () => {},
    features: { records: true },
    makeStore (setup) {
      setups.push(setup)
      made.push(new MemoryStore(setup.appid))
      return made.at(-1) as MemoryStore
    },
    ...options
  })
  return { bench, setups, made }
}

t.test('all stores of a bench are at one place, and no two benches have the same', async t => {
  const [one, other] = [benchOf(), benchOf()]
  await one.bench.store()
  await one.bench.stores(2, { appid: 'other', absoluteTimeout: 5 })
  const { place } = one.bench
  t.match(place, /^[a-z][a-z0-9]{12}$/, 'fit for a directory, a prefix or a table')
  t.not(place, other.bench.place)
  const others = { place, appid: 'other', idleTimeout: IDLE_TIMEOUT, absoluteTimeout: 5 }
  t.strictSame(one.setups, [{ place, appid: 'sid', idleTimeout: IDLE_TIMEOUT, absoluteTimeout: undefined }, others, others])
})

t.test('stores are opened when they are made and closed in the end, and the place is given back', async t => {
  const disposed: string[] = []
  const { bench, made } = benchOf({ dispose: place => { disposed.push(place) } })
  await bench.stores(2)
  t.strictSame(made.map(({ isOpen }) => isOpen), [true, true])
  t.strictSame(disposed, [])
  await bench.end()
  t.strictSame(made.map(({ isOpen }) => isOpen), [false, false])
  t.strictSame(disposed, [bench.place])
  const plain = new Bench({ test: () => {}, features: {}, makeStore: () => new MapStore() })
  await plain.store()
  await t.resolves(plain.end(), 'a store without open and close')
})

t.test('what the suite was given is asked about this place', async t => {
  const calls: unknown[] = []
  const { bench } = benchOf({
    maxSize: 20_000,
    age: (...parameters) => { calls.push(['age', ...parameters]) },
    fail: place => { calls.push(['fail', place]) },
    dump: async place => { calls.push(['dump', place]); return new Uint8Array([104, 105]) }
  })
  await bench.age('name', 1.5)
  await bench.fail()
  t.equal((await bench.dump()).toString(), 'hi')
  t.strictSame(calls, [['age', bench.place, 'name', 1500], ['fail', bench.place], ['dump', bench.place]])
  t.strictSame([bench.maxSize, benchOf().bench.maxSize], [20_000, Infinity])
})

t.test('a new session has the name that the store gives its id', async t => {
  const store = await benchOf().bench.store<MemoryStore>()
  const { sesid, name, version } = await newSession(store)
  t.equal(name, store.nameOf(sesid))
  t.match(await readLive(store, name), { version, text: textOf('new') })
  t.strictSame(JSON.parse(textOf('new')), { value: 'new' }, 'fit for a store that keeps JSON objects only')
})

t.test('another outcome than the one that was expected is an error that names it', async t => {
  t.equal(created({ result: 'created', version: 'v' }), 'v')
  t.throws(() => created({ result: 'taken' }), { code: 'ERR_ASSERTION', message: 'create was told taken in place of created' })
  t.equal(replaced({ result: 'replaced', version: 'v' }), 'v')
  t.throws(() => replaced({ result: 'gone' }), { code: 'ERR_ASSERTION', message: 'replace was told gone in place of replaced' })
})

t.test('a session is gone when neither read nor getSession finds it', async t => {
  const store = await benchOf().bench.store<MemoryStore>()
  const session = await newSession(store)
  await t.rejects(checkGone(store, session, 'after nothing'), { message: /^after nothing: read returns a session/ })
  const { read } = store
  store.read = async () => null
  store.getSession = async () => ''
  await t.rejects(checkGone(store, session, 'half gone'), { message: /^half gone: getSession returns a text/ })
  store.getSession = async () => null
  await t.resolves(checkGone(store, session, 'gone'))
  await t.rejects(readLive(store, session.name), { message: /read returns null/ })
  store.read = read
  await t.resolves(readLive(store, session.name))
})

t.test('the place is given back, and every store closed, also when closing fails', async t => {
  const disposed: string[] = []
  const { bench, made } = benchOf({ dispose: place => { disposed.push(place) } })
  await bench.stores(2)
  const [first] = made
  if (first !== undefined) first.close = async () => { throw new Error('the server is gone') }
  await t.rejects(bench.end(), { message: 'the server is gone' })
  t.equal(made[1]?.isOpen, false)
  t.strictSame(disposed, [bench.place])
})
