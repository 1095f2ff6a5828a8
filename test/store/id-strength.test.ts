import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { estimatedBits, idBits, isKeyId, LEAST_ID_BITS, SHORTEST_KEY_ID } from '../../lib/store/id-strength'
import { randomId } from '../../lib/store/session-id'
import fc from '../support/fast-check'

const of = (make: (index: number) => string): Promise<number> => {
  let index = 0
  return idBits(async () => make(index++))
}

t.test('random ids have about as many bits as they were made of', async t => {
  const made: Array<[() => string, number]> = [
    [randomId, 192],
    [() => randomUUID(), 122],
    [() => randomBytes(16).toString('hex'), 128],
    [() => randomBytes(8).toString('hex').toUpperCase(), 64],
    [() => randomBytes(24).toString('base64'), 192]
  ]
  for (const [make, bits] of made) {
    const estimate = await of(make)
    t.ok(estimate <= bits + 1 && estimate >= bits * 0.9, `${estimate} of ${bits}`)
  }
})

t.test('good ids are never refused by chance', async t => {
  // The last character of 16 bytes in base64url takes four values, and - and _ are rare.
  for (let round = 0; round < 300; round++) {
    const bits = await of(() => randomBytes(16).toString('base64url'))
    if (bits !== 128) t.fail(`${bits} of 128`)
  }
})

t.test('a prefix that all ids have counts nothing', async t => {
  t.equal(await of(() => `application-one:${randomBytes(8).toString('hex')}`), await of(() => randomBytes(8).toString('hex')))
})

t.test('counters, clocks and short ids have too few', async t => {
  const bad: Array<(index: number) => string> = [
    index => `id-${index}`,
    index => String(index).padStart(40, '0'),
    index => (1_700_000_000_000 + index).toString(36),
    () => randomBytes(7).toString('hex'),
    () => Math.random().toString(36).slice(2, 12)
  ]
  for (const make of bad) t.ok(await of(make) < LEAST_ID_BITS, make(1))
})

t.test('ids that repeat have none', async t => {
  t.equal(await of(() => 'always the same'), 0)
  t.equal(await of(index => `${index % 15} ${'x'.repeat(80)}`), 0)
})

t.test('whatever the ids are, the estimate is a number of bits that they can hold', async t => {
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 16 }), ids => {
    const bits = estimatedBits(ids)
    return Number.isInteger(bits) && bits >= 0 && bits <= 16 * Math.min(...ids.map(({ length }) => length))
  }))
  t.pass('held')
})

/** Random characters of an alphabet. */
function drawn (alphabet: string, length: number): string {
  return Array.from(randomBytes(length), byte => alphabet.charAt(byte % alphabet.length)).join('')
}

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'

t.test('one id is judged by its length and its characters', async t => {
  for (let round = 0; round < 3000; round++) {
    const good = [randomId(), randomUUID(), randomBytes(16).toString('hex'), randomBytes(16).toString('base64url'),
      drawn(LOWER + LOWER.toUpperCase() + DIGITS, SHORTEST_KEY_ID), drawn(DIGITS, 39), drawn(LOWER, 28), drawn(LOWER + DIGITS, 25)]
    for (const sesid of good) if (!isKeyId(sesid)) t.fail(`${sesid} is refused`)
    const bad = [drawn(DIGITS, 38), randomBytes(15).toString('hex'), drawn('0123456789ABCDEF', 31), drawn(LOWER, 20), drawn(LOWER + DIGITS, 21),
      randomBytes(15).toString('base64url'), 'ab'.repeat(40), 'z'.repeat(100), '']
    for (const sesid of bad) if (isKeyId(sesid)) t.fail(`${sesid} is taken`)
  }
})
