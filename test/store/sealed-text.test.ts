import t from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { decodeExactly, describeSealed, plainSize, storedSize } from '../../lib/store/sealed-text'
import { SessionCipher } from '../../lib/store/session-cipher'
import { anyText } from '../support/any-text'
import fc from '../support/fast-check'

const ID = 'x'.repeat(32)
const SECRET = 'a secret of 32 random bytes, more or less'

t.test('what an encrypted text says of itself', async t => {
  const cipher = new SessionCipher('sid', encryptionOptions({ secrets: [SECRET] }))
  t.strictSame(describeSealed(cipher.seal(ID, 'text')), { format: 1, keyId: cipher.keyIds[0] })
  t.strictSame(describeSealed(new SessionCipher('sid', encryptionOptions(true)).seal(ID, 'text')), { format: 1, keyId: '-' })
  t.strictSame(describeSealed('$ffs27$some-key$…'), { format: 27, keyId: 'some-key' })
  for (const text of ['$ffs', '$ffs1', '$ffs1$', '$ffs1$key', '$ffs1$k y$']) t.strictSame(describeSealed(text), { format: 0, keyId: '' })
  for (const text of ['', '{}', '$ff', ' $ffs1$-$']) t.equal(describeSealed(text), null)
})

t.test('the size of the plain text can be told without its key', async t => {
  const ciphers = [true, { secrets: [SECRET] }].map(given => new SessionCipher('sid', encryptionOptions(given)))
  fc.assert(fc.property(anyText({ maxLength: 200 }), text => {
    fc.pre(!text.startsWith('$ff'))
    const size = Buffer.byteLength(text)
    return plainSize(text) === size && ciphers.every(cipher => {
      const sealed = cipher.seal(ID, text)
      return plainSize(sealed) === size && sealed.length <= storedSize(size, true)
    })
  }))
  t.equal(plainSize('$ffs'), 0)
  t.equal(plainSize('$ffs1$-$AAAA'), 0)
  t.equal(plainSize('$ffs1$-$AAAA.7:AAAA.123456789:AAAA'), 123456789, 'the last part says it')
  for (const part of ['', ':AAAA', '-5:AAAA', '1e9:AAAA', '1234567890:AAAA']) t.equal(plainSize(`$ffs1$-$AAAA.${part}`), 0)
})

t.test('base64url is taken as it is written, or not at all', async t => {
  fc.assert(fc.property(fc.uint8Array(), bytes => {
    return decodeExactly(Buffer.from(bytes).toString('base64url'))?.equals(bytes) === true
  }))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), text => {
    const bytes = decodeExactly(text)
    return bytes === null || bytes.toString('base64url') === text
  }))
  const text = Buffer.alloc(12).toString('base64url')
  for (let at = 0; at < text.length; at++) t.equal(decodeExactly(`${text.slice(0, at)}\u0141${text.slice(at + 1)}`), null, 'its low byte is that of A')
})
