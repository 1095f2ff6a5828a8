import { statSync, type Stats } from 'node:fs'
import t, { type Test } from 'tap'
import { isNext, isOpen, isSame, isWarm, knownBytes, mustSeal, readOn, viewOf, wasAlive } from '../../../lib/store/files/file-view'
import { encodeRecord } from '../../../lib/store/files/journal'
import { journalOf, recordOf } from '../../support/journal-files'

const LIMITS = { size: 16 * 1024, fewestRecords: 8 }

function statusOf (t: Test, size: number): Stats {
  return Object.assign(statSync(t.testdir({ file: '' }) + '/file'), { size, birthtimeMs: 5 })
}

t.test('what was read of a file is the same in two parts and at once', async t => {
  const [first, second] = [recordOf('first'), recordOf('second')]
  const bytes = journalOf(first, second)
  const start = journalOf(first).length
  const once = readOn(null, statusOf(t, bytes.length), bytes, second.id)
  t.match(once, { won: true, nlink: 1, view: { tip: { text: 'second' }, size: bytes.length, end: bytes.length, torn: false, synced: 0 } })
  const part = readOn(null, statusOf(t, start), bytes.subarray(0, start)).view
  t.match(part, { tip: { text: 'first' }, end: start })
  const status = { ...statusOf(t, bytes.length), ino: part.ino }
  t.equal(knownBytes(part, status), start)
  t.match(readOn(part, status, bytes.subarray(start)).view, { tip: { text: 'second' }, end: bytes.length })
})

t.test('another file is read from its start', async t => {
  const bytes = journalOf(recordOf('text'))
  const { view } = readOn(null, statusOf(t, bytes.length), bytes)
  const status = { ...statusOf(t, bytes.length), ino: view.ino }
  t.equal(isSame(view, status), true)
  for (const other of [{ ...status, ino: Number(view.ino) + 1 }, { ...status, birthtimeMs: 6 }]) {
    t.equal(isSame(view, other), false)
    t.equal(knownBytes(view, other), 0)
  }
  t.equal(knownBytes(view, { ...status, size: view.end - 1 }), 0, 'as is one that has become shorter')
  t.equal(knownBytes(null, status), 0)
})

t.test('a record follows what is known, unless another process wrote between', async t => {
  const record = recordOf('text')
  const bytes = journalOf(record)
  const { view } = readOn(null, statusOf(t, bytes.length), bytes)
  const next = encodeRecord(recordOf('next'), record.id)
  const status = { ...statusOf(t, view.size + next.length), ino: view.ino }
  t.equal(isNext(view, status, record.id, next), true)
  t.equal(isNext(view, { ...status, size: status.size + 1 }, record.id, next), false, 'something else was written')
  t.equal(isNext(view, { ...status, nlink: 0 }, record.id, next), false, 'the file is gone')
  t.equal(isNext(view, { ...status, ino: 1 }, record.id, next), false, 'it is another file')
  t.equal(isNext(view, status, 'another.', next), false, 'to another tip')
  t.equal(isNext({ ...view, tip: recordOf('text', { id: record.id, seal: true }) }, status, record.id, next), false, 'after a seal')
  t.equal(isNext({ ...view, end: view.end - 1 }, status, record.id, next), false, 'behind what is torn')
})

t.test('a record ends the file when the file is too long or torn', async t => {
  const view = viewOf(statusOf(t, 16_000), recordOf('text'), 16_000, false, 0)
  t.equal(mustSeal(view, recordOf('x'.repeat(300)), LIMITS), false)
  t.equal(mustSeal(view, recordOf('x'.repeat(500)), LIMITS), true, 'it would be too long')
  t.equal(mustSeal(view, recordOf('x'.repeat(4000)), LIMITS), false, 'for its records')
  t.equal(mustSeal({ ...view, torn: true }, recordOf(''), LIMITS), true, 'bytes in it belong to no record')
})

t.test('a view says whether there is a session', async t => {
  const view = viewOf(statusOf(t, 100), recordOf('text'), 100, false, 0, 5000)
  const withTip = (more: object) => ({ ...view, tip: recordOf('', more) })
  t.strictSame([view, withTip({ seal: true }), withTip({ ended: true }), { ...view, tip: null }].map(isOpen), [true, false, false, false])
  t.strictSame([view, withTip({ seal: true }), withTip({ ended: true }), { ...view, tip: null }, null].map(wasAlive), [true, true, false, false, false])
  t.strictSame([5000, 14_999, 15_000].map(now => isWarm(view, now)), [true, true, false])
})
