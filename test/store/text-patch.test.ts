import { equal, ok } from 'node:assert/strict'
import t from 'tap'
import { fits, patchBetween, patched } from '../../lib/store/text-patch'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

const BLOCK = 64
/** Texts in which the same few characters come again and again, one of them in two halves. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '😁'), maxLength: 40 })
const long = fc.tuple(text, fc.constantFrom('', 'x'.repeat(BLOCK - 1), 'x'.repeat(BLOCK), '😀'.repeat(BLOCK), 'x'.repeat(5000)), text).map(parts => parts.join(''))

t.test('a patch makes the new text of the old one, and cuts no character in two', async t => {
  fc.assert(fc.property(long, long, text, text, (start, end, before, after) => {
    const [old, now] = [start + before + end, start + after + end]
    const patch = patchBetween(old, now)
    ok(fits(old.length, patch))
    equal(patched(old, patch), now)
    equal(Buffer.from(patch.middle).toString(), patch.middle)
    // Halves that are equal by chance stay in the middle.
    ok(patch.middle.length <= after.length + 2)
  }), { numRuns: rounds(500, 2000) })
})

t.test('after any changes a reader has the text that it would have if it had been written whole', async t => {
  // Halves of characters alone, as a codec may write them, end as U+FFFD in either way.
  const unit = fc.constantFrom('a', '\0', 'é', '\ufeff', '\ufffd', '😀', '\ud83d', '\ude00', '\ude01')
  const some = fc.string({ unit, maxLength: 12 })
  fc.assert(fc.property(some, fc.array(fc.record({ at: fc.nat(20), removed: fc.nat(8), added: some }), { maxLength: 6 }), (first, edits) => {
    let written = first
    let read = Buffer.from(first).toString()
    for (const { at, removed, added } of edits) {
      const next = written.slice(0, at) + added + written.slice(at + removed)
      const { prefix, suffix, middle } = patchBetween(written, next)
      ok(fits(read.length, { prefix, suffix, middle }))
      read = patched(read, { prefix, suffix, middle: Buffer.from(middle).toString() })
      written = next
      equal(read, Buffer.from(next).toString())
    }
  }), { numRuns: rounds(800, 3000) })
})

t.test('what changed is found to the letter', async t => {
  const padding = 'x'.repeat(10_000)
  t.strictSame(patchBetween(`${padding}1${padding}`, `${padding}2${padding}`), { prefix: padding.length, suffix: padding.length, middle: '2' })
  t.strictSame(patchBetween(padding, padding), { prefix: padding.length, suffix: 0, middle: '' })
  t.strictSame(patchBetween('aa', 'aaa'), { prefix: 2, suffix: 0, middle: 'a' })
  t.strictSame(patchBetween('aaa', 'aa'), { prefix: 2, suffix: 0, middle: '' })
  t.strictSame(patchBetween('', 'a'), { prefix: 0, suffix: 0, middle: 'a' })
  t.strictSame(patchBetween('a😀b', 'a😁b'), { prefix: 1, suffix: 1, middle: '😁' })
})

t.test('a patch of a longer text does not fit', async t => {
  t.equal(fits(3, { prefix: 2, suffix: 1, middle: '' }), true)
  t.equal(fits(2, { prefix: 2, suffix: 1, middle: '' }), false)
})
