import t from 'tap'
import type { Call } from '../../../lib/store/redis/call-batches'
import { ScriptRunner } from '../../../lib/store/redis/script-runner'
import { DONE, REPLACE } from '../../../lib/store/redis/scripts'
import { numbered } from '../../support/numbered'
import { ScriptedRedis } from '../../support/scripted-redis'

const call: Call = { doing: 'save a session', script: REPLACE, key: 'key', parameters: 'rest', text: '' }

function deadlineOf (command: string[] | undefined): number {
  return Number(/^\d+ \d(\d+) 7 0$/.exec(command?.[4] ?? '')?.[1])
}

/** Returns how a command says whether its calls are repeated ones. */
function isRepeated (parameter: string | undefined): string | undefined {
  return parameter?.split(' ')[1]?.[0]
}

t.test('a call bears the time of the server from which it must do nothing', async t => {
  const redis = new ScriptedRedis()
  const runner = new ScriptRunner(redis, 5, undefined, '7 0')
  let clock = 1_000_000
  redis.answer = command => clock < deadlineOf(command) ? [clock, DONE] : [clock]
  t.strictSame(await runner.run(call), { reply: DONE, now: clock, replicas: undefined })
  t.strictSame(redis.sent.map(deadlineOf).map(deadline => deadline > clock && deadline <= clock + 5000), [false, true],
    'a server whose clock is not known says it first')
  clock += 3_600_000
  await runner.run(call)
  t.equal(redis.sent.length, 4, 'a clock that was put forward costs one more attempt')
  t.match(redis.sent.map(([verb]) => verb), ['EVALSHA', 'EVALSHA', 'EVALSHA', 'EVALSHA'])
  clock -= 3_600_000
  await runner.run(call)
  await runner.run(call)
  t.equal(redis.sent.length, 6)
  t.ok(deadlineOf(redis.sent[5]) <= clock + 5000, 'and one that was put back is known from the next answer on')
})

t.test('numbers that a client returns as text', async t => {
  const redis = new ScriptedRedis()
  redis.answer = () => [String(4e12), String(DONE)]
  t.match(await new ScriptRunner(redis, 5, undefined, '7 0').run(call), { reply: String(DONE), now: 4e12 })
})

t.test('a server that always says that it is too late', async t => {
  const redis = new ScriptedRedis()
  redis.answer = () => [1000]
  await t.rejects(new ScriptRunner(redis, 0.2, undefined, '7 0').run(call), { name: 'SessionStoreError', message: /in Redis: the server did not answer in time/ })
})

t.test('every attempt that fails is followed by another, until the server answers', async t => {
  const redis = new ScriptedRedis()
  const answers = ['NOSCRIPT', 'LOADING', 'Socket closed', 'NOSCRIPT']
  redis.answer = () => {
    const answer = answers.shift()
    if (answer !== undefined) throw new Error(answer)
    return [4e12, DONE]
  }
  t.match(await new ScriptRunner(redis, 5, undefined, '7 0').run(call), { reply: DONE })
  t.strictSame(redis.sent.map(([verb, , , , parameter]) => `${verb} ${isRepeated(parameter)}`),
    ['EVALSHA 0', 'EVAL 0', 'EVALSHA 0', 'EVALSHA 1', 'EVAL 1'], 'what may be done is repeated as such')
})

t.test('an error of WAIT is not taken for one of the script before it', async t => {
  const redis = new ScriptedRedis()
  const waiting = (...errors: string[]): ScriptRunner => new ScriptRunner(Object.assign(redis, {
    async runAndWait (_key: string, command: string[]): Promise<[unknown, unknown]> {
      redis.sent.push(command)
      const error = errors.shift()
      if (error !== undefined) throw new Error(error)
      return [numbered(command, [4e12, DONE]), 1]
    }
  }), 5, { count: 1, timeout: 1 }, '7 0')
  t.match(await waiting('UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)').run(call), { reply: DONE, replicas: 1 })
  t.strictSame(redis.sent.map(([, , , , parameter]) => isRepeated(parameter)), ['0', '1'], 'it is repeated as one that may be done')
  await t.rejects(waiting('NOPERM this user has no permissions to run the \'wait\' command').run(call), { message: /NOPERM; .*not known whether the server did it/ })
  await t.rejects(waiting('OOM command not allowed').run(call), { message: /raise maxmemory, and keep maxmemory-policy noeviction$/ })
})
