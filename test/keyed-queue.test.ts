import t from 'tap'
import { KeyedQueue } from '../lib/keyed-queue'

/** A task that runs until it is told how to end. */
function task (log: string[], name: string): { run: () => Promise<string>, resolve: () => void, reject: (error: Error) => void } {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const ended = new Promise<void>((_resolve, _reject) => {
    resolve = _resolve
    reject = _reject
  })
  const run = async (): Promise<string> => {
    log.push(`${name} starts`)
    await ended
    log.push(`${name} ends`)
    return name
  }
  return { run, resolve, reject }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('tasks with one key run one after the other, in the order in which they came', async t => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const [a, b, c] = [task(log, 'a'), task(log, 'b'), task(log, 'c')]
  const answers = [queue.run('key', a.run), queue.run('key', b.run), queue.run('key', c.run)]
  c.resolve()
  b.resolve()
  await settled()
  t.same(log, ['a starts'], 'the first at once, the others not yet')
  a.resolve()
  t.same(await Promise.all(answers), ['a', 'b', 'c'])
  t.same(log, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
})

t.test('tasks with different keys do not wait for each other', async t => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const [a, b] = [task(log, 'a'), task(log, 'b')]
  const first = queue.run('one', a.run)
  const second = queue.run('two', b.run)
  b.resolve()
  t.equal(await second, 'b')
  t.same(log, ['a starts', 'b starts', 'b ends'])
  a.resolve()
  t.equal(await first, 'a')
})

t.test('keys are compared by identity', async t => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const [a, b] = [task(log, 'a'), task(log, 'b')]
  const first = queue.run({}, a.run)
  b.resolve()
  t.equal(await queue.run({}, b.run), 'b', 'another object, another queue')
  a.resolve()
  await first
})

t.test('a task that fails says so to its caller alone, and the next one runs', async t => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const [a, b] = [task(log, 'a'), task(log, 'b')]
  const first = queue.run('key', a.run)
  const second = queue.run('key', b.run)
  a.reject(new Error('no'))
  b.resolve()
  await t.rejects(first, { message: 'no' })
  t.equal(await second, 'b')
  t.same(log, ['a starts', 'b starts', 'b ends'])
})

t.test('a task that comes while the last one ends still waits for it', async t => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const [a, b, c] = [task(log, 'a'), task(log, 'b'), task(log, 'c')]
  for (const each of [a, b, c]) each.resolve()
  const first = queue.run('key', a.run)
  const later = first.then(() => [queue.run('key', b.run), queue.run('key', c.run)])
  await Promise.all(await later)
  t.same(log, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
})

t.test('a queue that has run empty starts the next task at once', async t => {
  const queue = new KeyedQueue()
  await queue.run('key', async () => {})
  await settled()
  let started = false
  const running = queue.run('key', async () => { started = true })
  t.equal(started, true, 'nothing is kept of tasks that are done')
  await running
})
