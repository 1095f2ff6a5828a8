import t from 'tap'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { JsonSlices, SHORTEST_SLICED } from '../../lib/session/json-slices'
import { MemoryStore } from '../support/map-store'
import { Visits } from '../support/visits'

const long = 'x'.repeat(SHORTEST_SLICED)

t.test('a text that JSON printed is cut at its keys', async t => {
  const data = { 2: { long }, a: 'A', list: ['}', ',', '"'], nothing: null, ['__proto__']: { a: 1 } }
  const slices = JsonSlices.of(JSON.stringify(data)) as JsonSlices
  t.strictSame([...slices.slices.keys()], ['2', 'a', 'list', 'nothing', '__proto__'])
  t.strictSame([...slices.slices.values()].map(slice => slice.value === undefined ? slices.parse(slice) : slice.value), Object.values(data))
})

t.test('what stands under a key stays the slice that it was as long as it reads the same', async t => {
  const slices = JsonSlices.of(JSON.stringify({ n: 1, user: { name: 'ann' }, long })) as JsonSlices
  for (const [key, value] of [['n', 1], ['user', { name: 'ann' }], ['long', long]] as const) t.equal(slices.pieceOf(key, value), slices.slices.get(key), key)
  t.equal(slices.pieceOf('n', 2), '"n":2', 'another text of the same length')
  t.equal(slices.pieceOf('user', { name: 'bob' }), '"user":{"name":"bob"}')
  t.equal(slices.pieceOf('user', { name: 'anna' }), '"user":{"name":"anna"}')
  t.equal(slices.pieceOf('added', 1), '"added":1')
  t.equal(slices.pieceOf('n', undefined), '')
})

t.test('any other text is parsed as a whole', async t => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`key ${n}`, n]))
  const texts = {
    short: '{"a":1}',
    'an array': JSON.stringify([long]),
    'a string': JSON.stringify(long),
    'no JSON': `{"a":"${long}`,
    'many keys': JSON.stringify(many),
    'white space': ` {"a":"${long}"}`,
    'white space inside': `{"a": "${long}"}`,
    'white space behind': `{"a":"${long}"}\n`,
    'a key twice': `{"a":1,"a":"${long}"}`,
    'another order': `{"a":"${long}","1":2}`,
    'another number': `{"a":"${long}","b":1.0}`,
    'another escape': `{"a":"${long}","b":"\\u0041"}`
  }
  for (const [name, text] of Object.entries(texts)) t.equal(JsonSlices.of(text), null, name)
})

t.test('what is not used is neither parsed nor printed', async t => {
  const visits = new Visits(new MemoryStore(), { codec: JSON_CODEC })
  const sesid = await visits.stored({ n: 1, list: [{ long }], user: { name: 'ann' } })
  await visits.finish(await visits.begin(sesid))
  const visit = await visits.begin(sesid)
  const session = visit.session as unknown as { n: number, user: { name: string } }
  t.type(Object.getOwnPropertyDescriptor(session, 'list')?.get, 'function')
  session.n++
  session.user.name = 'bob'
  await visits.finish(visit)
  t.notOk(visit.mayHaveLateChanges())
  session.user.name = 'cid'
  t.notOk(visit.mayHaveLateChanges(), 'nested data are not looked into')
  t.ok(visit.hasUnsaved())
  session.n++
  t.ok(visit.mayHaveLateChanges())
  t.type(Object.getOwnPropertyDescriptor(session, 'list')?.get, 'function', 'still as it was')
  const next = await visits.begin(sesid)
  t.strictSame(next.session.data(), { n: 2, list: [{ long }], user: { name: 'bob' } })
})

t.test('what JSON leaves out is left out of the text', async t => {
  const visits = new Visits(new MemoryStore(), { codec: JSON_CODEC })
  const sesid = await visits.stored({ n: 1, list: [{ long }] })
  await visits.finish(await visits.begin(sesid))
  const visit = await visits.begin(sesid)
  visit.session.set('n', undefined)
  await visits.finish(visit)
  t.strictSame((await visits.begin(sesid)).session.data(), { list: [{ long }] })
})

t.test('what JSON cannot store is refused in the same words', async t => {
  const visits = new Visits(new MemoryStore(), { codec: JSON_CODEC })
  const visit = await visits.begin(await visits.stored({ long }))
  visit.session.set('big', 1n)
  t.throws(() => visit.unsavedText(), { code: 'SESSION_CODEC', message: /TypeError: .* BigInt/ })
  t.throws(() => new SessionText(JSON_CODEC).load('name', `{"long":"${long}`), { code: 'SESSION_UNDECODABLE' })
})

t.test('descriptors of an earlier time keep their value', async t => {
  const visits = new Visits(new MemoryStore(), { codec: JSON_CODEC })
  const { session } = await visits.begin(await visits.stored({ list: [long] }))
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(session)) as { list: string[] }
  session.set('list', [])
  t.strictSame(copy.list, [long])
  t.equal(copy.list, copy.list)
  t.strictSame(session.get('list'), [])
})
