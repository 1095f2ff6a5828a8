import { hkdfSync } from 'node:crypto'
import type { KeyMemory } from './key-memory'
import type { CipherKey } from './sealed-chain'
import { headingOf, NO_SECRET } from './sealed-text'
import { storageName } from './session-id'

const KEY_SIZE = 32
/** Bytes: 48 bits tell the secrets of one app apart. */
const KEY_ID_SIZE = 6

/**
 * The keys of sessions under one secret of the server, or under none.
 *
 * - Key: HKDF-SHA-256 of the session id; salt: the secret, or nothing; info: purpose and appid.
 * - Authenticated data: heading, appid, a zero byte, storage name.
 * - Id of the secret: HKDF-SHA-256 of the secret with a purpose of its own. It tells nothing else of it.
 */
export class SessionKeys {
  /** Names the secret. It stays the same wherever in the list the secret stands. */
  readonly keyId: string
  /** What texts that are encrypted under these keys begin with. */
  readonly heading: string
  readonly #appid: string
  readonly #secret: Uint8Array
  readonly #info: string
  /** Shared by all secrets of an app. */
  readonly #memory: KeyMemory

  constructor (appid: string, secret: string | Uint8Array | null, memory: KeyMemory) {
    this.#appid = appid
    this.#secret = secret === null ? Buffer.alloc(0) : Buffer.from(secret)
    this.#info = `fastify-file-sessions session key\0${appid}`
    this.#memory = memory
    this.keyId = secret === null ? NO_SECRET : idOf(this.#secret)
    this.heading = headingOf(this.keyId)
  }

  /** Lends the session's key to `use`, which must not keep it: it may be wiped afterwards. */
  lend<T> (sesid: string, use: (key: CipherKey) => T): T {
    return this.#memory.lend(sesid, this.keyId, () => this.#derive(sesid), use)
  }

  /** Returns a key of the secret for a purpose other than sessions; null without a secret. */
  keyFor (purpose: string): Buffer | null {
    if (this.keyId === NO_SECRET) return null
    return Buffer.from(hkdfSync('sha256', this.#secret, '', `fastify-file-sessions ${purpose}\0${this.#appid}`, KEY_SIZE))
  }

  #derive (sesid: string): CipherKey {
    return {
      keyId: this.keyId,
      key: Buffer.from(hkdfSync('sha256', sesid, this.#secret, this.#info, KEY_SIZE)),
      authenticated: Buffer.from(`${this.heading}${this.#appid}\0${storageName(this.#appid, sesid)}`)
    }
  }
}

function idOf (secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, '', 'fastify-file-sessions key id', KEY_ID_SIZE)).toString('base64url')
}
