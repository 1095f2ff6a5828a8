import t from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { AboutText } from '../../lib/store/index-about'
import { SessionCipher } from '../../lib/store/session-cipher'

const SECRET = 'a secret of 32 bytes at the least'
const OTHER = 'another secret of 32 bytes at least'

function keys (...secrets: string[]): Array<Buffer | null> {
  return new SessionCipher('sid', encryptionOptions({ secrets })).keysFor('index about')
}

t.test('what a device list shows is encrypted with a secret, and bounded', async t => {
  const [plain, sealing, other] = [new AboutText([null]), new AboutText(keys(OTHER, SECRET)), new AboutText(keys(SECRET))]
  const about = { agent: 'a phone' }
  t.strictSame(plain.open(plain.seal(about)), about)
  const sealed = sealing.seal(about)
  t.notMatch(sealed, /phone/)
  t.strictSame(sealing.open(sealed), about)
  t.equal(other.open(sealed), undefined)
  t.equal(other.open('short'), undefined)
  t.strictSame(sealing.open(other.seal(about)), about, 'an older secret opens')
  for (const nothing of [undefined, null]) t.equal(plain.seal(nothing as never), undefined)
  t.equal(plain.open(undefined), undefined)
  for (const damaged of ['{', '{"agent"', 'nonsense']) t.equal(plain.open(damaged), undefined)
  t.strictSame(plain.open(plain.seal({ agent: 'x'.repeat(5000), n: 1 })), { agent: 'x'.repeat(160), n: 1 })
  t.equal(plain.seal({ list: Array.from({ length: 1000 }, () => 'x') }), undefined)
  t.throws(() => plain.seal(Promise.resolve({ agent: 'a phone' }) as never), { code: 'SESSION_OPTION', message: /option about must not be an async function/ })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const wrong of [{ big: 1n }, circular, 'a text', ['a list'], () => {}, { toJSON: () => undefined }]) {
    t.throws(() => plain.seal(wrong as never), { code: 'SESSION_OPTION', message: /option about must return an object/ })
  }
})
