import { once } from 'node:events'
import t from 'tap'
import type { Call } from '../../../lib/store/redis/call-batches'
import { ScriptRunner } from '../../../lib/store/redis/script-runner'
import { DONE, READ, REPLACE } from '../../../lib/store/redis/scripts'
import { numbered } from '../../support/numbered'
import { ScriptedRedis } from '../../support/scripted-redis'

const save: Call = { doing: 'save a session', script: REPLACE, key: 'mine', parameters: 'id 0 - -', text: '' }
const read = (key: string): Call => ({ doing: 'read a session', script: READ, key, parameters: null, text: '' })
const MIXED = /in Redis: the client hands out answers to other commands.*restart the app, and update the client library/

/** Answers a read with its key, and a save with its outcome. */
function truly ([, sha, , key]: string[]): unknown[] {
  return [4e12, sha === READ.sha ? key : DONE]
}

function scripted (timeout = 5, joinsCalls = false): { redis: ScriptedRedis, runner: ScriptRunner } {
  const redis = new ScriptedRedis()
  redis.answer = truly
  redis.joinsCalls = joinsCalls
  return { redis, runner: new ScriptRunner(redis, timeout, undefined, '7 0') }
}

t.test('a client that hands out the answers of others: none is used, the calls fail, and one warning says what to do', async t => {
  const { redis, runner } = scripted(0.3)
  const warnings: Array<Error & { code?: string }> = []
  const warned = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  redis.loseCount()
  const results = await Promise.allSettled([...['a', 'b', 'c', 'd'].map(key => runner.run(read(key))), runner.run(save)])
  t.strictSame(results.map(({ status }) => status), Array(5).fill('rejected'))
  for (const result of results.slice(0, 4)) t.match(result, { reason: { name: 'SessionStoreError', message: MIXED } })
  t.match(results[4], { reason: { name: 'SessionStoreError', message: /restart the app.*It is not known whether the server did it/ } })
  await new Promise(setImmediate)
  t.match(warnings, [{ code: 'SESSION_STORE', message: /^fastify-file-sessions: the client of a test handed out an answer to another command.*restart the app/ }])
  t.equal(warnings.length, 1)
  await t.rejects(runner.run(read('a')), { message: MIXED }, 'while it goes on')
  redis.count()
  t.match(await runner.run(read('a')), { reply: 'a' }, 'a client that connects anew is used again')
  redis.answer = () => { throw new Error('OOM no memory') }
  await t.rejects(runner.run(save), { message: /OOM; / }, 'and its errors count as what they are')
})

t.test('calls of one command, too', async t => {
  const { redis, runner } = scripted(0.3, true)
  redis.answer = ([, , count, ...rest]) => [4e12, ...rest.slice(0, Number(count))]
  redis.loseCount()
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => runner.run(read(String(index)))))
  for (const result of results) t.match(result, { reason: { message: MIXED } })
})

t.test('a call alone hangs, because its answer goes to the one before: from the second on the error says why', async t => {
  const { redis, runner } = scripted(0.2)
  redis.loseCount()
  const warned = once(process, 'warning')
  await t.rejects(runner.run(read('a')), { message: /did not answer in time/ })
  await t.rejects(runner.run(read('b')), { message: MIXED })
  t.match(await warned, [{ code: 'SESSION_STORE' }])
})

t.test('a call whose answer was mixed up is repeated as one that may have been carried out', async t => {
  const { redis, runner } = scripted()
  const answers: unknown[] = ['PONG', 1, null]
  redis.answer = command => answers.length === 0 ? truly(command) : answers.shift()
  t.match(await runner.run(save), { reply: DONE })
  t.strictSame(redis.sent.map(command => command[4]?.split(' ')[1]?.[0]), ['0', '1', '1', '1'])
  t.equal(new Set(redis.sent.map(command => command[4]?.split(' ')[0])).size, 4, 'each attempt has a number of its own')
})

t.test('an error of another command does not say what became of this one', async t => {
  const { redis, runner } = scripted()
  const answers = [() => 'PONG', () => { throw new Error('OOM no memory') }, () => { throw new Error('NOSCRIPT') }]
  redis.answer = command => answers.shift()?.() ?? truly(command)
  t.match(await runner.run(save), { reply: DONE })
  t.strictSame(redis.sent.map(([verb]) => verb), ['EVALSHA', 'EVALSHA', 'EVALSHA', 'EVAL'])
})

t.test('the answer to WAIT in place of that to the script', async t => {
  const redis = new ScriptedRedis()
  const answers: unknown[] = [1]
  const waiting = Object.assign(redis, {
    async runAndWait (_key: string, command: string[]): Promise<[unknown, unknown]> {
      redis.sent.push(command)
      return [answers.shift() ?? numbered(command, [4e12, DONE]), 2]
    }
  })
  t.match(await new ScriptRunner(waiting, 5, { count: 1, timeout: 1 }, '7 0').run(save), { reply: DONE, replicas: 2 })
  t.equal(redis.sent.length, 2)
  waiting.runAndWait = () => new Promise(() => {})
  await t.rejects(new ScriptRunner(waiting, 0.1, { count: 1, timeout: 0.1 }, '7 0').run(save), { message: /did not answer in time/ })
})
