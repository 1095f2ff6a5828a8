/**
 * Whether a server counts as down. It does from the moment that a call failed because its time was
 * up: one call at a time tries on then, and the others fail at once, until a call gets through.
 * `C` is what is known of the cause.
 */
export class Outage<C> {
  #cause: C | null = null
  #isTried = false

  /** Why the server counts as down; null: it does not. */
  get cause (): C | null {
    return this.#cause
  }

  begin (cause: C): void {
    this.#cause = cause
  }

  end (): void {
    this.#cause = null
  }

  /** Returns what `attempt` returns. @throws what `refusal` returns, while another attempt is under way */
  async try<T> (attempt: () => Promise<T>, refusal: () => Error): Promise<T> {
    if (this.#isTried) throw refusal()
    this.#isTried = true
    try {
      return await attempt()
    } finally {
      this.#isTried = false
    }
  }
}
