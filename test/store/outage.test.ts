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

t.test('a call whose caller must know waits for the attempt that is under way', async t => {
  const refusal = (): Error => new Error('refused')
  for (const isUp of [true, false]) {
    const outage = new Outage<string>()
    outage.begin('no answer')
    let finish = (): void => {}
    const first = outage.try(() => new Promise<string>(resolve => { finish = () => { resolve('first') } }), refusal)
    const attempts: string[] = []
    const patient = ['a', 'b'].map(async name => await outage.try(async () => {
      attempts.push(name)
      await new Promise(setImmediate)
      return name
    }, refusal, true))
    await new Promise(setImmediate)
    t.strictSame(attempts, [])
    if (isUp) outage.end()
    finish()
    t.equal(await first, 'first')
    const settled = (await Promise.allSettled(patient)).map(({ status }) => status)
    t.strictSame(settled, isUp ? ['fulfilled', 'fulfilled'] : ['fulfilled', 'rejected'], 'while the server is down, one tries after the other')
  }
  const outage = new Outage<string>()
  outage.begin('no answer')
  const failing = outage.try(async () => { throw new Error('again') }, refusal)
  const next = outage.try(async () => 'next', refusal, true)
  await t.rejects(failing, { message: 'again' })
  t.equal(await next, 'next')
})
