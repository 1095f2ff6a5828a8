import { constants } from 'node:fs'
import { descriptors, type Holder } from './descriptors'
import type { FileStatus, ImmediateDisk } from './disk'

const { O_APPEND, O_NOFOLLOW, O_RDWR } = constants
export const TO_APPEND = O_RDWR | O_APPEND | O_NOFOLLOW
/**
 * For this long (milliseconds) a descriptor may stand for the path that it was opened by. A
 * directory that was moved by hand shows nowhere else, and neither does a second change in the
 * same tick of a coarse clock.
 */
const TRUSTED = 20
/** After it could not be opened, it is only looked at for this long (milliseconds). */
const REFUSED = 1000

/**
 * The descriptor of a session file that is in use, kept for the next request: to ask what the file
 * is and to append to it then takes half the time.
 *
 * It may be that of a file which is no longer at the path. So before each use the file is asked
 * whether it still has a name and was not changed since; and in any case it is opened anew soon.
 * Nothing here waits, so no descriptor is ever closed while somebody uses it.
 */
export class HeldFile implements Holder {
  readonly #path: string
  readonly #disk: ImmediateDisk
  #fd: number | null = null
  #openedAt = 0
  /** Until when it is not tried again to open it, for nobody may append to it. */
  #refusedUntil = 0
  #isKept = false
  isUsed = false

  constructor (path: string, disk: ImmediateDisk) {
    this.#path = path
    this.#disk = disk
  }

  /**
   * What the file at the path is; undefined when there is none or it cannot be said. `ctimeMs` is
   * when it was last changed, as far as is known, and `now` a clock that is never set.
   */
  status (ctimeMs: number, now: number): FileStatus | undefined {
    const status = this.#check(ctimeMs, now)
    if (status !== null) return status
    if (descriptors.hasRoom && now >= this.#refusedUntil) {
      try {
        return this.#disk.fstat(this.#open(now))
      } catch {
        this.release()
        this.#refusedUntil = now + REFUSED
      }
    }
    return this.#disk.lstat(this.#path)
  }

  /** The file at the path, to append by, and then to `rest`. @throws what opening does */
  descriptor (ctimeMs: number, now: number): number {
    return this.#check(ctimeMs, now) === null ? this.#open(now) : this.#fd as number
  }

  /** Closes what there is no room to keep. */
  rest (): void {
    if (!this.#isKept) this.release()
  }

  /** Leaves the descriptor to whoever asked for it, who closes it. */
  handOver (): void {
    this.#fd = null
    if (this.#isKept) descriptors.delete(this)
    this.#isKept = false
  }

  release (): void {
    const fd = this.#fd
    if (fd === null) return
    this.handOver()
    try {
      this.#disk.close(fd)
    } catch {
      // It is closed all the same, and what was written has long been answered for.
    }
  }

  /** What the file is if the descriptor still stands for the path; otherwise null, and it is closed. */
  #check (ctimeMs: number, now: number): FileStatus | null {
    if (this.#fd === null) return null
    if (now - this.#openedAt < TRUSTED) {
      try {
        const status = this.#disk.fstat(this.#fd)
        if (status.nlink > 0 && status.ctimeMs === ctimeMs) {
          this.isUsed = true
          return status
        }
      } catch {
        // Whoever opens it by its path learns what is wrong.
      }
    }
    this.release()
    return null
  }

  #open (now: number): number {
    this.#fd = this.#disk.open(this.#path, TO_APPEND)
    this.#openedAt = now
    this.#isKept = descriptors.add(this)
    this.isUsed = true
    return this.#fd
  }
}
