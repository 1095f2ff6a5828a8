import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { isSame } from '../../lib/session/same'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

const leaf = fc.constantFrom<unknown>(null, undefined, true, 0, -0, 1, NaN, '', 'x')
const other = fc.constantFrom<() => unknown>(() => new Date(1), () => new Date(2), () => new Map([['a', 1]]), () => /a/, () => Object.create(null))
const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, other.map(make => make()),
    fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'toString'), tie('value'), { maxKeys: 3 }))
}))

t.test('it says what isDeepStrictEqual says', async t => {
  fc.assert(fc.property(value, value, (a, b) => isSame(a, b) === isDeepStrictEqual(a, b)), { numRuns: rounds(500, 2000) })
  fc.assert(fc.property(value, a => isSame(a, structuredCloneOf(a))))
})

/** A copy that shares nothing. */
function structuredCloneOf (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCloneOf)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Map || value instanceof RegExp) return value
  const copy = Object.create(Object.getPrototypeOf(value)) as object
  for (const [key, inner] of Object.entries(value)) {
    Object.defineProperty(copy, key, { value: structuredCloneOf(inner), enumerable: true, writable: true, configurable: true })
  }
  return copy
}

t.test('as many keys, but others', async t => {
  for (const value of [1, undefined, {}]) t.equal(isSame({ a: 1, b: value }, { a: 1, c: value }), false)
  t.equal(isSame({ a: 1, b: undefined }, { b: undefined, a: 1 }), true)
})

t.test('arrays with holes, with more than elements, and of another class', async t => {
  class List extends Array<number> {}
  const holes = [1, 2, 3]
  Reflect.deleteProperty(holes, 1)
  for (const [a, b] of [[holes, [1, undefined, 3]], [[1], [1, 2]], [[], {}], [Object.assign([1], { more: 1 }), [1]], [List.of(1), [1]], [List.of(1), List.of(1)]]) {
    t.equal(isSame(a, b), isDeepStrictEqual(a, b))
  }
})

t.test('a hundred thousand levels', async t => {
  const nest = (leaf: unknown, wrap: (inner: unknown) => unknown): unknown => {
    let value = leaf
    for (let level = 0; level < 100_000; level++) value = wrap(value)
    return value
  }
  for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ inner })]) {
    t.equal(isSame(nest(1, wrap), nest(1, wrap)), true)
    t.equal(isSame(nest(1, wrap), nest(2, wrap)), false)
  }
  const maps = (inner: unknown): unknown => new Map([[1, inner]])
  t.equal(isSame(nest(1, maps), nest(1, maps)), false, 'what cannot be compared counts as different')
})

t.test('circles, and one object in two places', async t => {
  const ring = (length: number): object => {
    const first: Record<string, unknown> = {}
    let last = first
    for (let n = 1; n < length; n++) last = last['next'] = {} as Record<string, unknown>
    last['next'] = first
    return first
  }
  t.equal(isSame(ring(1), ring(1)), true)
  t.equal(isSame(ring(2), ring(3)), true, 'no walk finds a difference')
  t.equal(isSame(ring(2), { next: { next: {} } }), false)
  const shared = { a: 1 }
  t.equal(isSame([shared, shared], [{ a: 1 }, { a: 2 }]), false)
})

t.test('an error that is not about depth goes on', async t => {
  const fault = new TypeError('mine')
  const broken = (): unknown => new Map([[1, Object.defineProperty({}, 'x', { get () { throw fault }, enumerable: true })]])
  t.throws(() => isSame(broken(), broken()), fault)
})
