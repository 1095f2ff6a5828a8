import { deepStrictEqual, ok } from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { encodeRecord, fold, HEADER_SIZE, newRecordId, NO_RECORD, type JournalRecord } from '../../../lib/store/files/journal'
import { anyText } from '../../support/any-text'
import fc from '../../support/fast-check'
import { rounds } from '../../support/tier'

function record (text: string, more: Partial<JournalRecord> = {}): JournalRecord {
  return { id: newRecordId(), text, idleTimeout: 0, createdAt: 1_700_000_000_000, seal: false, ended: false, patches: 0, ...more }
}

/** The records one after the other, each replacing the one before. */
function journal (...records: JournalRecord[]): Buffer {
  return Buffer.concat(records.map((each, index) => encodeRecord(each, records[index - 1]?.id ?? NO_RECORD)))
}

t.test('the layout is the documented one', async t => {
  const bytes = encodeRecord({
    id: 'ABCDEFGH', text: 'é', idleTimeout: 0x01020304, createdAt: 0x060504030201, seal: true, ended: false, patches: 0
  }, 'abcdefgh')
  t.equal(bytes.length, HEADER_SIZE + 2)
  t.equal(bytes.toString('latin1', 0, 4), 'FFS1')
  t.equal(bytes.readUInt32LE(4), crc32(bytes.subarray(8)))
  t.equal(bytes.toString('hex', 8, 16), '02000000' + '04030201')
  t.equal(bytes.toString('latin1', 16, 32), 'ABCDEFGHabcdefgh')
  t.equal(bytes.toString('hex', 32, 40), '010203040506' + '01' + '01')
  t.equal(bytes.toString('utf8', 40), 'é')
})

t.test('the layout of a patch is the documented one', async t => {
  const [before, after] = ['abcdefgh'.repeat(20), 'abcdefgh'.repeat(10) + 'é' + 'abcdefgh'.repeat(10)]
  const bytes = encodeRecord(record(after), NO_RECORD, record(before))
  t.equal(bytes.length, HEADER_SIZE + 8 + 2)
  t.equal(bytes.readUInt32LE(8), 10)
  t.equal(bytes[38], 4)
  t.equal(bytes.readUInt32LE(40), 80)
  t.equal(bytes.readUInt32LE(44), 80)
  t.equal(bytes.toString('utf8', 48), 'é')
})

t.test('what is a patch and what is not', async t => {
  const flags = (before: string | undefined, of: JournalRecord): number | undefined => encodeRecord(of, NO_RECORD, before === undefined ? undefined : record(before))[38]
  t.equal(flags('aaaa', record('aaab')), 4)
  t.equal(flags('aaaa', record('aabb')), 4)
  t.equal(flags('aaaa', record('abbb')), 0, 'more than half of it would be written anyway')
  t.equal(flags(undefined, record('aaab')), 0)
  t.equal(flags('aaaa', record('aaab', { seal: true })), 1)
  t.equal(flags('aaaa', record('', { ended: true })), 2)
  t.equal(flags('$ffs1$-$AAAAAAAA', record('$ffs1$-$AAAAAAAA.9:B')), 12, 'of an encrypted text')
  t.equal(flags('$ffh1${}\n$ffs1$-$AAAA', record('$ffh1${}\n$ffs1$-$AAAA.4:BBBB')), 12)
  t.equal(flags('$ffs1$-$AAAAAAAA', record('$ffs1$-$BBBBBBBBBBBBBBBBBBBB')), 0, 'one that was encrypted anew')
})

t.test('the patches since the last whole text copy 16 Mi code units at most', async t => {
  for (const [length, most] of [[1024 * 1024, 16], [100_000, 167]] as const) {
    const half = 'x'.repeat(length / 2 - 4)
    let last = record(`${half}00000000${half}`)
    const parts = [journal(last)]
    const patches: number[] = []
    for (let turn = 1; turn < 2 * most + 3; turn++) {
      const next = record(`${half}${String(turn).padStart(8, '0')}${half}`, { patches: 7 })
      parts.push(encodeRecord(next, last.id, last))
      patches.push(next.patches)
      last = next
    }
    const inARow = Array.from({ length: most + 1 }, (_, index) => (index + 1) % (most + 1))
    t.strictSame(patches, [...inARow, ...inARow], `${length}`)
    t.strictSame(fold(Buffer.concat(parts)).tip, last)
  }
})

t.test('a patch is read with the record that it names, and with no other', async t => {
  const [base, first, lost, second] = [record('0000'), record('0100'), record('1000'), record('0101')]
  const patches = [encodeRecord(first, base.id, base), encodeRecord(lost, base.id, base), encodeRecord(second, first.id, first)]
  const bytes = Buffer.concat([journal(base), ...patches])
  t.equal(fold(bytes).tip?.text, '0101', 'one that has lost changes nothing')
  const start = journal(base).length
  t.equal(fold(bytes.subarray(start), start, base).tip?.text, '0101', 'nor for a reader who knows the start')
})

t.test('a patch that cannot be applied is not understood', async t => {
  const refusal = { code: 'SESSION_FILE', message: /written by a newer version/ }
  const [base, next, last] = [record('0000'), record('0001'), record('whole')]
  const short = record('0')
  t.throws(() => fold(Buffer.concat([journal(short), encodeRecord(next, short.id, base)])), refusal, 'it is of a longer text')
  t.throws(() => fold(encodeRecord(next, NO_RECORD, base)), refusal, 'there is no text before it')
  t.throws(() => fold(Buffer.concat([journal(base), newerRecord(next, base.id, [4, 1])])), refusal, 'it has no lengths')
  const newer = newerRecord(next, base.id, [8, 1])
  const bytes = Buffer.concat([journal(base), newer, encodeRecord(record('0002'), next.id, next)])
  t.throws(() => fold(bytes), refusal, 'it is of a text that is not understood')
  const whole = Buffer.concat([journal(base), newer, encodeRecord(last, next.id, next)])
  t.equal(fold(whole).tip?.text, 'whole', 'a whole text needs no other')
})

t.test('a record comes back as it was', async t => {
  fc.assert(fc.property(anyText({ maxLength: 200 }), fc.nat(0xffffffff), fc.nat(2 ** 48 - 1), fc.boolean(), fc.boolean(),
    (text, idleTimeout, createdAt, seal, ended) => {
      const written = record(text, { idleTimeout, createdAt, seal, ended })
      const bytes = encodeRecord(written, NO_RECORD)
      deepStrictEqual(fold(bytes), { tip: written, end: bytes.length, torn: false, won: false })
    }))
})

t.test('record ids are random and never the same', async t => {
  const ids = new Set(Array.from({ length: 2000 }, () => newRecordId()))
  t.equal(ids.size, 2000, 'over several pages of random bytes')
  t.ok([...ids].every(id => id.length === 8 && Buffer.from(id, 'latin1').length === 8))
  t.notOk(ids.has(NO_RECORD))
})

t.test('no bytes fold to nothing', async t => {
  t.strictSame(fold(Buffer.alloc(0)), { tip: null, end: 0, torn: false, won: false })
})

t.test('the last record of the chain is the tip', async t => {
  const [one, two, three] = [record('one'), record('two'), record('three')]
  const bytes = journal(one, two, three)
  t.strictSame(fold(bytes), { tip: three, end: bytes.length, torn: false, won: false })
  t.equal(fold(bytes, 0, null, two.id).won, true, 'one that was the tip for a while has won')
  t.equal(fold(bytes, 0, null, three.id).won, true)
  t.equal(fold(bytes, 0, null, newRecordId()).won, false)
})

t.test('a void record with plain text must not stay beside an encrypted session', async t => {
  const [base, first] = [record('{"n":1}'), record('$ffs1$-$AAAA')]
  const folded = (...voids: Array<Partial<JournalRecord> & { text: string }>): boolean => {
    return fold(Buffer.concat([journal(base, first), ...voids.map(each => encodeRecord(record(each.text, each), base.id))])).torn
  }
  t.equal(folded({ text: '{"n":2}' }), true)
  t.equal(folded({ text: '{"n":2}' }, { text: '$ffs1$-$BBBB' }), true)
  t.equal(folded({ text: '$ffs1$-$BBBB' }), false, 'an encrypted one may')
  t.equal(folded({ text: '', ended: true }), false, 'a tombstone has no text')
  const patch = (before: string, after: string): boolean => {
    const bytes = encodeRecord(record(after), base.id, record(before))
    ok(bytes.length < HEADER_SIZE + after.length)
    return fold(Buffer.concat([journal(base, first), bytes])).torn
  }
  t.equal(patch(`{"token":"${'.9:AAAA'.repeat(9)}"}`, `{"token":"${'.9:AAAA'.repeat(10)}"}`), true, 'nor a piece of it')
  t.equal(patch(`$ffs1$-$${'A'.repeat(90)}`, `$ffs1$-$${'A'.repeat(90)}.9:AAAA`), false, 'a piece of an encrypted one may')
})

t.test('of two records that replace the same one the first in the file wins', async t => {
  const [base, first, second] = [record('base'), record('first'), record('second')]
  const bytes = Buffer.concat([journal(base, first), encodeRecord(second, base.id)])
  t.strictSame(fold(bytes), { tip: first, end: bytes.length, torn: false, won: false })
  t.equal(fold(bytes, 0, null, first.id).won, true)
  t.equal(fold(bytes, 0, null, second.id).won, false)
})

t.test('equal texts are told apart by their ids', async t => {
  const [base, first, second] = [record('n=1'), record('n=2'), record('n=2')]
  const bytes = Buffer.concat([journal(base, first), encodeRecord(second, base.id)])
  t.equal(fold(bytes, 0, null, second.id).won, false)
})

t.test('after a seal nothing wins, and neither does anything after a tombstone', async t => {
  for (const end of [{ seal: true }, { ended: true }]) {
    const [base, seal, late] = [record('base'), record('', end), record('late')]
    const sealed = journal(base, seal)
    for (const after of [encodeRecord(late, seal.id), encodeRecord(late, base.id), Buffer.from('garbage')]) {
      const bytes = Buffer.concat([sealed, after])
      t.strictSame(fold(bytes, 0, null, late.id), { tip: seal, end: sealed.length, torn: false, won: false })
      t.strictSame(fold(after, sealed.length, seal, late.id), { tip: seal, end: sealed.length, torn: false, won: false },
        'nor for a reader who knows the seal')
    }
  }
})

/** The record as a newer version might write it: with another flag, or in another format. */
function newerRecord (of: JournalRecord, previous: string, [flags, format]: readonly [number, number]): Buffer {
  const bytes = encodeRecord(of, previous)
  bytes[38] = flags
  bytes[39] = format
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

t.test('a record of a newer version is not understood, whatever its other flags say', async t => {
  const [base, newer, next] = [record('base'), record('newer'), record('next')]
  for (const signs of [[8, 1], [5, 1], [6, 1], [128, 1], [0, 2], [1, 0], [0, 255]] as const) {
    const bytes = Buffer.concat([journal(base), newerRecord(newer, base.id, signs)])
    const refusal = { name: 'SessionFileError', code: 'SESSION_FILE', message: /written by a newer version .*update this process/ }
    t.throws(() => fold(bytes), refusal, signs.join())
    t.throws(() => fold(bytes.subarray(44), 44, base), refusal)
    t.throws(() => fold(newerRecord(newer, NO_RECORD, signs)), refusal)
    t.throws(() => fold(bytes, 0, null, newer.id), refusal)

    const after = Buffer.concat([bytes, encodeRecord(next, newer.id)])
    t.strictSame(fold(after), { tip: next, end: after.length, torn: false, won: false }, 'but one that follows it may be')
    const void_ = Buffer.concat([journal(base, next), newerRecord(newer, base.id, signs)])
    t.strictSame(fold(void_), { tip: next, end: void_.length, torn: false, won: false }, 'and one that has lost does not matter')
  }
})

t.test('a record that won before a newer version put another on top of it has won', async t => {
  const [base, mine, newer, newest] = [record('base'), record('mine'), record('newer'), record('newest')]
  const known = journal(base, mine)
  const bytes = Buffer.concat([known, newerRecord(newer, mine.id, [8, 1]), newerRecord(newest, newer.id, [8, 1])])
  t.strictSame(fold(bytes, 0, null, mine.id), { tip: mine, end: known.length, torn: false, won: true })
  t.throws(() => fold(bytes, 0, null, base.id === mine.id ? '' : 'nobody..'), { code: 'SESSION_FILE' })
})

t.test('a text that looks like a record is text', async t => {
  const base = record('base')
  const forged = encodeRecord(record('forged'), NO_RECORD).toString('latin1')
  const written = record(forged)
  const bytes = journal(base, written)
  t.equal(fold(bytes).tip?.text, forged)

  const first = record(encodeRecord(record('forged', { id: 'AAAAAAAA', createdAt: 0 }), NO_RECORD).toString('latin1'))
  const whole = encodeRecord(first, NO_RECORD)
  t.equal(fold(whole).tip?.text, first.text)
  for (let cut = 0; cut < whole.length; cut++) {
    t.equal(fold(whole.subarray(0, cut)).tip, null, 'nor is it taken for one when the first record is torn')
    t.equal(fold(Buffer.concat([Buffer.alloc(1), whole.subarray(cut)])).tip, null)
  }
})

t.test('a text full of magic numbers does not cost more than its length', async t => {
  const base = record('base')
  const torn = encodeRecord(record('FFS1'.repeat(250_000)), base.id).subarray(0, -1)
  const next = record('next')
  const bytes = Buffer.concat([journal(base), torn, encodeRecord(next, base.id)])
  t.strictSame(fold(bytes), { tip: next, end: bytes.length, torn: true, won: false })
})

/** One stretch of a file, and what it does to the one who folds it. */
type Stretch =
  | { kind: 'next', text: string, seal: boolean, isPatch: boolean }
  | { kind: 'loser', text: string, back: number }
  | { kind: 'torn', text: string, length: number }
  | { kind: 'garbage', bytes: Uint8Array }

const text = fc.oneof(anyText({ maxLength: 20 }), fc.constant('FFS1FFS1'),
  fc.constant(encodeRecord(record('forged'), NO_RECORD).toString('latin1')))
const stretch: fc.Arbitrary<Stretch> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('next' as const), text, seal: fc.constant(false), isPatch: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('next' as const), text, seal: fc.boolean(), isPatch: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('loser' as const), text, back: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('torn' as const), text, length: fc.integer({ min: 1, max: HEADER_SIZE }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('garbage' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }) }) }
)

/** Builds the file, and says what has to come out of it, without looking at the bytes. */
function build (stretches: Stretch[]): { bytes: Buffer, chain: JournalRecord[], end: number, torn: boolean } {
  const parts: Buffer[] = []
  const chain: JournalRecord[] = []
  let length = 0
  let end = 0
  let torn = false
  let clean = true
  for (const each of stretches) {
    const tip = chain.at(-1)
    const open = tip?.seal !== true && (tip !== undefined || !torn)
    const previous = tip?.id ?? NO_RECORD
    let bytes: Buffer
    if (each.kind === 'garbage') bytes = Buffer.from(each.bytes)
    else if (each.kind === 'torn') bytes = encodeRecord(record(each.text), previous).subarray(0, each.length - 1 || 1)
    else if (each.kind === 'loser') {
      const earlier = chain.at(-1 - each.back)
      bytes = encodeRecord(record(`${earlier?.text ?? ''}${each.text}`), earlier?.id ?? newRecordId(), earlier)
    } else {
      const next = record(each.isPatch ? `${tip?.text ?? ''}${each.text}` : each.text, { seal: each.seal })
      bytes = encodeRecord(next, previous, each.isPatch ? tip : undefined)
      if (open) {
        chain.push(next)
        clean = true
      }
    }
    parts.push(bytes)
    length += bytes.length
    if (open && (each.kind === 'garbage' || each.kind === 'torn')) [torn, clean] = [true, false]
    if (open && clean) end = length
  }
  return { bytes: Buffer.concat(parts), chain, end, torn }
}

t.test('any sequence of records, losers, torn records and garbage folds to the last of the chain', async t => {
  fc.assert(fc.property(fc.array(stretch, { maxLength: 12 }), stretches => {
    const { bytes, chain, end, torn } = build(stretches)
    deepStrictEqual(fold(bytes), { tip: chain.at(-1) ?? null, end, torn, won: false })
    for (const each of chain) ok(fold(bytes, 0, null, each.id).won)
  }), { numRuns: rounds(300, 1000) })
})

t.test('folding in two steps says the same as in one, wherever the file was cut for the first', async t => {
  fc.assert(fc.property(fc.array(stretch, { maxLength: 8 }), stretches => {
    const { bytes, chain } = build(stretches)
    const whole = fold(bytes)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const first = fold(bytes.subarray(0, cut))
      ok(first.tip === null || chain.some(each => each.id === first.tip?.id), 'never anything but a tip of its time')
      ok(first.end <= cut)
      const second = fold(bytes.subarray(first.end), first.end, first.tip)
      deepStrictEqual([second.tip, second.end], [whole.tip, whole.end])
      ok(!whole.torn || first.torn || second.torn, 'garbage does not go unseen')
      const last = chain.at(-1)?.id
      if (last !== undefined) {
        ok(fold(bytes.subarray(0, cut), 0, null, last).won !== fold(bytes.subarray(first.end), first.end, first.tip, last).won,
          'the last of the chain wins in one of the two steps')
      }
    }
  }), { numRuns: rounds(60, 200) })
})

t.test('no flipped bit of a record goes unseen', async t => {
  const [base, last] = [record('base'), record('bass')]
  const start = journal(base).length
  for (const bytes of [journal(base, last), Buffer.concat([journal(base), encodeRecord(last, base.id, base)])]) {
    for (let position = start; position < bytes.length; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[position]! ^= 1 << bit
        deepStrictEqual(fold(flipped), { tip: base, end: start, torn: true, won: false })
      }
    }
  }
})
