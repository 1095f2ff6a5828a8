import t from 'tap'
import { JsonSlices, SHORTEST_SLICED } from '../../lib/session/json-slices'
import type { PlainObject } from '../../lib/session/plain-object'
import { SessionProperties } from '../../lib/session/session-properties'

const long = 'x'.repeat(SHORTEST_SLICED)

function sliced (data: object): JsonSlices {
  return JsonSlices.of(JSON.stringify(data)) as JsonSlices
}

/** The properties of an object whose members are `save` and `id`. */
function begin (data: PlainObject | JsonSlices = {}) {
  const target: PlainObject = {}
  const properties = new SessionProperties(target, new Set(['save', 'id']))
  properties.fill(data)
  return { target, properties }
}

t.test('data are properties of the target, but for names that members have', t => {
  const { target, properties } = begin({ a: 1, save: 2 })
  t.strictSame(target, { a: 1 })
  t.equal(properties.get('a'), 1)
  t.equal(properties.get('save'), 2)
  for (const name of ['id', 'b', 'toString', '__proto__']) t.equal(properties.get(name), undefined, name)
  properties.set('id', 3)
  properties.set('b', 4)
  properties.set('__proto__', 5)
  target['c'] = 6
  t.strictSame(Object.keys(target), ['a', 'b', '__proto__', 'c'])
  t.equal(properties.get('__proto__'), 5)
  t.equal(Object.getPrototypeOf(target), Object.prototype)
  t.strictSame(Object.entries(properties.copy()), [['save', 2], ['id', 3], ['a', 1], ['b', 4], ['__proto__', 5], ['c', 6]])
  t.strictSame(properties.glance(), properties.copy())
  Object.assign(target, { [Symbol('not data')]: 7 })
  t.strictSame(Object.getOwnPropertySymbols(properties.copy()), [])
  t.end()
})

t.test('other data take the place of all that there are', t => {
  for (const data of [{ a: 1, save: 2 }, sliced({ a: 1, list: [long] })]) {
    const { target, properties } = begin(data)
    target['b'] = 3
    properties.set('id', 4)
    properties.fill({ c: 5 })
    t.strictSame(properties.copy(), { c: 5 })
    t.strictSame(target, { c: 5 })
    t.equal(properties.slices(), null)
  }
  t.end()
})

t.test('of slices the objects are parsed when they are used', t => {
  const data = sliced({ a: 1, list: [long], user: { name: 'ann' } })
  const { target, properties } = begin(data)
  const isParsed = (key: string): boolean => properties.glance()[key] === target[key]
  t.equal(properties.slices(), data, 'what is not changed is the text that it was')
  t.equal(properties.glance()['list'], data.slices.get('list'))
  t.equal(properties.glance()['a'], 1)
  t.strictSame(properties.get('user'), { name: 'ann' })
  t.ok(isParsed('user'))
  t.equal(properties.glance()['list'], data.slices.get('list'))
  ;(target['user'] as PlainObject)['name'] = 'bob'
  t.equal(properties.slices()?.text, JSON.stringify({ a: 1, list: [long], user: { name: 'bob' } }))
  properties.settle()
  t.strictSame(Object.getOwnPropertyDescriptor(target, 'list')?.value, [long])
  t.strictSame(properties.copy(), { a: 1, list: [long], user: { name: 'bob' } })
  t.end()
})

t.test('data that hold the name of a member are printed as a whole', t => {
  const data = sliced({ id: { n: 1 }, save: 2, list: [long] })
  const { target, properties } = begin(data)
  t.strictSame(properties.get('id'), { n: 1 })
  t.equal(properties.get('save'), 2)
  t.strictSame(Object.keys(target), ['list'])
  t.equal(properties.slices(), null)
  t.strictSame(properties.glance(), { id: { n: 1 }, save: 2, list: data.slices.get('list') })
  t.strictSame(properties.copy(), { id: { n: 1 }, save: 2, list: [long] })
  t.equal(properties.rebase(data.text, sliced({ list: [long, 2] })), false)
  t.strictSame(properties.copy(), { id: { n: 1 }, save: 2, list: [long] }, 'and nothing was done')
  t.end()
})

t.test('what a text has become comes under what was changed here', t => {
  const base = sliced({ a: 1, b: 1, c: 1, gone: [1], list: [long], user: { name: 'ann', age: 1 } })
  const newer = sliced({ a: 2, b: 1, c: 1, list: [long, 2], user: { name: 'ann', age: 2 }, added: 1 })
  const { target, properties } = begin(base)
  target['b'] = 2
  delete target['c']
  ;(target['user'] as PlainObject)['name'] = 'bob'
  t.equal(properties.rebase(base.text, newer), true)
  t.equal(properties.glance()['list'], newer.slices.get('list'), 'what was not used is not parsed')
  t.strictSame(properties.copy(), { a: 2, b: 2, list: [long, 2], user: { name: 'bob', age: 2 }, added: 1 })
  t.equal(properties.rebase(base.text, newer), false, 'of another text than the data were loaded from')
  t.equal(begin({ a: 1 }).properties.rebase('{"a":1}', newer), false, 'of data that were parsed as a whole')
  t.end()
})
