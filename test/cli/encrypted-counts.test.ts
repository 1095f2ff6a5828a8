import t from 'tap'
import { describedSeal, EncryptedCounts, encryptedHow } from '../../lib/cli/encrypted-counts'
import { SessionCipher } from '../../lib/store/session-cipher'

const SECRETS = ['a new secret of the app, of 32 characters and more', 'an old secret of the app, of 32 characters and more']
const encryption = { secrets: SECRETS, acceptPlain: true, writePlain: false }
const [newest = '', oldest = ''] = new SessionCipher('shop', encryption).keyIds

t.test('a secret is told by its id, and by its number where it is among those given', async t => {
  t.strictSame(describedSeal('shop', { format: 1, keyId: newest }, encryption), { format: 1, secret: newest, number: 1 })
  t.strictSame(describedSeal('shop', { format: 1, keyId: oldest }, encryption), { format: 1, secret: oldest, number: 2 })
  t.strictSame(describedSeal('shop', { format: 1, keyId: oldest }, undefined), { format: 1, secret: oldest, number: null })
  t.strictSame(describedSeal('shop', { format: 1, keyId: '-' }, encryption), { format: 1, secret: null, number: null })
})

t.test('sessions are counted by format and secret, the most first', async t => {
  const counts = new EncryptedCounts('shop', encryption)
  t.strictSame(counts.list(), [])
  for (const [format, keyId] of [[1, '-'], [1, oldest], [2, oldest], [1, oldest]] as const) counts.add({ format, keyId })
  t.match(counts.list(), [{ format: 1, secret: oldest, number: 2, sessions: 2 }, { format: 1, secret: null, sessions: 1 }, { format: 2, secret: oldest, sessions: 1 }])
})

t.test('in words', async t => {
  t.equal(encryptedHow({ format: 1, secret: null, number: null }), 'encrypted without a secret, format 1')
  t.equal(encryptedHow({ format: 1, secret: 'abc', number: null }), 'encrypted under secret abc, format 1')
  t.equal(encryptedHow({ format: 2, secret: 'abc', number: 3 }), 'encrypted under secret abc (number 3), format 2')
  t.match(encryptedHow({ format: 0, secret: '', number: null }), /as far as can be told/)
})
