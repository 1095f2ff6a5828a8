import t from 'tap'
import { Outage } from '../../lib/store/outage'

t.test('one call at a time tries on, and the others fail at once', async t => {
  const outage = new Outage<string>()
  t.equal(outage.cause, null)
  outage.begin('no answer')
  t.equal(outage.cause, 'no answer')
  let finish = (): void => {}
  const refusal = (): Error => new Error(`refused: ${outage.cause}`)
  const trial = outage.try(() => new Promise<string>(resolve => { finish = () => { resolve('answer') } }), refusal)
  await t.rejects(outage.try(async () => { t.fail('a second call tries') }, refusal), { message: 'refused: no answer' })
  finish()
  t.equal(await trial, 'answer')
  await t.rejects(outage.try(async () => { throw new Error('again') }, refusal), { message: 'again' })
  t.equal(await outage.try(async () => 'next', refusal), 'next', 'after one that failed comes the next')
  outage.end()
  t.equal(outage.cause, null)
})
