import { inspect, isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { JSON_CODEC, type SessionCodec } from '../../lib/session/codec'
import type { Session } from '../../lib/session/session'
import fc from '../support/fast-check'
import { MemoryStore } from '../support/map-store'
import { json, Visits } from '../support/visits'
import { rounds } from '../support/tier'

type Data = Record<string, unknown>
type Operation = (session: Session & Data) => unknown

const LONG = 'x'.repeat(3000)
const short = (text: unknown): string => inspect(text, { depth: 9 }).replaceAll(LONG, 'LONG')

const KEYS = ['a', 'b', 'c', '1', '10', '2', '', '__proto__', 'constructor', 'quote " and \\', 'é\ud800', 'line\n', 'save', 'toJSON', 'length']

/** A request's session in a store of its own; of JSON's own codec it is lazy, of another that does the same it is not. */
async function opened (codec: SessionCodec, data: Data) {
  const store = new MemoryStore()
  const visits = new Visits(store, { codec })
  const sesid = await visits.stored(data)
  const begin = async () => {
    const visit = await visits.begin(sesid)
    return { visit, session: visit.session as Session & Data }
  }
  return { begin, finish: visits.finish.bind(visits), text: () => [...store.entries.values()][0]?.record.text }
}

async function outcome (operation: Operation, session: Session & Data): Promise<unknown> {
  try {
    return await operation(session)
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error
  }
}

const key = fc.constantFrom(...KEYS)
const tree = fc.jsonValue({ maxDepth: 2 })
const value = fc.oneof(tree, tree, fc.constantFrom(undefined, -0, NaN, new Date(0), () => 1, LONG), fc.constant({ toJSON: (key: string) => key }))
/** Each does the same to any session, and returns what a handler would see. */
const operation: fc.Arbitrary<Operation> = fc.oneof(
  key.map((key): Operation => session => session[key]),
  key.map((key): Operation => session => session.get(key)),
  key.map((key): Operation => session => key in session && Object.hasOwn(session, key)),
  fc.tuple(key, value).map(([key, value]): Operation => session => { session.set(key, structured(value)) }),
  fc.tuple(key, value).map(([key, value]): Operation => session => { session[key] = structured(value) }),
  fc.tuple(key, value).map(([key, value]): Operation => session => { Object.assign(session, { [key]: structured(value) }) }),
  key.map((key): Operation => session => delete session[key]),
  fc.tuple(key, key, tree).map(([key, inner, value]): Operation => session => {
    const target = session.get(key)
    if (typeof target !== 'object' || target === null) return undefined
    Object.defineProperty(target, inner, { value, writable: true, enumerable: true, configurable: true })
    return session.get(key) === target
  }),
  key.map((key): Operation => session => { Object.defineProperty(session, key, { get: () => [1], set: () => {}, enumerable: true, configurable: true }) }),
  key.map((key): Operation => session => { (Object.create(session) as Data)[key] = 1 }),
  key.map((key): Operation => session => (Object.create(session) as Data)[key]),
  key.map((key): Operation => session => new Proxy(session, {})[key]),
  fc.constantFrom<Operation>(
    session => Object.keys(session),
    session => ({ ...session }),
    session => Object.entries(session),
    session => JSON.stringify(session),
    session => structuredClone({ ...session }),
    session => inspect(session, { depth: 9 }),
    session => isDeepStrictEqual({ ...session }, session.data()),
    session => session.data(),
    session => session.isModified(),
    session => session.reload(),
    session => session.save(),
    session => session.regenerate(['a', '1', '__proto__'])
  ),
  fc.tuple(key, tree).map(([key, value]): Operation => session => session.update(draft => {
    Object.defineProperty(draft, key, { value, writable: true, enumerable: true, configurable: true })
  })),
  fc.tuple(key, key, value).map(([key, inner, value]): Operation => session => session.update(draft => {
    const before = [inspect(draft, { depth: 9 }), JSON.stringify(draft), Object.keys(draft)]
    const target = draft[key] as Data | undefined
    if (typeof target === 'object' && target !== null && Object.hasOwn(draft, key)) target[inner] = structured(value)
    else delete draft[inner]
    return before
  }))
)

function agree (lazy: unknown, plain: unknown, operation: Operation): void {
  if (short(lazy) !== short(plain)) throw new Error(`${String(operation)}: ${short(lazy)} is not ${short(plain)}`)
}

/** A copy, so that the two sessions share nothing. */
function structured (value: unknown): unknown {
  return typeof value === 'object' && value !== null && !('toJSON' in value) ? structuredClone(value) : value
}

t.test('a handler cannot tell that values are parsed when they are used', async t => {
  await fc.assert(fc.asyncProperty(
    fc.dictionary(key, tree), fc.nat(), fc.array(operation), fc.array(operation), async (data, place, operations, others) => {
      const entries = Object.entries(data)
      entries.splice(place % (entries.length + 1), 0, ['long', LONG], ['list', [LONG, {}]])
      const all = Object.fromEntries(entries)
      const [lazy, plain] = [await opened(JSON_CODEC, all), await opened(json, all)]
      for (let request = 0; request < 2; request++) {
        const [one, other] = [await lazy.begin(), await plain.begin()]
        const [late, alsoLate] = [await lazy.begin(), await plain.begin()]
        for (const operation of operations) {
          agree(await outcome(operation, one.session), await outcome(operation, other.session), operation)
        }
        for (const operation of others) {
          agree(await outcome(operation, late.session), await outcome(operation, alsoLate.session), operation)
        }
        await Promise.allSettled([lazy.finish(one.visit), plain.finish(other.visit)])
        await Promise.allSettled([lazy.finish(late.visit), plain.finish(alsoLate.visit)])
        if (lazy.text() !== plain.text()) throw new Error(`${short(lazy.text())} is not ${short(plain.text())}`)
      }
    }
  ), { numRuns: rounds(50, 150) })
})

t.test('two requests change a large session in which data have the name of a method', async t => {
  const large = await opened(JSON_CODEC, { long: LONG, save: 1 })
  const [one, other] = [await large.begin(), await large.begin()]
  one.session.set('a', 1)
  other.session.set('b', 2)
  await one.session.save()
  await other.session.save()
  t.strictSame(other.session.data(), { long: LONG, save: 1, a: 1, b: 2 })
  t.strictSame(JSON.parse(large.text() ?? ''), { long: LONG, save: 1, a: 1, b: 2 })
})

t.test('an object in a large session has the name of a method', async t => {
  const large = await opened(JSON_CODEC, { save: { text: LONG }, other: [LONG] })
  const { session, visit } = await large.begin()
  t.type(session.save, 'function')
  t.strictSame(session.get('save'), { text: LONG })
  session.set('save', [1])
  await large.finish(visit)
  t.strictSame(JSON.parse(large.text() ?? ''), { save: [1], other: [LONG] })
})

t.test('a request removes a value of a large session while its update of another is stored', async t => {
  const large = await opened(JSON_CODEC, { long: LONG, cart: [1], list: [1], a: 1 })
  const { session, visit } = await large.begin()
  const updating = session.update(draft => { (draft as Data)['a'] = 2 })
  t.strictSame(session.get('cart'), [1])
  delete session['cart']
  await updating
  t.strictSame(session.data(), { long: LONG, list: [1], a: 2 })
  t.notOk('cart' in session)
  await large.finish(visit)
  t.strictSame(JSON.parse(large.text() ?? ''), { long: LONG, list: [1], a: 2 })
})
