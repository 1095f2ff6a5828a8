import t from 'tap'
import { connectionOf } from '../../../lib/store/redis/redis-client'
import type { Call } from '../../../lib/store/redis/call-batches'
import { ScriptRunner } from '../../../lib/store/redis/script-runner'
import { DONE, READ, REPLACE } from '../../../lib/store/redis/scripts'
import type { StoredSession } from '../../../lib/store/session-record'
import { RedisSessionStore } from '../../../redis'
import { clientsOf, type Connect, SINGLE } from '../../support/redis-clients'
import { RedisServer, redisIsMissing } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'
import { ScriptedRedis } from '../../support/scripted-redis'

const save = (key: string, text = ''): Call => ({ doing: 'save a session', script: REPLACE, key, parameters: `id-of-${key}`, text })
const read = (key: string): Call => ({ doing: 'read a session', script: READ, key, parameters: null, text: '' })

function runnerOf (redis: ScriptedRedis, timeout = 5): ScriptRunner {
  return new ScriptRunner(redis, timeout, undefined, '7 0')
}

/** Answers a command with an outcome for each of its keys. */
function done (command: string[]): unknown[] {
  return [4e12, ...Array<number>(Number(command[2])).fill(DONE)]
}

t.test('calls that begin in one turn are one command, in the order of the calls', async t => {
  const redis = new ScriptedRedis()
  redis.answer = ([, sha, count, ...rest]) => sha === READ.sha ? [4e12, ...rest.map(key => `of ${key}`)] : done(['', '', count as string])
  const runner = runnerOf(redis)
  const answers = await Promise.all([runner.run(read('a')), runner.run(save('b', 'text')), runner.run(read('c')), runner.run(save('d'))])
  t.strictSame(answers.map(({ reply }) => reply), ['of a', DONE, 'of c', DONE])
  t.match(redis.sent, [
    ['EVALSHA', READ.sha, '2', 'a', 'c', /^\d+$/],
    ['EVALSHA', REPLACE.sha, '2', 'b', 'd', /^\d+ 0\d+ 7 0$/, 'id-of-b', 'text', 'id-of-d', '']
  ])
  await runner.run(read('e'))
  t.equal(redis.sent.length, 3)
})

t.test('a command has no more than 16 calls, and no more text after 64 KiB', async t => {
  const redis = new ScriptedRedis()
  redis.answer = done
  const runner = runnerOf(redis)
  await Promise.all(Array.from({ length: 40 }, (_, index) => runner.run(save(String(index)))))
  t.strictSame(redis.sent.map(([, , count]) => count), ['16', '16', '8'])
  redis.sent.length = 0
  await Promise.all(Array.from({ length: 3 }, (_, index) => runner.run(save(String(index), 'x'.repeat(40_000)))))
  t.strictSame(redis.sent.map(([, , count]) => count), ['2', '1'])
})

t.test('a command has up to 64 reads while the sessions are small, and 16 after those that were not', async t => {
  const redis = new ScriptedRedis()
  let text: unknown = 'x'.repeat(1024)
  redis.answer = ([,, count]) => [4e12, ...Array<unknown>(Number(count)).fill(text)]
  const runner = runnerOf(redis)
  const counts = async (...calls: Call[]): Promise<number[]> => {
    redis.sent.length = 0
    await Promise.all(calls.map(call => runner.run(call)))
    return redis.sent.map(([, , count]) => Number(count))
  }
  const hundred = Array.from({ length: 100 }, (_, index) => read(String(index)))
  t.strictSame(await counts(...hundred.slice(0, 40)), [16, 16, 8], 'before one has been read')
  t.strictSame(await counts(...hundred), [64, 36])
  text = 'x'.repeat(2048)
  await counts(read('a'))
  t.strictSame(await counts(...hundred), [32, 32, 32, 4])
  text = Buffer.alloc(100_000)
  await counts(read('a'))
  t.strictSame(await counts(...hundred), [16, 16, 16, 16, 16, 16, 4])
  redis.answer = done
  t.strictSame(await counts(...Array.from({ length: 40 }, (_, index) => save(String(index)))), [16, 16, 8], 'of saves never more')
  t.strictSame(await counts(...hundred), [16, 16, 16, 16, 16, 16, 4], 'which tell nothing of reads')
  redis.answer = ([,, count]) => [4e12, ...Array<unknown>(Number(count)).fill(null)]
  await counts(read('a'))
  t.strictSame(await counts(...hundred), [64, 36], 'sessions that are not there')
})

t.test('where the connection does not join them, as in a cluster, each call is a command of its own', async t => {
  const redis = new ScriptedRedis()
  redis.joinsCalls = false
  redis.answer = done
  const runner = runnerOf(redis)
  await Promise.all([runner.run(save('a')), runner.run(save('b'))])
  t.strictSame(redis.sent.map(([, , , key]) => key), ['a', 'b'])
})

t.test('what fails is repeated alone, and each caller has an error of its own', async t => {
  const redis = new ScriptedRedis()
  let isLost = true
  redis.answer = command => {
    if (!isLost) return done(command)
    isLost = false
    throw new Error('Socket closed unexpectedly')
  }
  const runner = runnerOf(redis)
  await Promise.all([runner.run(save('a')), runner.run(save('b'))])
  t.match(redis.sent.map(([, , count, first, second]) => [count, first, second]), [['2', 'a', 'b'], ['1', 'a', /^\d+ 1/], ['1', 'b', /^\d+ 1/]],
    'as a call that may have been carried out')

  redis.answer = () => { throw new Error('OOM no memory') }
  const [first, second] = await Promise.all([save('a'), save('b')].map(call => runner.run(call).then(() => null, (error: unknown) => error)))
  t.match(first, { name: 'SessionStoreError', message: /OOM; / })
  t.match(second, { name: 'SessionStoreError', message: /OOM; / })
  t.not(first, second)
})

t.test('a server that is a cluster behind one address: what it refused is done alone, and calls are joined no more', async t => {
  const redis = new ScriptedRedis()
  redis.answer = command => {
    if (command[2] !== '1') throw new Error('CROSSSLOT Keys in request don\'t hash to the same slot')
    return done(command)
  }
  const runner = runnerOf(redis)
  t.match(await Promise.all([runner.run(save('a')), runner.run(save('b'))]), [{ reply: DONE }, { reply: DONE }])
  t.match(redis.sent.map(([, , count, key, parameter]) => [count, key, parameter]), [['2', 'a', 'b'], ['1', 'a', /^\d+ 1/], ['1', 'b', /^\d+ 1/]])
  redis.sent.length = 0
  await Promise.all([runner.run(save('c')), runner.run(save('d'))])
  t.strictSame(redis.sent.map(([, , count]) => count), ['1', '1'])
})

t.test('one call whose keys are in different slots fails, and others are joined', async t => {
  const redis = new ScriptedRedis()
  redis.answer = () => { throw new Error('CROSSSLOT Keys in request don\'t hash to the same slot') }
  const runner = runnerOf(redis)
  await t.rejects(runner.run(save('a')), { message: /CROSSSLOT; / })
  redis.answer = done
  redis.sent.length = 0
  await Promise.all([runner.run(save('c')), runner.run(save('d'))])
  t.strictSame(redis.sent.map(([, , count]) => count), ['2'])
})

t.test('5,000 calls of one turn, and two of one session in their order', async t => {
  const redis = new ScriptedRedis()
  redis.answer = done
  const runner = runnerOf(redis)
  const answers = await Promise.all(Array.from({ length: 5000 }, (_, index) => runner.run(save(String(index)))))
  t.equal(answers.length, 5000)
  t.equal(redis.sent.length, Math.ceil(5000 / 16))
  redis.sent.length = 0
  await Promise.all([runner.run(save('one', 'x'.repeat(1024 * 1024))), runner.run(save('small')), runner.run(save('one'))])
  t.strictSame(redis.sent.map(command => command.slice(3, 3 + Number(command[2]))), [['one'], ['small', 'one']], 'a long text goes at once, alone')
})

t.test('one of them is refused, and the others are done', async t => {
  const redis = new ScriptedRedis()
  redis.answer = () => [4e12, DONE, '-WRONGTYPE the key holds something else', DONE]
  const runner = runnerOf(redis)
  const results = await Promise.allSettled([runner.run(save('a')), runner.run(save('b')), runner.run(save('c'))])
  t.strictSame(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
  t.match(results[1], { reason: { message: /WRONGTYPE; .*prefix/ } })
})

t.test('the connection is lost before the turn ends: nothing is sent that would wait in the client', async t => {
  const redis = new ScriptedRedis()
  redis.answer = done
  const runner = runnerOf(redis)
  const saving = runner.run(save('a'))
  redis.ready = false
  await new Promise(setImmediate)
  t.equal(redis.sent.length, 0)
  redis.ready = true
  t.match(await saving, { reply: DONE })
})

t.test('connections that join calls', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  for (const [client, connect] of clientsOf(SINGLE)) {
    t.equal(connectionOf(await connect(t, server.port)).joinsCalls, !client.startsWith('redis 5'), client)
  }
})

for (const client of ['redis 6', 'ioredis 6', 'valkey-glide']) {
  t.test(`a key of another program among the sessions of a command harms no other, with ${client}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const look = await RedisSessions.connect(t, server)
    const store = new RedisSessionStore({ client: await (SINGLE[client] as Connect)(t, server.port) })
    await store.open()
    const names = await Promise.all(Array.from({ length: 5 }, async () => store.nameOf(await store.newSession()))) as [string, string, string, string, string]
    const sessions = await Promise.all(names.map(name => store.read(name))) as [StoredSession, StoredSession, StoredSession, StoredSession, StoredSession]
    await look.client.sendCommand(['SET', `file-sessions:sid:{${names[0]}}`, 'another program'])
    await look.spoil(`file-sessions:sid:{${names[2]}}`)
    const statuses = async (calls: Array<Promise<unknown>>): Promise<string[]> => (await Promise.allSettled(calls)).map(({ status }) => status)
    const one = ['rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']
    t.strictSame(await statuses(names.map(name => store.read(name))), one)
    t.strictSame(await statuses(names.map((name, index) => store.replace(name, { text: `new ${index}` }, (sessions[index] as StoredSession).version))), one)
    t.match(await Promise.all([1, 3, 4].map(index => store.read(names[index] as string))), [{ text: 'new 1' }, { text: 'new 3' }, { text: 'new 4' }])
    t.strictSame(await statuses(names.map(name => store.touch(name))), one)
    t.strictSame(await statuses(names.map(name => store.remove(name))), one)
    t.strictSame(await Promise.all([1, 3, 4].map(index => store.read(names[index] as string))), [null, null, null])
  })
}
