import assert from 'node:assert/strict'
import cookiePlugin from '@fastify/cookie'
import Fastify from 'fastify'
import t from 'tap'
import { cookieValues } from '../../lib/plugin/cookie-header'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

function valuesIn (header: string, name = 'sid', most = 100): string[] {
  return cookieValues(header, name, most)
}

t.test('one cookie, none, several', async t => {
  t.strictSame(valuesIn('sid=a'), ['a'])
  t.strictSame(valuesIn(''), [])
  t.strictSame(valuesIn('other=a'), [])
  t.strictSame(valuesIn('sid=a; other=x; sid=b;sid=c'), ['a', 'b', 'c'], 'in the order of the header')
  t.strictSame(valuesIn('sid=a; sid=a'), ['a', 'a'])
  t.strictSame(valuesIn(Array.from({ length: 100 }, (_, n) => `sid=${n}`).join('; '), 'sid', 3), ['0', '1', '2'], 'no more than asked for')
})

t.test('names that only look like it', async t => {
  for (const header of [
    'sid2=a', 'xsid=a', 'SID=a', '"sid"=a', 'x sid=a', 'sid x=a', 'sid', 'sid;', '=sid', 'sid;=a', 'x=sid=a', 'x=sid', 'si=d', '$sid=a', 's%69d=a', 'sid,=a', 'x,sid=a'
  ]) t.strictSame(valuesIn(header), [], header)
  t.strictSame(valuesIn('sid2=a; sid=b; 2sid=c; sid=d'), ['b', 'd'])
  t.strictSame(valuesIn('sidsid=a; sid=sid; sid=sid=sid'), ['sid', 'sid=sid'])
  t.strictSame(valuesIn('__proto__=a; constructor=b', '__proto__'), ['a'])
  t.strictSame(valuesIn('a.b=1; aXb=2; $^=3', 'a.b'), ['1'], 'a name is no pattern')
})

t.test('blanks, quotes, commas, equals signs', async t => {
  t.strictSame(valuesIn(' \t sid \t= \t a b \t ;\tsid\t=\tc\t'), ['a b', 'c'])
  t.strictSame(valuesIn('sid=; sid=   ;sid='), ['', '', ''])
  t.strictSame(valuesIn('sid="a"; sid="a; b"'), ['"a"', '"a'], 'a quote hides no semicolon')
  t.strictSame(valuesIn('sid=a,sid=b; sid=c'), ['a,sid=b', 'c'], 'a comma separates nothing')
  t.strictSame(valuesIn('sid==; sid=a=b='), ['=', 'a=b='])
  t.strictSame(valuesIn(';;; ; sid=a;;'), ['a'])
})

t.test('percent-encoding', async t => {
  t.strictSame(valuesIn('sid=a%20b%3Bc'), ['a b;c'])
  t.strictSame(valuesIn('sid=%C3%A9; sid=%F0%9F%98%80'), ['é', '😀'])
  t.strictSame(valuesIn('sid=%; sid=%zz; sid=%ff%20; sid=100%'), ['%', '%zz', '%ff%20', '100%'], 'what is no encoding stays')
})

t.test('the values are those that @fastify/cookie would find, pair by pair', async t => {
  const app = Fastify()
  await app.register(cookiePlugin)
  const parsed = (header: string): string | undefined => app.parseCookie(header)['sid']
  const text = fc.string({ unit: fc.constantFrom('s', 'i', 'd', '=', ';', ' ', '\t', '"', ',', '%', '2', '0', 'F', 'é', '2%', '%20', 'sid', 'sid=', '; sid='), maxLength: 40 })
  fc.assert(fc.property(text, header => {
    const expected = header.split(';').map(parsed).filter(value => value !== undefined)
    assert.deepEqual(valuesIn(header), expected)
    assert.equal(valuesIn(header)[0], parsed(header))
  }), { numRuns: rounds(800, 3000) })
})

t.test('a header that is made to be slow is read in one pass', async t => {
  // 16 KB is what Node lets in. Each of these would take 10⁸ steps if a part of it were read again for each name.
  for (const header of ['sid'.repeat(5000), 'sid '.repeat(4000), `${' '.repeat(8000)}sid${' '.repeat(8000)}`, ';'.repeat(16_000), 'sid;'.repeat(4000), 'sid = '.repeat(2700)]) {
    t.ok(countReads(header) < 10 * header.length, header.slice(0, 20))
  }
})

/** Returns how many characters of the header are looked at, beside native searches. */
function countReads (header: string): number {
  let reads = 0
  const counted = {
    length: header.length,
    indexOf: (text: string, from?: number) => header.indexOf(text, from),
    slice: (from: number, to: number) => header.slice(from, to),
    charCodeAt: (at: number) => { reads++; return header.charCodeAt(at) }
  }
  cookieValues(counted as unknown as string, 'sid', 64)
  return reads
}
