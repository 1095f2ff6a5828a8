import { hasCode, SessionStoreError } from '../../errors'

/**
 * Keys that have the name of a session and hold something else, as of another program or a newer version. A call for
 * all sessions goes on without them, and says so when it is done with the others.
 */
export class LeftKeys {
  #count = 0
  #first: SessionStoreError | undefined

  /** Returns what a call for one key returns; null for a key that is left out. @throws what the call was rejected with, if it may be so with all keys */
  async without <T> (call: Promise<T>): Promise<T | null> {
    try {
      return await call
    } catch (error) {
      if (!(error instanceof SessionStoreError) || !hasCode(error.cause, 'WRONGTYPE', 'NEWER')) throw error
      this.#first ??= error
      this.#count++
      return null
    }
  }

  /** @throws {SessionStoreError} when keys were left out */
  check (): void {
    if (this.#first === undefined) return
    const { message, cause } = this.#first
    throw new SessionStoreError(`${message}. Keys that were left out: ${this.#count}`, { cause, outcome: 'refused' })
  }
}
