import t from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { describeSealed, isReserved, isSealed, plainSize, storedSize } from '../../lib/store/sealed-text'
import { SessionCipher } from '../../lib/store/session-cipher'
import type { UnopenedError } from '../../lib/unopened'
import { bodyOf, headerOf, headFor, headOf, isHeaded, NO_HEADER } from '../../lib/store/session-header'
import { anyText } from '../support/any-text'
import fc from '../support/fast-check'

const ID = 'x'.repeat(32)
const SECRET = 'a secret of the tests, of random enough letters'
/** Why a text was not opened. */
function refusal (open: () => string): string {
  try {
    return `opened: ${open()}`
  } catch (error) {
    return (error as UnopenedError).reason
  }
}

const HEADER = { indexed: { label: 'tag' }, freshAt: 1 }
const ciphers = [false, true, { secrets: [SECRET] }].map(given => new SessionCipher('sid', encryptionOptions(given)))

t.test('a session of which nothing is known has no header', async t => {
  t.equal(headFor(NO_HEADER), '')
  t.equal(headFor({}), '')
  t.equal(headFor({ indexed: undefined }), '')
  t.equal(headerOf('{}'), NO_HEADER)
  t.equal(headOf('{}'), '')
  t.equal(bodyOf('{}'), '{}')
})

t.test('a header stands before every text, and is told from it', async t => {
  fc.assert(fc.property(anyText({ maxLength: 50 }), fc.dictionary(fc.string(), fc.string()), (text, indexed) => {
    fc.pre(!isReserved(text))
    const head = headFor({ indexed })
    return ciphers.every(cipher => {
      const stored = cipher.seal(ID, text, head)
      const sealed = bodyOf(stored)
      return headOf(stored) === head && JSON.stringify(headerOf(stored)) === JSON.stringify({ indexed }) && isHeaded(stored) &&
        isSealed(stored) === cipher.isOn && isSealed(sealed) === cipher.isOn && describeSealed(stored)?.keyId === describeSealed(sealed)?.keyId &&
        plainSize(stored) === Buffer.byteLength(text) && cipher.open(ID, stored) === text
    })
  }))
  t.ok(storedSize(10, false) > headFor(HEADER).length + 10)
})

t.test('no codec may make a text that would be taken for one with a header', async t => {
  for (const cipher of ciphers) t.throws(() => cipher.seal(ID, '$ffh1${}\n'), { code: 'SESSION_CODEC' })
})

t.test('an encrypted text opens with the header that it was sealed with, and no other', async t => {
  for (const given of [true, { secrets: [SECRET] }]) {
    const cipher = new SessionCipher('sid', encryptionOptions(given))
    const stored = cipher.seal(ID, 'text', headFor(HEADER))
    t.equal(cipher.open(ID, stored), 'text')
    for (const other of ['', headFor({}), headFor({ indexed: { label: 'gat' } })]) {
      // The text was opened a moment ago: what is remembered must not open another header.
      t.equal(refusal(() => cipher.open(ID, other + bodyOf(stored))), 'damaged')
    }
    t.equal(refusal(() => cipher.open(ID, headFor(HEADER) + cipher.seal(ID, 'text'))), 'damaged')
    t.equal(cipher.open(ID, stored), 'text')
  }
})

t.test('a damaged header opens no text, and one of a newer version says so', async t => {
  for (const cipher of ciphers) {
    for (const head of ['$ffh1${"a":\n', '$ffh1$[]\n', '$ffh1$null\n', '$ffh1${}', '$ffh1', '$ffhx$\n']) {
      t.equal(headerOf(head), null)
      t.equal(refusal(() => cipher.open(ID, `${head}{}`)), 'damaged', head)
    }
    t.equal(refusal(() => cipher.open(ID, cipher.seal(ID, 'text', '$ffh1$[]\n'))), 'damaged', 'also for the process that has sealed it')
    t.equal(cipher.refusal('$ffh2${}\n{}'), 'newer')
    t.equal(refusal(() => cipher.open(ID, '$ffh2${}\n{}')), 'newer')
  }
})

t.test('what is sealed anew keeps the header, unless another is given', async t => {
  for (const cipher of ciphers) {
    const { text } = cipher.sealRecord(ID, { text: 'one' }, undefined, headFor(HEADER))
    t.strictSame(headerOf(text), HEADER)
    t.strictSame(headerOf(cipher.sealRecord(ID, { text: 'two' }, text).text), HEADER)
    t.strictSame(headerOf(cipher.sealRecord(ID, { text: 'two' }, text, '').text), NO_HEADER)
    t.notOk(cipher.isWeak(text))
  }
})
