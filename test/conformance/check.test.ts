import t from 'tap'
import type { Bench } from '../../lib/conformance/bench'
import { checks } from '../../lib/conformance/check'

t.test('each sentence becomes a check that needs what all need, and more if it says so', async t => {
  const ran: unknown[] = []
  const bench = { place: 'of the check' } as Bench
  const run = async (bench: Bench): Promise<void> => { ran.push(bench) }
  const list = checks(['records'], { one: run, 'another sentence': { needs: ['age', 'dump'], run } })
  t.strictSame(list.map(({ name, needs }) => [name, needs]), [['one', ['records']], ['another sentence', ['records', 'age', 'dump']]])
  for (const check of list) await check.run(bench)
  t.strictSame(ran, [bench, bench])
  t.strictSame(checks([], {}), [])
})

t.test('a check rejects with what its run rejects with', async t => {
  const [check] = checks([], { async 'a promise that is not kept' () { throw new TypeError('not kept') } })
  await t.rejects(check?.run({} as Bench) as Promise<void>, new TypeError('not kept'))
})
