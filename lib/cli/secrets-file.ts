import { readFile } from 'node:fs/promises'
import { SessionError } from '../errors'
import { printable } from '../printable'
import { encryptionOptions, type SettledEncryption } from '../store/encryption-options'
import { localDisk } from '../store/files/local-disk'

/**
 * Reads the app's secrets, one on each line, the newest first, and returns how sessions are decrypted.
 * They are in a file because other users can see what stands in a command line or an environment.
 *
 * @throws {SessionError} when others than the file's owner may read it, or a secret is too short or not random; the
 * system's error when it cannot be read
 */
export async function encryptionOf (path: string): Promise<SettledEncryption> {
  const { mode } = await localDisk.stat(path)
  if ((mode & 0o077) !== 0) throw new SessionError('SECRETS', `${printable(path)} is open to others: chmod 600 it`)
  const secrets = (await readFile(path, 'utf8')).split(/\r?\n/).filter(line => line !== '')
  if (secrets.length === 0) throw new SessionError('SECRETS', `${printable(path)} holds no secret: put each on a line of its own, the newest first`)
  return encryptionOptions({ secrets }) as SettledEncryption
}
