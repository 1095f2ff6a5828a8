import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { mock } from 'node:test'
import t from 'tap'
import { Turn } from '../../lib/plugin/turn'

t.test('answers go out when the turn ends, in their order', async t => {
  const turn = new Turn(() => 0)
  const given: string[] = []
  turn.atEnd(() => { given.push('first') })
  turn.atEnd(() => { given.push('second') })
  turn.goOn()
  await Promise.resolve()
  t.strictSame(given, [])
  await nextTurn()
  t.strictSame(given, ['first', 'second'])
  turn.atEnd(() => { given.push('of the next turn') })
  await nextTurn()
  t.equal(given.at(-1), 'of the next turn')
})

t.test('none waits for more than a millisecond and the work of that moment', async t => {
  let now = 1000
  const turn = new Turn(() => now)
  const given: string[] = []
  turn.goOn()
  turn.atEnd(() => { given.push('first') })
  now += 0.9
  turn.goOn()
  turn.atEnd(() => { given.push('second') })
  t.strictSame(given, [])
  now += 0.1
  turn.goOn()
  t.strictSame(given, ['first', 'second'])
  turn.atEnd(() => { given.push('third') })
  now += 5
  turn.atEnd(() => { given.push('fourth') })
  t.strictSame(given, ['first', 'second', 'third', 'fourth'], 'or for the next one')
  await nextTurn()
  t.equal(given.length, 4)
})

t.test('each is given in the context that it comes from', async t => {
  const context = new AsyncLocalStorage<number>()
  const turn = new Turn(() => 0)
  const contexts: unknown[] = []
  for (const number of [1, 2, 3]) {
    context.run(number, () => { turn.atEnd(() => { contexts.push(context.getStore()) }) })
  }
  await nextTurn()
  t.strictSame(contexts, [1, 2, 3])
})

t.test('an app under test may have clocks of its own', async t => {
  mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'Date'] })
  t.teardown(() => { mock.timers.reset() })
  const answer = new Promise<string>(resolve => { new Turn().atEnd(() => { resolve('given') }) })
  t.equal(await answer, 'given')
})

t.test('an answer that fails keeps no other visitor waiting, and is the error of the process', async t => {
  const turn = new Turn(() => 0)
  const given: string[] = []
  const caught = new Promise(resolve => { process.once('uncaughtException', resolve) })
  turn.atEnd(() => { throw new Error('a fault') })
  turn.atEnd(() => { given.push('second') })
  t.match(await caught, { message: 'a fault' })
  t.strictSame(given, ['second'])
})
