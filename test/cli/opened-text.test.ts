import t from 'tap'
import { openText } from '../../lib/cli/opened-text'
import { describeSealed, type SealedText } from '../../lib/store/sealed-text'
import { SessionCipher } from '../../lib/store/session-cipher'

const [OURS, OTHER] = ['a secret of the app, of 32 characters and more', 'another secret, of 32 characters and more']

function encryption (...secrets: string[]) {
  return { secrets: secrets.length === 0 ? undefined : secrets, acceptPlain: true, writePlain: false }
}

function open (stored: string, secrets?: string[], sesid = 'the id') {
  return openText({ appid: 'shop', sesid, encryption: secrets === undefined ? undefined : encryption(...secrets) }, stored, describeSealed(stored) as SealedText)
}

t.test('the id opens what is encrypted without a secret, and the id and the secret what is encrypted with one', async t => {
  const unsecret = new SessionCipher('shop', encryption()).seal('the id', '{"a":1}')
  t.strictSame(open(unsecret), { text: '{"a":1}' })
  t.strictSame(open(unsecret, [OURS]), { text: '{"a":1}' })
  const cipher = new SessionCipher('shop', encryption(OURS))
  const sealed = cipher.seal('the id', '{"a":1}')
  t.strictSame(open(sealed, [OTHER, OURS]), { text: '{"a":1}' })
  const [keyId] = cipher.keyIds
  t.strictSame(open(sealed), { text: null, reason: `the session is encrypted under secret ${keyId} of the app: name a file that holds it with --secrets <file>` })
  t.strictSame(open(sealed, [OTHER]), { text: null, reason: `the session is encrypted under secret ${keyId}, which is not in the file of secrets` })
})

t.test('what does not open tells no text', async t => {
  const sealed = new SessionCipher('shop', encryption()).seal('the id', '{"a":1}')
  for (const [stored, sesid, reason] of [
    [`${sealed}AAAA`, 'the id', /was changed, cut off/], [sealed, 'another id', /was changed, cut off/], [sealed.replace('$ffs1$', '$ffs9$'), 'the id', /newer version/]
  ] as const) t.match(open(stored, undefined, sesid), { text: null, reason })
})
