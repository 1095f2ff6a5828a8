import { performance } from 'node:perf_hooks'
import t from 'tap'
import { InvalidationFeed } from '../../../lib/store/redis/invalidation-feed'
import { ReadCache } from '../../../lib/store/redis/read-cache'
import type { Listening } from '../../../lib/store/redis/redis-connection'
import type { Test } from '../../support/redis-server'
import { ScriptedRedis } from '../../support/scripted-redis'

/** Lets the event loop turn until this holds. */
async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 1))
}

/** A feed whose beats arrive, until `redis.answer` is changed. */
function startFeed (t: Test, redis: ScriptedRedis, maxStaleness = 0.05): { feed: InvalidationFeed, closed: Listening[] } {
  const closed: Listening[] = []
  const hear: Listening[] = []
  redis.answer = ([, channel = '', message]) => { hear.at(-1)?.heard(channel, message) }
  redis.listener = listening => {
    hear.push(listening)
    return { close () { closed.push(listening) } }
  }
  const feed = new InvalidationFeed(redis, 'p:', new ReadCache(1000), maxStaleness)
  t.teardown(() => { feed.stop() })
  feed.start(5000)
  return { feed, closed }
}

t.test('a listener that no beat reaches any more is made anew', async t => {
  const redis = new ScriptedRedis()
  const { feed, closed } = startFeed(t, redis)
  await until(() => feed.isFresh)
  const { answer } = redis
  const { length } = closed
  redis.answer = () => null
  await until(() => closed.length > length)
  t.notOk(feed.isFresh)
  redis.answer = answer
  await until(() => feed.isFresh)
})

t.test('no beat is sent while the client is not connected', async t => {
  const redis = new ScriptedRedis()
  const { feed } = startFeed(t, redis)
  await until(() => feed.isFresh)
  redis.ready = false
  const sent = redis.sent.length
  await until(() => !feed.isFresh)
  t.equal(redis.sent.length, sent)
  redis.ready = true
  await until(() => feed.isFresh)
})

t.test('beats that the server does not answer do not pile up', async t => {
  const redis = new ScriptedRedis()
  const { feed, closed } = startFeed(t, redis)
  await until(() => feed.isFresh)
  const sent = redis.sent.length
  const { length } = closed
  redis.answer = () => new Promise(() => {})
  await until(() => closed.length > length)
  t.ok(redis.sent.length - sent <= 6, `${redis.sent.length - sent} were sent`)
})

t.test('a listener that came too late is closed', async t => {
  for (const end of ['lost', 'stopped', 'failed'] as const) {
    const redis = new ScriptedRedis()
    const { feed, closed } = startFeed(t, redis, 60)
    feed.stop()
    let told = (_: Listening): void => {}
    const asked = new Promise<Listening>(resolve => { told = resolve })
    let open = (): void => {}
    const opening = new Promise<void>(resolve => { open = resolve })
    const late = { isClosed: false, close () { late.isClosed = true } }
    redis.listener = async listening => {
      told(listening)
      await opening
      if (end === 'failed') throw new Error('away')
      return late
    }
    const other = new InvalidationFeed(redis, 'p:', new ReadCache(1000), 60)
    other.start(5000)
    const listening = await asked
    other.start(5000)
    if (end === 'lost') listening.lost()
    if (end === 'stopped') other.stop()
    open()
    await new Promise(setImmediate)
    t.equal(late.isClosed, end !== 'failed', end)
    t.equal(closed.length, 1, 'the first was closed when its feed was stopped')
    t.notOk(other.isFresh)
    other.stop()
  }
})

t.test('a beat that was sent before the listener was made proves nothing', async t => {
  const redis = new ScriptedRedis()
  let listening: Listening | null = null
  redis.listener = given => {
    listening = given
    return { close () {} }
  }
  const feed = new InvalidationFeed(redis, 'p:', new ReadCache(1000), 60)
  const before = performance.now()
  feed.start(5000)
  t.teardown(() => { feed.stop() })
  await until(() => redis.sent.length > 0)
  const { channels, heard } = listening as unknown as Listening
  heard(channels[1] as string, String(before - 1))
  t.notOk(feed.isFresh)
  heard(channels[1] as string, redis.sent[0]?.[2])
  t.ok(feed.isFresh)
})

t.test('why the server does not tell of changes is said at the start, and it is asked again', async t => {
  const redis = new ScriptedRedis()
  let refusal: unknown = new Error('NOPERM this user has no permissions to run the command')
  redis.answer = ([, channel = '', message]) => { hear?.heard(channel, message) }
  let hear: Listening | undefined
  redis.listener = listening => {
    if (refusal !== null) throw refusal
    hear = listening
    return { close () {} }
  }
  const feed = new InvalidationFeed(redis, 'p:', new ReadCache(1000), 0.05)
  t.teardown(() => { feed.stop() })
  t.equal(await feed.start(5000), 'NOPERM this user has no permissions to run the command')
  feed.stop()
  refusal = 'a text'
  t.equal(await feed.start(5000), 'a text')
  refusal = null
  await until(() => feed.isFresh)
  t.equal(await feed.start(5000), null, 'it listens already')
})

t.test('a server that does not answer does not hold up the start', async t => {
  const redis = new ScriptedRedis()
  redis.listener = () => new Promise(() => {})
  const feed = new InvalidationFeed(redis, 'p:', new ReadCache(1000), 0.05)
  t.teardown(() => { feed.stop() })
  t.equal(await feed.start(1), null)
  t.equal(await feed.start(5000), null, 'nor does another one')
})
