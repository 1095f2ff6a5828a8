import t from 'tap'
import { failureOf } from '../../../lib/store/redis/failures'

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
