import t from 'tap'
import { SessionStoreError } from '../../../lib/errors'
import { LeftKeys } from '../../../lib/store/redis/left-keys'

function failing (code: string): Promise<never> {
  return Promise.reject(new SessionStoreError(`cannot read: ${code}`, { cause: Object.assign(new Error(code), { code }), outcome: 'refused' }))
}

t.test('a call for all goes on without keys that hold something else, and says so in the end', async t => {
  const left = new LeftKeys()
  t.doesNotThrow(() => { left.check() })
  t.equal(await left.without(Promise.resolve('a session')), 'a session')
  t.doesNotThrow(() => { left.check() })
  t.strictSame([await left.without(failing('WRONGTYPE')), await left.without(failing('NEWER')), await left.without(Promise.resolve(null))], [null, null, null])
  t.throws(() => { left.check() }, { name: 'SessionStoreError', message: 'cannot read: WRONGTYPE. Keys that were left out: 2', outcome: 'refused', cause: { code: 'WRONGTYPE' } })
})

t.test('what may be so with all keys ends the call', async t => {
  const left = new LeftKeys()
  for (const code of ['OOM', 'READONLY', 'NOPERM']) await t.rejects(left.without(failing(code)), { message: `cannot read: ${code}` })
  await t.rejects(left.without(Promise.reject(new TypeError('a mistake'))), new TypeError('a mistake'))
  t.doesNotThrow(() => { left.check() })
})
