import { join } from 'node:path'
import t from 'tap'
import { processorWait } from '../../../lib/store/files/processor-wait'

t.test('the time for which a thread waited for a processor is the second figure', t => {
  const dir = t.testdir({ schedstat: '2500000000 1500000 42\n' })
  t.equal(processorWait(join(dir, 'schedstat')), 1.5)
  t.equal(processorWait(join(dir, 'missing')), 0, 'a system that does not tell')
  const before = processorWait()
  t.ok(before >= 0)
  t.ok(processorWait() >= before)
  t.end()
})
