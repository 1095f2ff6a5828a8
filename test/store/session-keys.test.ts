import t from 'tap'
import { SessionKeys } from '../../lib/store/session-keys'

const SECRET = 'an old secret of 32 bytes at least'
/** So many sessions' keys are kept. */
const KEPT = 10_000

function keyOf (keys: SessionKeys, sesid: string): Buffer {
  return keys.lend(sesid, ({ key }) => key)
}

function isWiped (key: Buffer): boolean {
  return key.every(byte => byte === 0)
}

t.test('a key is wiped when others take its place, when its session ends, and when all are cleared', async t => {
  const keys = new SessionKeys('sid', SECRET)
  const first = keyOf(keys, 'first')
  t.equal(keyOf(keys, 'first'), first, 'it is kept')
  for (let count = 1; count < KEPT; count++) keyOf(keys, `other ${count}`)
  t.notOk(isWiped(first))
  keyOf(keys, 'one too many')
  t.ok(isWiped(first))
  const again = keyOf(keys, 'first')
  t.notOk(isWiped(again), 'and derived anew')
  keys.forget('first')
  t.ok(isWiped(again))
  const last = keyOf(keys, 'last')
  keys.clear()
  t.ok(isWiped(last))
})

t.test('the key of a long id is wiped as soon as it was used', async t => {
  const keys = new SessionKeys('sid', SECRET)
  t.ok(isWiped(keyOf(keys, 'x'.repeat(129))))
  let lent: Buffer | undefined
  t.throws(() => keys.lend('x'.repeat(129), ({ key }) => { lent = key; throw new Error('no') }))
  t.ok(lent !== undefined && isWiped(lent))
})
