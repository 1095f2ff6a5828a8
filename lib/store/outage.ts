/**
 * Whether a server counts as down. It does from the moment that a call failed because its time was
 * up: one call at a time tries on then, and the others fail at once, until a call gets through.
 * `C` is what is known of the cause.
 */
export class Outage<C> {
  #cause: C | null = null
  /** Resolves when the attempt is over that is under way; null: none is. */
  #trial: Promise<unknown> | null = null

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

  /**
   * Returns what `attempt` returns. `isPatient`: the call waits for an attempt that is under way, because an earlier
   * one for the same thing may have been carried out, and its caller must know.
   *
   * @throws what `refusal` returns, while another attempt is under way
   */
  async try<T> (attempt: () => Promise<T>, refusal: () => Error, isPatient = false): Promise<T> {
    if (isPatient) await this.#trial
    if (this.#cause === null) return await attempt()
    if (this.#trial !== null) throw refusal()
    const trial = attempt()
    this.#trial = trial.then(() => {}, () => {})
    try {
      return await trial
    } finally {
      this.#trial = null
    }
  }
}
