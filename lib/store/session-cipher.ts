import { createCipheriv } from 'node:crypto'
import { check } from '../option-checks'
import { fillRandom } from '../random'
import { unopened, type UnopenedCause } from '../unopened'
import { decryptText, LEAST_SIZE } from './aes-gcm'
import type { SettledEncryption } from './encryption-options'
import { KeyMemory, type CipherKey } from './key-memory'
import { decodeExactly, describeSealed, FORMAT, headingOf, isReserved, isSealed, NO_SECRET, NONCE_SIZE, TAG_SIZE, takenForSealed } from './sealed-text'
import { bodyOf, headerOf, headOf, isHeaded, isNewerHeader } from './session-header'
import { SessionKeys } from './session-keys'
import type { SessionRecord } from './session-store'

const ALGORITHM = 'aes-256-gcm'
const OFF: SettledEncryption = { secrets: undefined, acceptPlain: true, writePlain: true }
/** Filled anew for each text. */
const nonce = Buffer.alloc(NONCE_SIZE)
/** Where encrypted bytes of a usual size are put together: memory of their own costs more than to encrypt them. */
const workspace = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Turns the texts of one appid's sessions into those that are stored, and back. All stores are given
 * sealed texts, and see no others. Without the option `encryption` texts are stored as they are.
 *
 * It fails closed: a text that does not open is never returned, and neither is an encrypted one.
 */
export class SessionCipher {
  /** Whether texts are encrypted, or were. */
  readonly isOn: boolean
  readonly #appid: string
  readonly #acceptPlain: boolean
  readonly #memory = new KeyMemory()
  /** What texts are encrypted under; null: they are stored as they are. */
  readonly #newest: SessionKeys | null
  /** What texts are decrypted under, the newest first. */
  readonly #all: readonly SessionKeys[]

  /** @throws {SessionError} SESSION_OPTION, when a secret is listed twice */
  constructor (appid: string, encryption: SettledEncryption | false) {
    this.#appid = appid
    this.isOn = encryption !== false
    const { secrets = [], acceptPlain, writePlain } = encryption === false ? OFF : encryption
    const listed = secrets.map(secret => new SessionKeys(appid, secret, this.#memory))
    check(new Set(listed.map(({ keyId }) => keyId)).size === listed.length, 'encryption.secrets', 'must not hold a secret twice')
    const unlisted = this.isOn && (listed.length === 0 || acceptPlain) ? [new SessionKeys(appid, null, this.#memory)] : []
    this.#all = [...listed, ...unlisted]
    this.#newest = writePlain ? null : this.#all[0] as SessionKeys
    this.#acceptPlain = acceptPlain
  }

  /** Returns the ids of the secrets, the newest first, as they stand in encrypted texts; `-`: none. */
  get keyIds (): string[] {
    return this.#all.map(({ keyId }) => keyId)
  }

  /** Returns a key of each secret for a purpose other than sessions, the newest first; null: without a secret. */
  keysFor (purpose: string): Array<Buffer | null> {
    return this.#all.length === 0 ? [null] : this.#all.map(keys => keys.keyFor(purpose))
  }

  /** Whether a text that is stored so is to be encrypted at its next save. */
  isPlain (stored: string): boolean {
    return this.#newest !== null && !isSealed(stored)
  }

  /** Whether a text that is stored so is weaker than what is written now: not encrypted, or without a secret. */
  isWeak (stored: string): boolean {
    const keys = this.#newest
    return keys !== null && !bodyOf(stored).startsWith(keys.heading) && (!isSealed(stored) || bodyOf(stored).startsWith(headingOf(NO_SECRET)))
  }

  /** Returns why a stored text cannot be opened, as far as its heading tells; null when it may be. */
  refusal (stored: string): UnopenedCause | null {
    if (isNewerHeader(stored)) return 'newer'
    if (!isSealed(stored)) return this.#acceptPlain ? null : 'plain'
    if (!this.isOn) return 'unconfigured'
    if (this.#keysOf(stored) !== null) return null
    const { format, keyId } = describeSealed(stored) as NonNullable<ReturnType<typeof describeSealed>>
    if (format > FORMAT) return 'newer'
    return format === FORMAT && keyId !== '' ? 'unlisted' : 'damaged'
  }

  /**
   * Returns the plain text of a session.
   *
   * @throws {UnopenedError} when it does not open; it is counted
   */
  open (sesid: string, stored: string): string {
    const refusal = this.refusal(stored)
    if (refusal !== null) throw unopened(this.#appid, refusal)
    if (isHeaded(stored) && headerOf(stored) === null) throw unopened(this.#appid, 'damaged')
    if (!isSealed(stored)) return bodyOf(stored)
    const keys = this.#keysOf(stored) as SessionKeys
    const known = this.#memory.plainOf(sesid, stored)
    if (known !== undefined) return known
    const head = headOf(stored)
    const bytes = decodeExactly(stored.slice(head.length + keys.heading.length))
    const plain = bytes === null ? null : keys.lend(sesid, key => decrypt(key, bytes, head))
    if (plain === null) throw unopened(this.#appid, 'damaged')
    this.#memory.remember(sesid, stored, plain)
    return plain
  }

  /**
   * Returns what is to be stored of a plain text. `head` is what stands before it, with its newline.
   *
   * @throws {SessionError} SESSION_CODEC, for a text that begins as encrypted ones or headers do
   */
  seal (sesid: string, text: string, head = ''): string {
    if (isReserved(text)) throw takenForSealed()
    const keys = this.#newest
    if (keys === null) return head + text
    const sealed = head + keys.heading + keys.lend(sesid, key => encrypt(key, text, head))
    this.#memory.remember(sesid, sealed, text)
    return sealed
  }

  /**
   * Returns the record that is to be stored, of one with a plain text. `earlier` is the text that it
   * takes the place of, as it is stored. `head` is what stands before the text: that of before.
   *
   * @throws {SessionError} as `seal` does
   */
  sealRecord (sesid: string, record: SessionRecord, earlier?: string, head = earlier === undefined ? '' : headOf(earlier)): SessionRecord {
    const text = this.seal(sesid, record.text, head)
    if (text === record.text) return record
    return earlier !== undefined && this.isPlain(earlier) ? { ...record, text, forgetEarlier: true } : { ...record, text }
  }

  /** Wipes the keys of the session, which has ended. */
  forget (sesid: string): void {
    this.#memory.forget(sesid)
  }

  /** Wipes all keys that are in memory. They are derived anew when they are needed. */
  clear (): void {
    this.#memory.clear()
  }

  #keysOf (sealed: string): SessionKeys | null {
    const body = bodyOf(sealed)
    for (const keys of this.#all) if (body.startsWith(keys.heading)) return keys
    return null
  }
}

function encrypt ({ key, authenticated }: CipherKey, text: string, head: string): string {
  fillRandom(nonce, NONCE_SIZE)
  const cipher = createCipheriv(ALGORITHM, key, nonce)
  cipher.setAAD(allAuthenticated(authenticated, head))
  const encrypted = cipher.update(text, 'utf8')
  cipher.final()
  const size = encrypted.length + LEAST_SIZE
  const bytes = size > workspace.length ? Buffer.allocUnsafe(size) : workspace
  nonce.copy(bytes)
  encrypted.copy(bytes, NONCE_SIZE)
  cipher.getAuthTag().copy(bytes, size - TAG_SIZE)
  return bytes.toString('base64url', 0, size)
}

function decrypt ({ key, authenticated }: CipherKey, bytes: Buffer, head: string): string | null {
  return decryptText(key, bytes, allAuthenticated(authenticated, head))
}

function allAuthenticated (authenticated: Uint8Array, head: string): Uint8Array {
  return head === '' ? authenticated : Buffer.concat([authenticated, Buffer.from(head)])
}
