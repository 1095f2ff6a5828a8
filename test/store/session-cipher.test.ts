import { createDecipheriv, hkdfSync, webcrypto } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { encryptionOptions, type EncryptionOptions } from '../../lib/store/encryption-options'
import { SessionCipher } from '../../lib/store/session-cipher'
import { storageName } from '../../lib/store/session-id'
import type { UnopenedCause } from '../../lib/diagnostics'
import { unopenedSessions } from '../../lib/unopened'
import { anyText } from '../support/any-text'
import fc from '../support/fast-check'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const ID = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6'

function cipherOf (encryption: boolean | EncryptionOptions, appid = 'sid'): SessionCipher {
  return new SessionCipher(appid, encryptionOptions(encryption))
}

/** Returns the cause for which the text does not open; null when it opens. */
function causeOf (cipher: SessionCipher, sesid: string, text: string): UnopenedCause | null {
  try {
    cipher.open(sesid, text)
    return null
  } catch (error) {
    return (error as { reason: UnopenedCause }).reason
  }
}

t.test('what was sealed opens again, under every setting', async t => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 80 })
  fc.assert(fc.property(fc.option(secret, { nil: undefined }), anyText({ maxLength: 500 }), fc.string({ minLength: 1, maxLength: 300 }),
    (secret, text, sesid) => {
      fc.pre(!text.startsWith('$ffs'))
      const settings = secret === undefined ? true : { secrets: [secret] }
      const sealed = cipherOf(settings).seal(sesid, text)
      return /^\$ffs1\$[\w-]+\$[\w-]+$/.test(sealed) && cipherOf(settings).open(sesid, sealed) === text && causeOf(cipherOf(settings, 'other'), sesid, sealed) === 'damaged'
    }))
  t.pass('held')
})

t.test('texts of every length are sealed whole, and none holds a part of another', async t => {
  const cipher = cipherOf(true)
  const fit = 64 * 1024 - 28
  const texts = [fit + 1, fit, 10_000, 1, 0, fit - 1, 100_000].map((size, n) => String(n).repeat(size))
  const sealed = texts.map(text => cipher.seal(ID, text))
  t.strictSame(sealed.map(text => cipherOf(true).open(ID, text)), texts)
  t.strictSame(sealed.map(text => Buffer.from(text.slice(8), 'base64url').length), texts.map(text => text.length + 28))
})

t.test('the cipher remembers what it sealed and opened, and does not need to', async t => {
  for (const sesid of [ID, 'x'.repeat(1024)]) {
    const cipher = cipherOf({ secrets: [NEW] })
    const sealed = cipher.seal(sesid, 'text')
    t.equal(cipher.open(sesid, sealed), 'text')
    cipher.forget(sesid)
    t.equal(cipher.open(sesid, sealed), 'text')
    t.equal(cipher.open(sesid, sealed), 'text')
    cipher.clear()
    t.equal(cipher.open(sesid, sealed), 'text')
    t.equal(causeOf(cipher, `${sesid}x`, sealed), 'damaged')
  }
})

t.test('each text is sealed under a nonce of its own', async t => {
  const cipher = cipherOf(true)
  const sealed = Array.from({ length: 2000 }, () => cipher.seal(ID, 'the same'))
  t.equal(new Set(sealed.map(text => text.slice(8, 24))).size, 2000)
})

t.test('a text that was changed in any way does not open, and is not taken for plain', async t => {
  for (const settings of [true, { secrets: [NEW, OLD] }]) {
    const cipher = cipherOf(settings)
    for (const plain of ['', 'x', 'xy', '{"user":"ann"}']) {
      const sealed = cipher.seal(ID, plain)
      const bytes = Buffer.from(sealed)
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const changed = Buffer.from(bytes)
          changed[at] = bytes.readUInt8(at) ^ 1 << bit
          const text = changed.toString('latin1')
          // Without the mark it is a plain text, and not the one that was sealed.
          if (at < 4) t.equal(causeOf(cipherOf({ acceptPlain: false }), ID, text), 'plain')
          else if (causeOf(cipher, ID, text) === null) t.fail(`bit ${bit} of ${at}`)
        }
      }
      for (let length = 4; length < sealed.length; length++) {
        if (causeOf(cipher, ID, sealed.slice(0, length)) === null) t.fail(`${length} of ${sealed.length}`)
      }
      for (const more of ['A', '=', '\n', '!', 'AAAA', '\u0141']) t.equal(causeOf(cipher, ID, sealed + more), 'damaged')
    }
  }
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat(3), (insert, place, cut) => {
    const sealed = cipherOf(true).seal(ID, '{"user":"ann"}')
    const at = 8 + place % (sealed.length - 8)
    const text = sealed.slice(0, at) + insert + sealed.slice(at + cut)
    return text === sealed || causeOf(cipherOf(true), ID, text) === 'damaged'
  }))
})

t.test('another alphabet, or bits that stand for nothing, are not the same text', async t => {
  const cipher = cipherOf(true)
  for (let found = 0; found < 20;) {
    const sealed = cipher.seal(ID, 'text')
    if (!/[-_].*[-_]/.test(sealed.slice(9))) continue
    found++
    t.equal(causeOf(cipher, ID, sealed.slice(0, 8) + sealed.slice(8).replace('-', '+').replace('_', '/')), 'damaged')
  }
})

t.test('every session has a key of its own: a text in another\'s place does not open', async t => {
  for (const settings of [true, { secrets: [NEW] }]) {
    fc.assert(fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
      fc.pre(one !== other)
      const cipher = cipherOf(settings)
      return causeOf(cipher, other, cipher.seal(one, 'text')) === 'damaged'
    }))
  }
  t.pass('held')
})

t.test('secrets rotate: the first seals, all open, one that is not listed does not', async t => {
  const old = cipherOf({ secrets: [OLD] })
  const both = cipherOf({ secrets: [NEW, OLD] })
  const only = cipherOf({ secrets: [NEW] })
  const sealed = old.seal(ID, 'text')
  t.equal(both.open(ID, sealed), 'text')
  t.equal(only.open(ID, both.seal(ID, 'text')), 'text')
  t.equal(causeOf(only, ID, sealed), 'unlisted')
  t.equal(causeOf(old, ID, both.seal(ID, 'text')), 'unlisted')
  t.strictSame([both.keyIds[0], both.keyIds[1]], [only.keyIds[0], old.keyIds[0]], 'a secret has the same id wherever it stands')
  t.notMatch(sealed, OLD)
})

t.test('what is weaker than it could be is served as long as acceptPlain says so', async t => {
  const without = cipherOf(true).seal(ID, 'text')
  const within = cipherOf({ secrets: [NEW] }).seal(ID, 'text')
  t.equal(cipherOf({ secrets: [NEW] }).open(ID, without), 'text')
  t.equal(cipherOf({ secrets: [NEW] }).open(ID, 'text'), 'text')
  t.equal(cipherOf(true).open(ID, 'text'), 'text')
  t.equal(causeOf(cipherOf({ secrets: [NEW], acceptPlain: false }), ID, without), 'unlisted')
  t.equal(causeOf(cipherOf({ secrets: [NEW], acceptPlain: false }), ID, 'text'), 'plain')
  t.equal(causeOf(cipherOf({ secrets: [NEW], acceptPlain: false }), ID, ''), 'plain')
  t.equal(causeOf(cipherOf(true), ID, within), 'unlisted')
  t.strictSame(['text', without, within].map(text => cipherOf({ secrets: [NEW] }).isWeak(text)), [true, true, false])
  t.strictSame(['text', without].map(text => cipherOf(true).isWeak(text)), [true, false])
  t.equal(cipherOf({ writePlain: true }).isWeak('text'), false)
})

t.test('switched off, or to be switched: texts are stored as they are, and encrypted ones not taken for plain', async t => {
  const within = cipherOf({ secrets: [NEW] }).seal(ID, 'text')
  const both = cipherOf({ secrets: [NEW], writePlain: true })
  t.equal(both.open(ID, within), 'text')
  t.equal(both.seal(ID, 'text'), 'text')
  const off = cipherOf(false)
  t.equal(off.seal(ID, 'text'), 'text')
  t.equal(off.open(ID, 'text'), 'text')
  t.equal(causeOf(off, ID, within), 'unconfigured')
  for (const cipher of [off, both, cipherOf(true)]) {
    t.throws(() => cipher.seal(ID, within), { name: 'SessionError', code: 'SESSION_CODEC' }, 'nothing is sealed twice')
  }
})

t.test('texts of formats to come, and of none', async t => {
  t.equal(causeOf(cipherOf(true), ID, '$ffs2$-$anything'), 'newer')
  t.equal(causeOf(cipherOf(true), ID, '$ffs0$-$anything'), 'damaged')
  t.equal(causeOf(cipherOf(true), ID, '$ffs'), 'damaged')
  t.equal(causeOf(cipherOf(true), ID, '$ffs1$-$'), 'damaged')
})

t.test('a record says when plain text is not to stay behind it', async t => {
  const cipher = cipherOf({ secrets: [NEW] })
  const sealed = cipher.seal(ID, 'text')
  t.equal(cipher.sealRecord(ID, { text: 'text' }).forgetEarlier, undefined)
  t.equal(cipher.sealRecord(ID, { text: 'text' }, sealed).forgetEarlier, undefined)
  t.match(cipher.sealRecord(ID, { text: 'text', idleTimeout: 5 }, 'plain'), { forgetEarlier: true, idleTimeout: 5, text: /^\$ffs1\$/ })
  const record = { text: 'text' }
  t.equal(cipherOf(false).sealRecord(ID, record, sealed), record)
})

t.test('what does not open is counted by cause', async t => {
  const before = unopenedSessions('counted')
  t.strictSame(before, { damaged: 0, plain: 0, unlisted: 0, unconfigured: 0, newer: 0 })
  const cipher = cipherOf({ acceptPlain: false }, 'counted')
  for (const text of ['$ffs1$-$x', '$ffs1$-$xx', '$ffs9$-$x', 'plain', '$ffs1$abcdefgh$x']) causeOf(cipher, ID, text)
  const events: unknown[] = []
  const note = (event: unknown): void => { events.push(event) }
  subscribe('fastify-file-sessions:unopened', note)
  causeOf(cipherOf(false, 'counted'), ID, '$ffs1$-$x')
  unsubscribe('fastify-file-sessions:unopened', note)
  t.strictSame(events, [{ appid: 'counted', reason: 'unconfigured' }])
  t.strictSame(unopenedSessions('counted'), { damaged: 2, plain: 1, unlisted: 1, unconfigured: 1, newer: 1 })
  t.equal(typeof unopenedSessions().damaged, 'number')
})

t.test('Web Crypto opens what was sealed, and seals what opens', async t => {
  const { subtle } = webcrypto
  for (const secret of ['', NEW]) {
    const cipher = cipherOf(secret === '' ? true : { secrets: [secret] }, 'shop')
    const base = await subtle.importKey('raw', Buffer.from(ID), 'HKDF', false, ['deriveKey'])
    const key = await subtle.deriveKey({
      name: 'HKDF', hash: 'SHA-256', salt: Buffer.from(secret), info: Buffer.from('fastify-file-sessions session key\0shop')
    }, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    const heading = `$ffs1$${cipher.keyIds[0]}$`
    const additionalData = Buffer.from(`${heading}shop\0${storageName('shop', ID)}`)
    const sealed = cipher.seal(ID, '{"user":"Zoë"}')
    t.ok(sealed.startsWith(heading))
    const bytes = Buffer.from(sealed.slice(heading.length), 'base64url')
    const plain = await subtle.decrypt({ name: 'AES-GCM', iv: bytes.subarray(0, 12), additionalData, tagLength: 128 }, key, bytes.subarray(12))
    t.equal(Buffer.from(plain).toString(), '{"user":"Zoë"}')

    const iv = Buffer.alloc(12, 7)
    const made = Buffer.from(await subtle.encrypt({ name: 'AES-GCM', iv, additionalData, tagLength: 128 }, key, Buffer.from('made elsewhere')))
    const whole = heading + Buffer.concat([iv, made]).toString('base64url')
    t.equal(cipher.open(ID, whole), 'made elsewhere')

    const long = 'x'.repeat(400)
    const first = cipher.seal(ID, `${long}1`)
    const chain = cipher.seal(ID, `${long}23`, '', first)
    const mark = '.402:'
    t.ok(chain.startsWith(first + mark))
    const part = Buffer.from(chain.slice(first.length + mark.length), 'base64url')
    const beside = (before: string, mark: string): Buffer => Buffer.concat([additionalData, Buffer.from(before.slice(-22) + mark)])
    const patch = await subtle.decrypt({ name: 'AES-GCM', iv: part.subarray(0, 12), additionalData: beside(first, mark), tagLength: 128 }, key, part.subarray(12))
    const lengths = Buffer.from(Uint32Array.of(400, 0).buffer)
    t.strictSame(Buffer.from(patch), Buffer.concat([lengths, Buffer.of(1), Buffer.from('23')]))

    const removing = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData: beside(whole, '.9:'), tagLength: 128 }, key,
      Buffer.from([5, 0, 0, 0, 4, 0, 0, 0, 1]))
    t.equal(cipher.open(ID, `${whole}.9:${Buffer.concat([iv, Buffer.from(removing)]).toString('base64url')}`), 'made here')
  }
})

t.test('known answers', async t => {
  // Made with openssl kdf and Web Crypto, under the nonce 000102…0b.
  const vectors = [
    { secret: null, sealed: '$ffs1$-$AAECAwQFBgcICQoLTkmhS7WYWYoLQtZu9soiH7QArbECrp-BOtXMr3BZ' },
    { secret: NEW, sealed: '$ffs1$G7hU6MsQ$AAECAwQFBgcICQoLdjAoMdlcnRoXbytlaJOf9x6q0c_n4U1jC56eh9U2' }
  ]
  // And under the nonce 0c0d…17.
  const parts = [
    '.15:DA0ODxAREhMUFRYXuuqZPRg_DOb6Hgrq1u4mrmOV8S1CwIaUuGbFRw8',
    '.15:DA0ODxAREhMUFRYXz2qguCVSOHvcc-ePKWVQrBij2_tz2oeyf9k7Xyc'
  ]
  for (const [index, { secret, sealed }] of vectors.entries()) {
    const cipher = cipherOf(secret === null ? true : { secrets: [secret] }, 'shop')
    t.equal(cipher.open(ID, sealed), '{"user":"ann"}')
    cipher.clear()
    t.equal(cipher.open(ID, sealed + parts[index]), '{"user":"zoë"}')
  }
})

t.test('openssl derives the same keys', async t => {
  const hex = (text: string): string => Buffer.from(text).toString('hex')
  const derive = (key: string, salt: string, info: string, size: number): Buffer | null => {
    const salted = salt === '' ? [] : ['-kdfopt', `hexsalt:${hex(salt)}`]
    const { status, stdout } = spawnSync('openssl', ['kdf', '-keylen', String(size), '-kdfopt', 'digest:SHA256', '-kdfopt', `hexkey:${hex(key)}`,
      ...salted, '-kdfopt', `hexinfo:${hex(info)}`, '-binary', 'HKDF'])
    return status === 0 ? stdout : null
  }
  if (derive('key', 'salt', 'info', 32) === null) {
    t.pass('no openssl with kdf', { skip: 'openssl 3 is not installed' })
    return
  }
  for (const secret of ['', NEW]) {
    const cipher = cipherOf(secret === '' ? true : { secrets: [secret] }, 'shop')
    if (secret !== '') t.equal(cipher.keyIds[0], derive(secret, '', 'fastify-file-sessions key id', 6)?.toString('base64url'))
    const key = derive(ID, secret, 'fastify-file-sessions session key\0shop', 32) as Buffer
    t.strictSame(key, Buffer.from(hkdfSync('sha256', ID, secret, 'fastify-file-sessions session key\0shop', 32)))
    const heading = `$ffs1$${cipher.keyIds[0]}$`
    const bytes = Buffer.from(cipher.seal(ID, 'text').slice(heading.length), 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(`${heading}shop\0${storageName('shop', ID)}`))
    decipher.setAuthTag(bytes.subarray(-16))
    t.equal(decipher.update(bytes.subarray(12, -16)).toString() + decipher.final().toString(), 'text')
  }
})

t.test('a secret that is listed twice is refused', async t => {
  t.throws(() => cipherOf({ secrets: [NEW, OLD, NEW] }), { code: 'SESSION_OPTION', message: 'fastify-file-sessions: option encryption.secrets ' })
})
