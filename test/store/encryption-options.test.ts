import { randomBytes } from 'node:crypto'
import t from 'tap'
import { encryptionOptions, type EncryptionOptions } from '../../lib/store/encryption-options'
import { rounds } from '../support/tier'

const NEW = 'a new secret of 32 bytes at least'

t.test('random secrets of every alphabet are taken', async t => {
  for (let round = 0; round < rounds(100, 2000); round++) {
    const secrets = [randomBytes(16).toString('hex'), randomBytes(32), randomBytes(32).toString('base64')]
    const settled = encryptionOptions({ secrets })
    if (settled === false || settled.secrets !== secrets) t.fail('a random secret was refused')
  }
})

t.test('options that make no sense', async t => {
  const bad: Array<[unknown, string]> = [
    [null, 'encryption'], ['yes', 'encryption'], [1, 'encryption'], [{ secret: NEW }, 'encryption.secret'], [{ secrets: [] }, 'encryption.secrets'],
    [{ secrets: NEW }, 'encryption.secrets'], [{ secrets: [7] }, 'encryption.secrets'], [{ secrets: ['x'.repeat(31)] }, 'encryption.secrets'],
    [{ secrets: [Buffer.alloc(31)] }, 'encryption.secrets'], [{ secrets: [Buffer.alloc(32)] }, 'encryption.secrets'],
    [{ secrets: ['x'.repeat(44)] }, 'encryption.secrets'], [{ secrets: [NEW, '123456'.repeat(8)] }, 'encryption.secrets'],
    [{ acceptPlain: 1 }, 'encryption.acceptPlain'], [{ writePlain: 'no' }, 'encryption.writePlain'],
    [{ acceptPlain: false, writePlain: true }, 'encryption.writePlain']
  ]
  for (const [given, name] of bad) {
    t.throws(() => encryptionOptions(given as boolean), { code: 'SESSION_OPTION', message: `fastify-file-sessions: option ${name} ` }, name)
    try { encryptionOptions(given as boolean) } catch (error) { t.notMatch((error as Error).message, NEW) }
  }
  t.strictSame(encryptionOptions(true), { secrets: undefined, acceptPlain: true, writePlain: false })
  for (const given of [true, { secrets: [NEW] }]) t.strictSame(encryptionOptions(encryptionOptions(given) as EncryptionOptions), encryptionOptions(given))
  t.equal(encryptionOptions(), false)
})
