/** Descriptors that this process keeps at most, of all it may have: a small part of what systems allow. */
const MOST = 128
/** Milliseconds. What was not used for this long is closed, at the latest after twice as long. */
const IDLE = 5000

interface Holder {
  /** Set by every use. */
  isUsed: boolean
  release: () => void
}

/**
 * What this process keeps open, of all stores together: a few descriptors, for a short while, and
 * none that is needed elsewhere.
 */
export class Descriptors {
  readonly #holders = new Set<Holder>()
  #timer: NodeJS.Timeout | undefined

  get hasRoom (): boolean {
    return this.#holders.size < MOST
  }

  /** Answers false when there are too many already. */
  add (holder: Holder): boolean {
    if (!this.hasRoom) return false
    this.#holders.add(holder)
    this.#timer ??= setInterval(() => { this.#closeUnused() }, IDLE).unref()
    return true
  }

  delete (holder: Holder): void {
    if (!this.#holders.delete(holder) || this.#holders.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Answers whether there was anything to close. */
  closeAll (): boolean {
    const isAny = this.#holders.size > 0
    for (const holder of this.#holders) holder.release()
    return isAny
  }

  #closeUnused (): void {
    for (const holder of this.#holders) {
      if (holder.isUsed) holder.isUsed = false
      else holder.release()
    }
  }
}

export const descriptors = new Descriptors()
