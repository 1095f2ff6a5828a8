import { check, checkKnown } from '../option-checks'

/** How sessions are encrypted. */
export interface EncryptionOptions {
  /**
   * Secrets of the server, each of at least 32 random bytes: the first encrypts, all decrypt. With
   * them a session cannot be made by writing to the store. Left out: the session's id is all that it
   * takes to read the session, and to make one.
   */
  secrets?: ReadonlyArray<string | Uint8Array> | undefined
  /**
   * Whether sessions that are not encrypted, or not with a secret, are served until their next save
   * encrypts them. @default true
   */
  acceptPlain?: boolean | undefined
  /**
   * Whether sessions are stored as plain text all the same: to switch encryption on or off while
   * several processes run. @default false
   */
  writePlain?: boolean | undefined
}

export interface SettledEncryption {
  secrets: ReadonlyArray<string | Uint8Array> | undefined
  acceptPlain: boolean
  writePlain: boolean
}

const OPTIONS = ['secrets', 'acceptPlain', 'writePlain']
/** Bytes. A text of random letters and digits of this length has more than 128 bits. */
const SHORTEST_SECRET = 32
/** Different bytes. 32 random hexadecimal digits, the fewest there may be, have more in all but one of a billion cases. */
const FEWEST_BYTES = 7

/** Checks the option `encryption` and fills in the defaults; false: off. @throws {SessionError} */
export function encryptionOptions (given: boolean | EncryptionOptions = false): SettledEncryption | false {
  if (given === false) return false
  check(given === true || (typeof given === 'object' && given !== null), 'encryption', 'must be true, false or an object')
  const options = given === true ? {} : given
  checkKnown(options, OPTIONS, 'encryption.')
  const { secrets, acceptPlain = true, writePlain = false } = options
  check(secrets === undefined || (Array.isArray(secrets) && secrets.length > 0), 'encryption.secrets',
    'must be an array of secrets, the newest first, or left out')
  for (const secret of secrets ?? []) {
    check(typeof secret === 'string' || secret instanceof Uint8Array, 'encryption.secrets', 'must hold strings or buffers')
    check(Buffer.byteLength(secret) >= SHORTEST_SECRET, 'encryption.secrets',
      `must hold secrets of at least ${SHORTEST_SECRET} random bytes: make one with openssl rand -base64 32`)
    check(new Set(Buffer.from(secret)).size >= FEWEST_BYTES, 'encryption.secrets',
      'must hold secrets of random bytes, and one repeats a few bytes: make one with openssl rand -base64 32')
  }
  check(typeof acceptPlain === 'boolean', 'encryption.acceptPlain', 'must be true or false')
  check(typeof writePlain === 'boolean', 'encryption.writePlain', 'must be true or false')
  check(acceptPlain || !writePlain, 'encryption.writePlain', 'must not be true beside acceptPlain: false, which serves no plain session')
  return { secrets, acceptPlain, writePlain }
}
