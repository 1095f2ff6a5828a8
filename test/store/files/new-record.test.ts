import t from 'tap'
import { newRecord } from '../../../lib/store/files/new-record'

const NOW = 1_700_000_000_000
const SETTING = { createdAt: NOW - 5000, now: NOW, maxSize: 100 }

t.test('a record has what its session says, and an id of its own', async t => {
  const { id, ...record } = newRecord({ text: 'text', idleTimeout: 60.2, createdAt: NOW - 9.5 }, SETTING)
  t.strictSame(record, { text: 'text', idleTimeout: 61, createdAt: NOW - 10, seal: false, ended: false, patches: 0 })
  t.not(newRecord({ text: 'text' }, SETTING).id, id)
  t.match(newRecord({ text: '' }, SETTING), { idleTimeout: 0, createdAt: NOW - 5000 }, 'what it does not say is as before')
})

t.test('no session is from the future, and a moment has room in a record', async t => {
  const createdAt = (given: number, now = NOW): number => newRecord({ text: '', createdAt: given }, { ...SETTING, now }).createdAt
  t.equal(createdAt(NOW + 1), NOW)
  t.equal(createdAt(-1), 0)
  t.equal(createdAt(Infinity, Infinity), 2 ** 48 - 1)
  t.equal(newRecord({ text: '' }, { ...SETTING, createdAt: NOW + 5000 }).createdAt, NOW, 'whatever the clock said when it was made')
})

t.test('what cannot be stored is refused', async t => {
  t.throws(() => newRecord({ text: 'x'.repeat(101) }, SETTING), { code: 'SESSION_TOO_BIG' })
  t.throws(() => newRecord({ text: 7 as never }, SETTING), { code: 'SESSION_OPTION' })
  t.throws(() => newRecord({ text: '', idleTimeout: 0 }, SETTING), { code: 'SESSION_OPTION' })
})
