import { AsyncResource } from 'node:async_hooks'
import { hasCode } from '../../errors'

/** Descriptors that this process keeps at most, of all it may have: a small part of what systems allow. */
const MOST = 128
/** Milliseconds. What was not used for this long is closed, at the latest after twice as long. */
const IDLE = 5000
/** For so long (milliseconds) nothing is kept after others needed the room. */
const SCARCE = 1000

/** Not in the context of the request that happens to come first: it would be held in memory. */
const startTimer = AsyncResource.bind((tick: () => void): NodeJS.Timeout => setInterval(tick, IDLE).unref())

export interface Holder {
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
  readonly #now: () => number
  #scarceUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  get hasRoom (): boolean {
    return this.#holders.size < MOST && this.#now() >= this.#scarceUntil
  }

  /** Answers false when there are too many already. */
  add (holder: Holder): boolean {
    if (!this.hasRoom) return false
    this.#holders.add(holder)
    this.#timer ??= startTimer(() => { this.#closeUnused() })
    return true
  }

  delete (holder: Holder): void {
    if (!this.#holders.delete(holder) || this.#holders.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  closeAll (): void {
    for (const holder of this.#holders) holder.release()
  }

  /** Closes all, because somebody needs the room, and keeps none for a while. Answers false when there is nothing to close. */
  makeRoom (): boolean {
    if (this.#holders.size === 0) return false
    this.#scarceUntil = this.#now() + SCARCE
    this.closeAll()
    return true
  }

  #closeUnused (): void {
    for (const holder of this.#holders) {
      if (holder.isUsed) holder.isUsed = false
      else holder.release()
    }
  }
}

export const descriptors = new Descriptors()

/** Does what needs a descriptor; once more, when it failed for want of one and some could be given back. */
export async function withRoom<T> (work: () => Promise<T>, kept = descriptors): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isWanting(error) || !kept.makeRoom()) throw error
    return await work()
  }
}

export function withRoomNow<T> (work: () => T, kept = descriptors): T {
  try {
    return work()
  } catch (error) {
    if (!isWanting(error) || !kept.makeRoom()) throw error
    return work()
  }
}

function isWanting (error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENFILE')
}
