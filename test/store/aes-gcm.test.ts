import { createDecipheriv, randomBytes } from 'node:crypto'
import t from 'tap'
import { decrypt, encrypt } from '../../lib/store/aes-gcm'

const [KEY, OTHER] = [randomBytes(32), randomBytes(32)]
const AAD = Buffer.from('what stands beside the text')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url')

t.test('what was encrypted comes back, of every size and kind', async t => {
  for (const plain of ['', 'text', 'grüße 🍪', 'x'.repeat(64 * 1024 - 28), 'x'.repeat(64 * 1024 - 27), 'ü'.repeat(100_000)]) {
    for (const authenticated of [undefined, AAD]) {
      t.ok(decrypt(KEY, bytesOf(encrypt(KEY, plain, authenticated)), authenticated)?.toString() === plain, `${plain.length}`)
      t.ok(decrypt(KEY, bytesOf(encrypt(KEY, Buffer.from(plain), authenticated)), authenticated)?.toString() === plain)
    }
  }
})

t.test('it is nonce, encrypted text and tag in base64url, with a nonce of its own each time', async t => {
  const texts = Array.from({ length: 500 }, () => encrypt(KEY, 'text', AAD))
  t.equal(new Set(texts.map(text => text.slice(0, 16))).size, texts.length)
  t.ok(texts.every(text => /^[\w-]+$/.test(text) && bytesOf(text).length === 12 + 4 + 16))
  const bytes = bytesOf(texts[0] as string)
  const decipher = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12)).setAAD(AAD).setAuthTag(bytes.subarray(16))
  t.equal(decipher.update(bytes.subarray(12, 16), undefined, 'utf8') + decipher.final('utf8'), 'text')
})

t.test('what was encrypted earlier stays as it is', async t => {
  const first = encrypt(KEY, 'first')
  encrypt(KEY, 'a longer second text')
  t.equal(decrypt(KEY, bytesOf(first))?.toString(), 'first')
})

t.test('bytes that were changed, cut off or encrypted otherwise are null', async t => {
  const bytes = bytesOf(encrypt(KEY, 'text', AAD))
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = changed[at] as number ^ 1
    t.equal(decrypt(KEY, changed, AAD), null, `byte ${at}`)
    t.equal(decrypt(KEY, bytes.subarray(0, at), AAD), null, `cut at ${at}`)
  }
  t.equal(decrypt(OTHER, bytes, AAD), null)
  t.equal(decrypt(KEY, bytes), null)
  t.equal(decrypt(KEY, bytes, Buffer.from('another')), null)
  t.equal(decrypt(KEY, bytesOf(encrypt(KEY, 'text')), AAD), null)
})
