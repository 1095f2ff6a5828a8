import t from 'tap'
import { Stints } from '../../lib/store/stints'

t.test('work pauses for as long as it took, once it has taken a while', async t => {
  let now = 1000
  t.intercept(performance, 'now', { value: () => now })
  const pauses: number[] = []
  const stints = new Stints(async milliseconds => {
    pauses.push(milliseconds)
    now += milliseconds
  })
  const work = async (milliseconds: number): Promise<void> => {
    now += milliseconds
    await stints.goOn()
  }
  await work(3)
  await work(1.5)
  t.strictSame(pauses, [], 'a short step does not')
  await work(3)
  t.strictSame(pauses, [7.5])
  await work(4)
  t.strictSame(pauses, [7.5], 'the pause itself is not work')
  await work(20)
  t.strictSame(pauses, [7.5, 24])
})
