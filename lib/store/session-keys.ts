import { hkdfSync } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { LONGEST_REMEMBERED, storageName } from './session-id'
import { headingOf, NO_SECRET } from './sealed-text'

/** Keys of so many sessions are remembered: to derive one takes longer than to use it. */
const SESSIONS = 10_000
/** Characters of plain text that are remembered in all. */
const MOST_TEXT = 8 * 1024 * 1024
const KEY_SIZE = 32
/** Bytes: 48 bits tell the secrets of one app apart. */
const KEY_ID_SIZE = 6

/** One session's key, and what is authenticated beside its text. */
export interface SessionKey {
  readonly key: Buffer
  readonly authenticated: Buffer
}

/** What a text was encrypted to, or decrypted from, last. */
interface KnownText { readonly sealed: string, readonly plain: string }

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
  readonly #keys = new LRUCache<string, SessionKey>({ max: SESSIONS, dispose: ({ key }) => { key.fill(0) } })
  readonly #texts = new LRUCache<string, KnownText>({
    maxSize: MOST_TEXT, sizeCalculation: ({ sealed, plain }) => sealed.length + plain.length
  })

  constructor (appid: string, secret: string | Uint8Array | null) {
    this.#appid = appid
    this.#secret = secret === null ? Buffer.alloc(0) : Buffer.from(secret)
    this.#info = `fastify-file-sessions session key\0${appid}`
    this.keyId = secret === null ? NO_SECRET : idOf(this.#secret)
    this.heading = headingOf(this.keyId)
  }

  /** Lends the session's key to `use`, which must not keep it: it may be wiped afterwards. */
  lend<T> (sesid: string, use: (key: SessionKey) => T): T {
    const known = this.#keys.get(sesid)
    if (known !== undefined) return use(known)
    const derived = this.#derive(sesid)
    if (sesid.length <= LONGEST_REMEMBERED) {
      this.#keys.set(sesid, derived)
      return use(derived)
    }
    try {
      return use(derived)
    } finally {
      derived.key.fill(0)
    }
  }

  /** Returns the plain text of a text that was encrypted or decrypted a moment ago. */
  plainOf (sesid: string, sealed: string): string | undefined {
    const known = this.#texts.get(sesid)
    return known?.sealed === sealed ? known.plain : undefined
  }

  remember (sesid: string, sealed: string, plain: string): void {
    if (sesid.length <= LONGEST_REMEMBERED) this.#texts.set(sesid, { sealed, plain })
  }

  /** Forgets the session: its key is wiped, and its text let go. */
  forget (sesid: string): void {
    this.#keys.delete(sesid)
    this.#texts.delete(sesid)
  }

  /** Wipes all keys. They are derived anew when they are needed. */
  clear (): void {
    this.#keys.clear()
    this.#texts.clear()
  }

  /** Returns a key of the secret for a purpose other than sessions; null without a secret. */
  keyFor (purpose: string): Buffer | null {
    if (this.keyId === NO_SECRET) return null
    return Buffer.from(hkdfSync('sha256', this.#secret, '', `fastify-file-sessions ${purpose}\0${this.#appid}`, KEY_SIZE))
  }

  #derive (sesid: string): SessionKey {
    return {
      key: Buffer.from(hkdfSync('sha256', sesid, this.#secret, this.#info, KEY_SIZE)),
      authenticated: Buffer.from(`${this.heading}${this.#appid}\0${storageName(this.#appid, sesid)}`)
    }
  }
}

function idOf (secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, '', 'fastify-file-sessions key id', KEY_ID_SIZE)).toString('base64url')
}
