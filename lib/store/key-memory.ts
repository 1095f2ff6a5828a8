import { LRUCache } from 'lru-cache'
import type { CipherKey, OpenedChain } from './sealed-chain'
import { LONGEST_REMEMBERED } from './session-id'

/** Keys of so many sessions are remembered: to derive one takes longer than to use it. */
const SESSIONS = 10_000
/** Characters of text, encrypted and plain, that are remembered in all. */
const MOST_TEXT = 8 * 1024 * 1024

/** Characters. A text counts for a multiple of these, so that one that hardly grows takes the place of the one before. */
const STEP = 256

/**
 * The keys and plain texts of the sessions that were used last, each under the secret that it was used
 * with last. So the bounds are for all secrets together, and a session that moves to another secret
 * leaves no key behind. Every key that goes is wiped.
 */
export class KeyMemory {
  readonly #keys = new LRUCache<string, CipherKey>({ max: SESSIONS, dispose: ({ key }) => { key.fill(0) } })
  readonly #texts = new LRUCache<string, { text: OpenedChain, readonly size: number }>({
    maxSize: MOST_TEXT, sizeCalculation: ({ size }) => size
  })

  /** Lends the session's key under this secret to `use`, which must not keep it: it may be wiped afterwards. */
  lend<T> (sesid: string, keyId: string, derive: () => CipherKey, use: (key: CipherKey) => T): T {
    const known = this.#keys.get(sesid)
    if (known?.keyId === keyId) return use(known)
    const derived = derive()
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

  /** Returns the text of the session that was encrypted or decrypted last, which may be an earlier one. */
  knownOf (sesid: string): OpenedChain | undefined {
    return this.#texts.get(sesid)?.text
  }

  remember (sesid: string, text: OpenedChain): void {
    if (sesid.length > LONGEST_REMEMBERED) return
    const { stored, plain, before } = text
    const size = Math.ceil((stored.length + plain.length + (before === plain ? 0 : before.length)) / STEP) * STEP
    const known = this.#texts.get(sesid)
    if (known?.size === size) known.text = text
    else this.#texts.set(sesid, { text, size })
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
}
