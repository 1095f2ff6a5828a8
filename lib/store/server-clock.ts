import { performance } from 'node:perf_hooks'

/** What the server's clock shows now, to the best of this process's knowledge: every answer tells. */
export class ServerClock {
  #stamp = 0
  #heardAt = 0

  /** Takes over what the server's clock showed (ms since 1970) when it made an answer that came just now. */
  hear (stamp: number): void {
    this.#stamp = stamp
    this.#heardAt = performance.now()
  }

  /** Returns what the server's clock shows at a moment of `performance.now()`, or a little less, without a fraction, which takes longer to print. */
  at (moment: number): number {
    return Math.floor(this.#stamp + moment - this.#heardAt)
  }
}
