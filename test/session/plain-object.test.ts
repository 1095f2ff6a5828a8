import t from 'tap'
import { isPlainObject, pick, setOwn } from '../../lib/session/plain-object'

t.test('a plain object is one as literals and JSON make it', async t => {
  for (const value of [{}, { a: 1 }, Object.create(null), JSON.parse('{"__proto__":1}')]) t.equal(isPlainObject(value), true)
  for (const value of [null, undefined, 7, 'x', [], new Date(), new Map(), Object.create({}), () => {}]) t.equal(isPlainObject(value), false)
})

t.test('every name can be the name of a property', async t => {
  const object = {}
  for (const name of ['a', 'constructor', '__proto__']) setOwn(object, name, { name })
  t.strictSame(Object.keys(object), ['a', 'constructor', '__proto__'])
  t.equal(Object.getPrototypeOf(object), Object.prototype)
  setOwn(object, '__proto__', 7)
  t.match(Object.getOwnPropertyDescriptor(object, '__proto__'), { value: 7, writable: true, enumerable: true, configurable: true })
})

t.test('those of the keys are picked that the data have themselves', async t => {
  const data = JSON.parse('{"a":1,"b":2,"__proto__":3}') as Record<string, unknown>
  const picked = pick(data, ['a', 'c', 'toString', '__proto__'])
  t.equal(JSON.stringify(picked), '{"a":1,"__proto__":3}')
  t.strictSame(data, JSON.parse('{"a":1,"b":2,"__proto__":3}'), 'and the data stay as they are')
})
