import { NO_SECRET, type SealedText } from '../store/sealed-text'
import { SessionCipher } from '../store/session-cipher'
import type { SettledEncryption } from '../store/encryption-options'

/** How a session is encrypted. */
export interface Encrypted {
  /** The number of the format. */
  format: number
  /** The id of the secret; null: it is encrypted without one. */
  secret: string | null
  /** Where the secret stands among those given, from 1 for the newest; null: nowhere. */
  number: number | null
}

export interface EncryptedCount extends Encrypted { sessions: number }

/** Counts encrypted sessions by format and secret. */
export class EncryptedCounts {
  readonly #counts = new Map<string, EncryptedCount>()
  readonly #appid: string
  readonly #encryption: SettledEncryption | undefined

  constructor (appid: string, encryption: SettledEncryption | undefined) {
    this.#appid = appid
    this.#encryption = encryption
  }

  add (sealed: SealedText): void {
    const key = `${sealed.format} ${sealed.keyId}`
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { ...describedSeal(this.#appid, sealed, this.#encryption), sessions: 0 }
      this.#counts.set(key, count)
    }
    count.sessions++
  }

  /** Returns the counts, the most sessions first. */
  list (): EncryptedCount[] {
    return [...this.#counts.values()].sort((one, other) => other.sessions - one.sessions)
  }
}

/** Returns how a text is encrypted, with the number of its secret if that is among those given. */
export function describedSeal (appid: string, { format, keyId }: SealedText, encryption: SettledEncryption | undefined): Encrypted {
  if (keyId === NO_SECRET) return { format, secret: null, number: null }
  const at = new SessionCipher(appid, encryption ?? false).keyIds.indexOf(keyId)
  return { format, secret: keyId, number: at === -1 ? null : at + 1 }
}

/** Says in words how sessions are encrypted. */
export function encryptedHow ({ format, secret, number }: Encrypted): string {
  if (secret === '') return 'encrypted, as far as can be told: the text does not begin as it should'
  const under = secret === null ? 'without a secret' : `under secret ${secret}${number === null ? '' : ` (number ${number})`}`
  return `encrypted ${under}, format ${format}`
}
