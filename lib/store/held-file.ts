import { constants } from 'node:fs'
import { descriptors } from './descriptors'
import type { FileStatus, ImmediateDisk } from './disk'

const { O_APPEND, O_NOFOLLOW, O_RDWR } = constants
export const TO_APPEND = O_RDWR | O_APPEND | O_NOFOLLOW
/** For this long (milliseconds) a descriptor stands for the path that it was opened by: directories are moved by hand. */
const TRUSTED = 1000

/**
 * The descriptor of a session file that is in use, kept for the next request: to ask what the file
 * is and to append to it then takes a third of the time.
 *
 * It may be that of a file which is no longer at the path. That is found out from the file itself,
 * which has no name or was changed since, and within a second in any case. Nothing here waits, so
 * no descriptor is ever closed while somebody uses it.
 */
export class HeldFile {
  readonly #path: string
  readonly #disk: ImmediateDisk
  #fd: number | null = null
  #openedAt = 0
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
    if (this.#isTrusted(now)) {
      const status = this.#disk.fstat(this.#fd as number)
      if (status.nlink > 0 && status.ctimeMs === ctimeMs) return status
    }
    this.release()
    if (!descriptors.hasRoom) return this.#disk.lstat(this.#path)
    try {
      return this.#disk.fstat(this.descriptor(now))
    } catch {
      this.release()
      return this.#disk.lstat(this.#path)
    }
  }

  /** To append by, and then to `rest`. @throws what opening does */
  descriptor (now: number): number {
    if (this.#isTrusted(now)) return this.#fd as number
    this.release()
    this.#fd = this.#disk.open(this.#path, TO_APPEND)
    this.#openedAt = now
    this.#isKept = descriptors.add(this)
    this.isUsed = true
    return this.#fd
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
    this.#disk.close(fd)
  }

  #isTrusted (now: number): boolean {
    if (this.#fd === null || now - this.#openedAt >= TRUSTED) return false
    this.isUsed = true
    return true
  }
}
