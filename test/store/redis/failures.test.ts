import { inspect } from 'node:util'
import t from 'tap'
import { NoAnswer } from '../../../lib/store/deadlines'
import { failureBesideWait, failureOf, storeError, TooLate } from '../../../lib/store/redis/failures'

t.test('what a command in a script was refused with is understood from servers before Redis 7', async t => {
  const start = 'ERR Error running script (call to f_ec6e2e9a05be67bd0d0abd8e6f0a1ab0bb34d4bf): @user_script:77: '
  for (const [error, code, passes] of [
    [`${start}@user_script: 77: -READONLY You can't write against a read only replica.`, 'READONLY', true],
    [`${start}@user_script: 77: -NOREPLICAS Not enough good replicas to write.`, 'NOREPLICAS', true],
    [`${start}@user_script: 77: -OOM command not allowed when used memory > 'maxmemory'.`, 'OOM', false],
    [`${start}WRONGTYPE Operation against a key holding the wrong kind of value`, 'WRONGTYPE', false],
    [`${start}attempt to index a nil value`, 'ERR', false]
  ] as const) {
    t.match(failureOf(new Error(error)), { code, passes, outcome: 'refused' })
  }
})

t.test('what a user may not do in a script has the advice on rights, in the words of each version', async t => {
  const words = ["The user executing the script can't run this command or subcommand", 'ACL failure in script: User app has no permissions to run the \'get\' command']
  for (const said of words) {
    for (const message of [`ERR ${said} script: c28f, on @user_script:1.`, `ERR ${said}`, `ERR Error running script (call to f_ec6e): @user_script:77: @user_script: 77: ${said}`]) {
      t.match(failureOf(new Error(message)), { code: 'NOPERM', passes: false, outcome: 'refused', advice: /what the scripts use/ }, message)
    }
  }
})

const name = 'a'.repeat(64)

t.test('what the error of a client means', async t => {
  const meanings: Array<[error: unknown, meaning: object]> = [
    [new Error('OOM command not allowed'), { code: 'OOM', outcome: 'refused', passes: false }],
    [new Error('SOMETHING new'), { code: 'ERR', outcome: 'refused', passes: false }],
    [new Error('The client is closed'), { code: 'LOST', outcome: 'refused', passes: true }],
    [new Error('read ECONNRESET'), { code: 'LOST', outcome: 'unknown', passes: true, cause: { code: 'LOST' } }],
    [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), { code: 'LOST', outcome: 'unknown', cause: { code: 'ECONNRESET' } }],
    [Object.assign(new Error('reset'), { code: 7 }), { code: 'LOST', cause: { code: 'LOST' } }],
    [new TypeError('client.call is not a function'), { code: 'CLIENT', outcome: 'unknown', passes: false, cause: { name: 'TypeError' } }],
    ['the client rejects with a text', { code: 'LOST', cause: { name: 'Error', message: 'the client rejects with a text' } }],
    [null, { code: 'LOST', outcome: 'unknown' }]
  ]
  for (const [error, meaning] of meanings) t.match(failureOf(error), meaning, String(error))
})

t.test('an error that may be that of WAIT does not say that nothing was stored', async t => {
  for (const message of ['UNBLOCKED force unblock', 'NOPERM no permissions to run the \'wait\' command', 'ERR WAIT cannot be used', 'BUSY Redis is busy', 'MASTERDOWN Link']) {
    t.match(failureBesideWait(new Error(message)), { outcome: 'unknown' }, message)
  }
  for (const error of [new Error('OOM command not allowed'), new Error('READONLY You'), new TooLate()]) {
    t.match(failureBesideWait(error), { outcome: 'refused' }, String(error))
  }
  t.match(failureBesideWait(new Error('read ECONNRESET')), { outcome: 'unknown', code: 'LOST' })
})

t.test('a message for people holds no code of this package', async t => {
  for (const error of [new NoAnswer(), new TooLate(), new Error('NOSCRIPT No matching script'), new Error('read ECONNRESET'), new TypeError('no'), new Error('SOMETHING new')]) {
    const { message } = storeError('read a session', failureOf(error), false)
    t.notMatch(message, /\b(?:LOST|TIMEOUT|LATE|CLIENT|NOSCRIPT|ERR)\b/, message)
  }
})

t.test('an error for the caller holds neither the command nor a name', async t => {
  const error = Object.assign(new Error(`ERR unknown command, with args beginning with: ${name} data`), { command: { args: [name, 'data'] } })
  const shown = inspect(storeError('save a session', failureOf(error), true), { depth: 10 })
  t.match(shown, /cannot save a session in Redis: the server must be Redis 6\.2 .*not known whether/)
  t.notMatch(shown, /a{64}|data\b(?!base)/)
  t.match(failureOf(new Error(`WRONGTYPE ${name}`)).cause.message, /^WRONGTYPE …$/)
})
