import { performance } from 'node:perf_hooks'
import t from 'tap'
import { ReadCache } from '../../../lib/store/redis/read-cache'
import type { StoredValue } from '../../../lib/store/redis/stored-value'

const value: StoredValue = { text: 'text', idleTimeout: 0, createdAt: 1, lastAccess: 1, version: 'v', now: 2, idleLeft: 60_000 }

t.test('an answer that a change overtook is not taken in', async t => {
  for (const change of ['drop', 'clear', 'none'] as const) {
    const cache = new ReadCache(10_000)
    let answer = (_: StoredValue): void => {}
    const first = cache.through('a', () => new Promise(resolve => { answer = resolve }))
    const second = cache.through('a', async () => await first)
    if (change === 'drop') cache.drop('a')
    if (change === 'clear') cache.clear()
    answer(value)
    t.equal(await first, value)
    t.equal(await second, value)
    t.match(cache.get('a'), change === 'none' ? { text: 'text' } : undefined, change)
    await cache.through('a', async () => value)
    t.match(cache.get('a'), { text: 'text' }, 'a read that begins later is')
  }
})

t.test('what is not there, has ended or is too much is not kept', async t => {
  const cache = new ReadCache(2000)
  await cache.through('none', async () => null)
  t.equal(cache.get('none'), undefined)
  await cache.through('ended', async () => ({ ...value, idleLeft: 0 }))
  t.equal(cache.get('ended'), undefined)
  // Whole, so that sums are exact.
  const clock = Math.floor(performance.now())
  const goOn = t.capture(performance, 'now', () => now)
  let now = clock
  await cache.through('ends', async () => ({ ...value, now: 5, idleLeft: 100 }))
  now = clock + 99
  t.match(cache.get('ends'), { now: 104, idleLeft: 1 })
  now = clock + 100
  t.equal(cache.get('ends'), undefined, 'it has ended in the cache')
  goOn.restore()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await cache.through(name, async () => value)
  t.equal(cache.get('a'), undefined)
  t.match(cache.get('e'), { text: 'text' })
  await t.rejects(cache.through('e', async () => { throw new Error('away') }), /away/)
})
