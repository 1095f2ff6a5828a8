import { deepStrictEqual } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { merge } from '../../lib/session/merge'
import { isPlainObject, setOwn, type PlainObject } from '../../lib/session/plain-object'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

const AWKWARD_KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '', '0', 'a', 'b', 'c']
const key = fc.oneof(fc.constantFrom(...AWKWARD_KEYS), fc.string({ maxLength: 4 }))

/** Session data as it comes out of JSON.parse, awkward keys as own properties included. */
const { data } = fc.letrec<{ data: PlainObject, value: unknown }>(tie => ({
  data: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(fromEntries),
  value: fc.oneof({ depthSize: 'small' }, fc.constantFrom<unknown>(null, true, 0, 1, 'x', ''),
    fc.array(tie('value'), { maxLength: 3 }), tie('data'))
}))

function fromEntries (entries: Array<[string, unknown]>): PlainObject {
  const object: PlainObject = {}
  for (const [name, value] of entries) setOwn(object, name, value)
  return object
}

function parse (json: string): PlainObject {
  return JSON.parse(json) as PlainObject
}

t.test('what only one side changed is taken', async t => {
  const base = { kept: 1, mine: 1, theirs: 1, goneByMe: 1, goneByThem: 1 }
  const theirs = { kept: 1, mine: 1, theirs: 2, goneByMe: 1, newTheirs: 1 }
  const mine = { kept: 1, mine: 2, theirs: 1, goneByThem: 1, newMine: 1 }
  t.strictSame(merge(base, theirs, mine), { kept: 1, mine: 2, theirs: 2, newTheirs: 1, newMine: 1 })
})

t.test('what both changed is mine', async t => {
  t.strictSame(merge({ a: 1 }, { a: 2 }, { a: 3 }), { a: 3 }, 'changed by both')
  t.strictSame(merge({}, { a: 2 }, { a: 3 }), { a: 3 }, 'added by both')
  t.strictSame(merge({ a: 1 }, {}, { a: 3 }), { a: 3 }, 'changed by me, removed by them')
  t.strictSame(merge({ a: 1 }, { a: 2 }, {}), {}, 'removed by me, changed by them')
  t.strictSame(merge({ a: 1 }, {}, {}), {}, 'removed by both')
})

t.test('plain objects are merged in their turn, anything else is one value', async t => {
  t.strictSame(
    merge({ cart: { x: 1, y: 1 } }, { cart: { x: 2, y: 1 } }, { cart: { x: 1, y: 2 } }),
    { cart: { x: 2, y: 2 } })
  t.strictSame(merge({}, { cart: { x: 1 } }, { cart: { y: 1 } }), { cart: { x: 1, y: 1 } }, 'made by both')
  t.strictSame(merge({ cart: 1 }, { cart: { x: 1 } }, { cart: { y: 1 } }), { cart: { x: 1, y: 1 } })
  t.strictSame(merge({ list: [1] }, { list: [1, 2] }, { list: [1, 3] }), { list: [1, 3] }, 'arrays')
  t.strictSame(merge({ list: [1] }, { list: [1, 2] }, { list: [1] }), { list: [1, 2] })
  t.strictSame(merge({ v: [1] }, { v: { a: 1 } }, { v: [1] }), { v: { a: 1 } })
  t.strictSame(merge({ v: { a: 1 } }, { v: { a: 1, b: 1 } }, { v: 'text' }), { v: 'text' })
  t.strictSame(merge({ v: { a: 1 } }, { v: 'text' }, { v: { a: 1 } }), { v: 'text' })
  t.strictSame(merge({ v: null }, { v: { a: 1 } }, { v: null }), { v: { a: 1 } })
  t.strictSame(merge({ v: { a: [1] } }, {}, { v: { a: [1] } }), {}, 'unchanged by value, not by identity')
  const [long, longer] = [new Date(1), new Date(2)]
  t.strictSame(merge({ at: long }, { at: longer }, { at: new Date(1) }), { at: longer }, 'what another codec makes')
})

/** What merge does, in its shortest form: it overflows the stack of the engine at some depth. */
function plainMerge (base: PlainObject, theirs: PlainObject, mine: PlainObject): PlainObject {
  const merged: PlainObject = {}
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const [b, t, m] = [base, theirs, mine].map(side => Object.hasOwn(side, key) ? { value: side[key] } : null)
    if (t && m && isPlainObject(t.value) && isPlainObject(m.value)) {
      setOwn(merged, key, plainMerge(isPlainObject(b?.value) ? b.value : {}, t.value, m.value))
    } else if (m && (!b || !isDeepStrictEqual(b.value, m.value))) {
      setOwn(merged, key, m.value)
    } else if (t && (m || !b)) {
      setOwn(merged, key, t.value)
    }
  }
  return merged
}

t.test('it does what the plain recursive merge does', async t => {
  fc.assert(fc.property(data, data, data, (base, theirs, mine) => {
    deepStrictEqual(merge(base, theirs, mine), plainMerge(base, theirs, mine))
    t.equal(JSON.stringify(merge(base, theirs, mine)), JSON.stringify(plainMerge(base, theirs, mine)), 'in the same order')
  }), { numRuns: rounds(100, 300) })
})

t.test('a hundred thousand levels', async t => {
  const nest = (leaf: PlainObject): PlainObject => {
    let object = leaf
    for (let level = 0; level < 100_000; level++) object = { inner: object, list: [level] }
    return object
  }
  let end = merge(nest({ a: 1, b: 1 }), nest({ a: 2, b: 1 }), nest({ a: 1, b: 2 }))
  for (let level = 0; level < 100_000; level++) end = end['inner'] as PlainObject
  t.strictSame(end, { a: 2, b: 2 })
})

t.test('circles and one object in two places, as another codec makes them', async t => {
  const ring = (data: PlainObject): PlainObject => Object.assign(data, { self: data, list: [1] })
  const merged = merge(ring({ a: 1, b: 1 }), ring({ a: 2, b: 1 }), ring({ a: 1, b: 2 }))
  t.match(merged, { a: 2, b: 2, self: { a: 2, b: 2 } })
  t.equal(merged['self'], (merged['self'] as PlainObject)['self'])
  const shared = { n: 1 }
  t.strictSame(merge({ x: { n: 1 }, y: { n: 1 } }, { x: { n: 2 }, y: { n: 3 } }, { x: shared, y: shared }), { x: { n: 2 }, y: { n: 3 } })
})

t.test('the arguments stay as they are', async t => {
  fc.assert(fc.property(data, data, data, (base, theirs, mine) => {
    const before = JSON.stringify([base, theirs, mine])
    merge(base, theirs, mine)
    return JSON.stringify([base, theirs, mine]) === before
  }))
})

t.test('merge(base, base, x) is x, and merge(base, x, base) is x', async t => {
  fc.assert(fc.property(data, data, (base, x) => {
    deepStrictEqual(merge(base, base, x), x)
    deepStrictEqual(merge(base, x, base), x)
    deepStrictEqual(merge(base, x, x), x)
  }))
})

t.test('changes to different keys never lose either', async t => {
  const change = fc.dictionary(key, fc.option(fc.integer(), { nil: undefined }), { maxKeys: 5, noNullPrototype: true })
  fc.assert(fc.property(data, change, change, fc.boolean(), (base, one, other, nested) => {
    const first = fromEntries(Object.entries(one).map(([name, value]) => [`one ${name}`, value]))
    const second = fromEntries(Object.entries(other).map(([name, value]) => [`other ${name}`, value]))
    const start = { ...apply(base, first, 7), ...apply({}, second, 7) }
    const within = (inner: PlainObject): PlainObject => nested ? { deep: { deeper: inner } } : inner
    const theirs = within(apply(start, first))
    const mine = within(apply(start, second))
    const both = within(apply(apply(start, first), second))
    deepStrictEqual(merge(within(start), theirs, mine), both)
    deepStrictEqual(merge(within(start), mine, theirs), both, 'whichever comes first')
  }))
})

/** Sets what has a value and removes what has none; or gives every key of the change one value. */
function apply (object: PlainObject, change: PlainObject, value?: unknown): PlainObject {
  const result = fromEntries(Object.entries(object))
  for (const name of Object.keys(change)) {
    if (value !== undefined) setOwn(result, name, value)
    else if (change[name] === undefined) Reflect.deleteProperty(result, name)
    else setOwn(result, name, change[name])
  }
  return result
}

t.test('no name of a key does harm', async t => {
  const theirs = parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"toString":"t"}')
  const mine = parse('{"__proto__":{"mine":1},"hasOwnProperty":1,"constructor":{"y":2}}')
  const merged = merge({}, theirs, mine)
  t.equal(Object.getPrototypeOf(merged), Object.prototype, 'the prototype is not touched')
  t.equal(({} as PlainObject)['admin'], undefined)
  t.equal(({} as PlainObject)['x'], undefined)
  t.equal(JSON.stringify(merged), '{"__proto__":{"admin":true,"mine":1},' +
    '"constructor":{"prototype":{"x":1},"y":2},"toString":"t","hasOwnProperty":1}')
  t.equal(JSON.stringify(merge(parse('{"__proto__":1}'), parse('{}'), parse('{"__proto__":1}'))), '{}', 'removed by them')
  t.equal(JSON.stringify(merge(parse('{"__proto__":1}'), parse('{"__proto__":1}'), {})), '{}', 'removed by me')
  t.equal(JSON.stringify(merge({}, parse('{"toString":{"a":1}}'), parse('{"toString":{"b":1}}'))),
    '{"toString":{"a":1,"b":1}}', 'an inherited function is no base')
})

t.test('every value is looked at a fixed number of times, however deep it lies', async t => {
  let visits = 0
  const nest = (depth: number, leaf: PlainObject): PlainObject => {
    let object = leaf
    for (let level = 0; level < depth; level++) {
      const inner = object
      object = Object.defineProperty({ own: level }, 'next', { get: () => { visits++; return inner }, enumerable: true })
    }
    return object
  }
  const count = (depth: number): number => {
    visits = 0
    const merged = merge(nest(depth, { a: 1, b: 1 }), nest(depth, { a: 2, b: 1 }), nest(depth, { a: 1, b: 2 }))
    let end = merged
    for (let level = 0; level < depth; level++) end = end['next'] as PlainObject
    t.strictSame(end, { a: 2, b: 2 })
    return visits
  }
  const [short, long] = [count(100), count(1000)]
  t.equal(long, 10 * short, `${short} visits for 100 levels, ${long} for 1,000`)
})

t.test('a level that one side removed is compared once, not once for each level above', async t => {
  let visits = 0
  const nest = (depth: number): PlainObject => {
    let object: PlainObject = { leaf: 1 }
    for (let level = 0; level < depth; level++) {
      const inner = object
      object = Object.defineProperty({}, 'next', { get: () => { visits++; return inner }, enumerable: true })
    }
    return object
  }
  t.strictSame(merge({ deep: nest(1000) }, {}, { deep: nest(1000) }), {})
  t.ok(visits <= 4 * 1000, `${visits} visits`)
})

t.test('a hundred thousand keys', async t => {
  const wide = (changed: (index: number) => boolean): PlainObject => {
    const object: PlainObject = {}
    for (let index = 0; index < 100_000; index++) object[`key ${index}`] = changed(index) ? 'new' : 'old'
    return object
  }
  const merged = merge(wide(() => false), wide(index => index % 3 === 0), wide(index => index % 3 === 1))
  const values = Object.values(merged)
  t.equal(values.length, 100_000)
  t.equal(values.filter(value => value === 'old').length, 33_333, 'a third is as it was, the rest changed by either')
})

t.test('isPlainObject knows what literals and JSON make', async t => {
  for (const plain of [{}, { a: 1 }, Object.create(null), JSON.parse('{"__proto__":1}')]) {
    t.equal(isPlainObject(plain), true)
  }
  class Cart {}
  for (const other of [null, undefined, 1, 'x', [], new Date(), new Map(), new Cart(), () => {}, Object.create({})]) {
    t.equal(isPlainObject(other), false)
  }
})

t.test('setOwn sets own properties, whatever their name', async t => {
  const object: PlainObject = {}
  setOwn(object, 'a', 1)
  setOwn(object, '__proto__', 2)
  t.strictSame(Object.entries(object), [['a', 1], ['__proto__', 2]])
  setOwn(object, '__proto__', 3)
  t.strictSame(Object.entries(object), [['a', 1], ['__proto__', 3]], 'and again')
})
