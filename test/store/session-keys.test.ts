import t from 'tap'
import { KeyMemory } from '../../lib/store/key-memory'
import { SessionKeys } from '../../lib/store/session-keys'

const SECRET = 'an old secret of 32 bytes at least'

t.test('a session\'s key depends on the id, the secret and the appid, and its secret is named by an id', async t => {
  const memory = new KeyMemory()
  const all = [new SessionKeys('sid', SECRET, memory), new SessionKeys('sid', 'a new secret of 32 bytes at least', memory), new SessionKeys('sid', null, memory)]
  const keyOf = (keys: SessionKeys, sesid: string): string => keys.lend(sesid, ({ key }) => key.toString('hex'))
  const made = [...all, new SessionKeys('shop', SECRET, new KeyMemory())].flatMap(keys => [keyOf(keys, 'one'), keyOf(keys, 'other')])
  t.equal(new Set(made).size, 8)
  for (const keys of all) t.equal(keyOf(keys, 'one'), made[all.indexOf(keys) * 2], 'the same again')
  t.strictSame(all.map(({ keyId }) => keyId).map(({ length }) => length), [8, 8, 1])
})
