import { join } from 'node:path'
import t from 'tap'
import { processorWait } from '../../../lib/store/files/processor-wait'

t.test('the time for which a thread waited for a processor is the second figure', t => {
  const dir = t.testdir({ schedstat: '2500000000 1500000 42\n' })
  t.equal(processorWait(join(dir, 'missing')), 0, 'nothing was told yet')
  t.equal(processorWait(join(dir, 'schedstat')), 1.5)
  const before = processorWait()
  t.ok(before >= 0)
  t.ok(processorWait() >= before)
  t.end()
})

t.test('a system that does not tell it, or no more, is not told that it fell', t => {
  const dir = t.testdir({ schedstat: '2500000000 98765432100000000 42\n', less: '1 2 3\n', other: 'not available\n', empty: '' })
  const told = processorWait(join(dir, 'schedstat'))
  t.equal(told, 98765432100)
  for (const name of ['missing', 'less', 'other', 'empty']) t.equal(processorWait(join(dir, name)), told, name)
  t.end()
})
