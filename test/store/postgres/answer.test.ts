import t from 'tap'
import { clockOf, isStored, outcomeOf, STANDBY } from '../../../lib/store/postgres/answer'

const [ID, OTHER] = ['abcdefghijklmnop', 'ABCDEFGHIJKLMNOP']

t.test('the first word is what the clock of the server showed', async t => {
  t.equal(clockOf({ about: '1700000000000.25' }), 1_700_000_000_000.25)
  t.equal(clockOf({ about: '1700000000000.25 live 1' }), 1_700_000_000_000.25)
})

t.test('the answer of a standby is an error, as the one that the server itself gives', async t => {
  for (const about of [STANDBY, `${STANDBY} version 1 2`]) t.throws(() => clockOf({ about }), { message: 'the server is a standby', code: '25006' })
})

t.test('the other words are what has become of the row', async t => {
  const undamaged = { isDamaged: false, recent: '' }
  t.strictSame(outcomeOf([{ about: '1000 done' }]), { ...undamaged, status: 'done', isWritable: false, version: '' })
  t.strictSame(outcomeOf([{ about: `1000 live 1 ${ID} ${OTHER.slice(0, 8)}` }]), { ...undamaged, status: 'live', isWritable: true, version: ID, recent: OTHER.slice(0, 8) })
  t.strictSame(outcomeOf([{ about: `1000 ended 0 ${ID}` }]), { ...undamaged, status: 'ended', isWritable: false, version: ID })
  t.strictSame(outcomeOf([{ about: '1000 none 0' }]), { ...undamaged, status: 'none', isWritable: false, version: '' })
  for (const version of ['', 'not one of ours', ID + ID]) t.match(outcomeOf([{ about: `1000 live 1 ${version}` }]), { isDamaged: true, version: '' })
})

t.test('a record was stored now, or is remembered by the row', async t => {
  const stored = (about: string): boolean => isStored(outcomeOf([{ about }]), ID)
  t.ok(stored('1000 done'))
  t.ok(stored(`1000 live 1 ${ID}`))
  t.ok(stored(`1000 ended 0 ${OTHER} ${ID.slice(0, 8)}`))
  t.notOk(stored(`1000 live 1 ${OTHER} 12345678`))
  t.notOk(stored('1000 none 0'))
})
