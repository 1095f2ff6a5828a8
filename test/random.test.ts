import t from 'tap'
import { fillRandom, randomText } from '../lib/random'

t.test('texts are as long as they should be, and never the same', async t => {
  const lengths = { base64url: 32, hex: 48, latin1: 24 } as const
  for (const encoding of ['base64url', 'hex', 'latin1'] as const) {
    // More than fit into one page.
    const texts = Array.from({ length: 1000 }, () => randomText(24, encoding))
    t.equal(new Set(texts).size, 1000)
    t.strictSame(new Set(texts.map(text => text.length)), new Set([lengths[encoding]]))
  }
})

t.test('no byte is used twice, wherever a page ends', async t => {
  const drawn = Array.from({ length: 5000 }, (_, index) => randomText(1 + index % 24, 'hex')).join('')
  const pieces = drawn.match(/.{16}/g) ?? []
  t.equal(new Set(pieces).size, pieces.length)
  const counts = new Map<string, number>()
  for (const byte of drawn.match(/../g) ?? []) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  t.equal(counts.size, 256, 'each byte comes up')
})

t.test('bytes are drawn from the same pages, and none twice', async t => {
  const target = Buffer.alloc(12)
  const drawn = Array.from({ length: 2000 }, (_, index) => {
    if (index % 3 === 0) return randomText(12, 'hex')
    fillRandom(target, 12)
    return target.toString('hex')
  })
  t.equal(new Set(drawn).size, 2000)
  target.fill(0)
  fillRandom(target, 4)
  t.equal(target.readBigUInt64LE(4), 0n, 'no more than were asked for')
})
