import { randomBytes } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { encryptionOf } from '../../lib/cli/secrets-file'

t.test('the secrets of a file, one on each line', async t => {
  const path = join(t.testdir(), 'secrets')
  const secrets = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  for (const text of [secrets.join('\n'), `${secrets.join('\n')}\n`, `${secrets.join('\r\n')}\r\n\r\n`]) {
    writeFileSync(path, text, { mode: 0o600 })
    t.match(await encryptionOf(path), { secrets })
  }
  chmodSync(path, 0o640)
  await t.rejects(encryptionOf(path), { message: /chmod 600/ })
  chmodSync(path, 0o600)
  writeFileSync(path, 'short\n')
  await t.rejects(encryptionOf(path), { code: 'SESSION_OPTION' })
  writeFileSync(path, '\n')
  await t.rejects(encryptionOf(path), { code: 'SECRETS', message: /holds no secret/ })
  await t.rejects(encryptionOf(`${path}-none`), { code: 'ENOENT' })
})
