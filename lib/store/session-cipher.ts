import { check } from '../option-checks'
import type { UnopenedCause } from '../diagnostics'
import { unopened } from '../unopened'
import type { SettledEncryption } from './encryption-options'
import { KeyMemory } from './key-memory'
import { openChain, sealPart, sealWhole, SHORTEST_CHAIN, type OpenedChain } from './sealed-chain'
import { describeSealed, FORMAT, headingOf, isReserved, isSealed, NO_SECRET, takenForSealed } from './sealed-text'
import { bodyOf, DAMAGED_TEXT, headerOf, headOf, isHeaded, isNewerHeader } from './session-header'
import { SessionKeys } from './session-keys'
import type { SessionRecord } from './session-record'

const OFF: SettledEncryption = { secrets: undefined, acceptPlain: true, writePlain: true }

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
    if (stored === DAMAGED_TEXT) return 'damaged'
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
    const known = this.#memory.knownOf(sesid)
    const isKnown = known?.stored === stored
    if (isKnown && !isHeaded(stored)) return known.plain
    const refusal = this.refusal(stored)
    if (refusal !== null) throw unopened(this.#appid, refusal)
    if (isHeaded(stored) && headerOf(stored) === null) throw unopened(this.#appid, 'damaged')
    if (!isSealed(stored)) return bodyOf(stored)
    if (isKnown) return known.plain
    const keys = this.#keysOf(stored) as SessionKeys
    const head = headOf(stored)
    const chain = { stored, head, start: head.length + keys.heading.length }
    const opened = keys.lend(sesid, key => openChain(key, chain, known))
    if (opened === null) throw unopened(this.#appid, 'damaged')
    this.#memory.remember(sesid, opened)
    return opened.plain
  }

  /**
   * Returns what is to be stored of a plain text. `head` is what stands before it, with its newline.
   * `earlier` is what it takes the place of: the text is that with another part, if that is best.
   *
   * @throws {SessionError} SESSION_CODEC, for a text that begins as encrypted ones or headers do
   */
  seal (sesid: string, text: string, head = '', earlier = ''): string {
    if (isReserved(text)) throw takenForSealed()
    const keys = this.#newest
    if (keys === null) return head + text
    const sealed = this.#withPart(keys, sesid, text, head, earlier) ?? keys.lend(sesid, key => sealWhole(key, text, head, keys.heading))
    this.#memory.remember(sesid, sealed)
    return sealed.stored
  }

  /**
   * Returns the record that is to be stored, of one with a plain text. `earlier` is the text that it
   * takes the place of, as it is stored. `head` is what stands before the text. Left out: the head of `earlier`.
   *
   * @throws {SessionError} as `seal` does
   */
  sealRecord (sesid: string, record: SessionRecord, earlier?: string, head = earlier === undefined ? '' : headOf(earlier)): SessionRecord {
    const text = this.seal(sesid, record.text, head, earlier)
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

  /** Returns the earlier text with another part; null when the text is to be encrypted as a whole. */
  #withPart (keys: SessionKeys, sesid: string, text: string, head: string, earlier: string): OpenedChain | null {
    if (earlier.length < SHORTEST_CHAIN || headOf(earlier) !== head || !earlier.startsWith(keys.heading, head.length)) return null
    const known = this.#memory.knownOf(sesid)
    if (known?.stored !== earlier) return null
    const chain = { stored: earlier, head, start: head.length + keys.heading.length }
    return keys.lend(sesid, key => sealPart(key, chain, known, text))
  }

  #keysOf (sealed: string): SessionKeys | null {
    const body = bodyOf(sealed)
    for (const keys of this.#all) if (body.startsWith(keys.heading)) return keys
    return null
  }
}
