import t from 'tap'
import { Deadlines, NoAnswer } from '../../lib/store/deadlines'

t.test('a clock of the host that is set makes no difference to a deadline', async t => {
  const deadlines = new Deadlines()
  const { now } = Date
  t.teardown(() => { Date.now = now })
  const late = deadlines.watch(new Promise(() => {}), 100)
  const answer = deadlines.watch(new Promise(resolve => { late.catch(() => { resolve('answer') }) }), 60_000)
  Date.now = () => now() - 3_600_000
  t.ok(await late.catch((error: unknown) => error instanceof NoAnswer))
  Date.now = () => now() + 3_600_000
  t.equal(await answer, 'answer')
})

t.test('a caller that throws, or is refused, is told so at once', async t => {
  const deadlines = new Deadlines()
  await t.rejects(deadlines.limited(() => { throw new TypeError('no method') }, Infinity), { message: 'no method' })
  await t.rejects(deadlines.limited((_resolve, reject) => { reject(new Error('refused')) }, Infinity), { message: 'refused' })
  await t.rejects(deadlines.watch(Promise.reject(new Error('lost')), Infinity), { message: 'lost' })
  t.equal(await deadlines.limited(resolve => { resolve('answer') }, Infinity), 'answer')
})
