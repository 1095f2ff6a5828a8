import { hasCode } from '../../errors'
import { descriptors, type Holder } from './descriptors'
import { birth, checkWhole, type DiskNow, type FileNumber, type FileStatus } from './disk'
import { openToAppendNow } from './private-file'

/**
 * Milliseconds for which a descriptor may stand for the path that it was opened by, or found at. A directory
 * that was moved by hand shows nowhere else, and neither does a second change in the same tick of a
 * coarse clock.
 */
const TRUSTED = 20
/** Milliseconds: to open a file in order to look at it pays when it is looked at again so soon. */
const HOT = 5
/** Milliseconds for which a file that could not be opened is only looked at. */
const REFUSED = 1000

/**
 * A session file that is in use, kept open for the next request: to look at it and to append to it
 * then takes half the time.
 *
 * What is open may be a file that is no longer at the path. So before each use the file is asked
 * whether it still has a name and was not changed since; and in any case it is soon looked for at its path.
 * No method waits, and the descriptor never leaves this class: so it is never closed while in use.
 */
export class HeldFile implements Holder {
  readonly #path: string
  readonly #disk: DiskNow
  #fd: number | null = null
  /** Which file is open. Its number is not used again while it is. */
  #ino: FileNumber = 0
  #born = 0
  /** When it was at its path. */
  #foundAt = 0
  /** When it was looked at last, by whatever way. */
  #lookedAt = -Infinity
  /** Do not retry opening before this time: the last attempt was refused. */
  #refusedUntil = 0
  #isKept = false
  isUsed = false

  constructor (path: string, disk: DiskNow) {
    this.#path = path
    this.#disk = disk
  }

  /**
   * Returns what the file at the path is; undefined when there is none or the disk cannot say.
   * `ctimeMs` is when the file was last changed, as far as is known, and `now` a clock that is never set.
   */
  status (ctimeMs: number, now: number): FileStatus | undefined {
    const status = this.#check(ctimeMs, now)
    const isHot = now - this.#lookedAt < HOT
    this.#lookedAt = now
    if (status !== null) return status
    if (isHot && descriptors.hasRoom && now >= this.#refusedUntil) {
      try {
        return this.#open(now)
      } catch {
        this.#refusedUntil = now + REFUSED
      }
    }
    return this.#disk.lstat(this.#path)
  }

  /**
   * Appends the bytes and returns what the file is then; undefined, with nothing appended, when there is no file at
   * the path, or the disk took long to find it. Must be followed by `rest`, also when it throws.
   *
   * @throws what opening and writing do, {SessionFileError} when the file is not private
   */
  append (bytes: Buffer, ctimeMs: number, now: number): FileStatus | undefined {
    try {
      if (this.#check(ctimeMs, now) === null) this.#open(now)
      if (this.#foundAt === now && !this.#disk.isQuick()) return undefined
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
    const fd = this.#fd as number
    checkWhole(this.#disk.write(fd, bytes), bytes)
    return this.#disk.fstat(fd)
  }

  /** Reads the bytes between two offsets of the file that was just appended to. */
  read (from: number, to: number): Buffer {
    const bytes = Buffer.allocUnsafe(to - from)
    let filled = 0
    while (filled < bytes.length) {
      const count = this.#disk.read(this.#fd as number, bytes.subarray(filled), from + filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  }

  /** Ends a use: closes the file if there is no room to keep it. */
  rest (): void {
    if (!this.#isKept) this.release()
  }

  release (): void {
    const fd = this.#fd
    if (fd === null) return
    this.#fd = null
    if (this.#isKept) descriptors.delete(this)
    this.#isKept = false
    try {
      this.#disk.close(fd)
    } catch {
      // It is closed all the same, and what was written has long been answered for.
    }
  }

  /** Returns what the file is if the descriptor still stands for the path; otherwise null, and it is closed. */
  #check (ctimeMs: number, now: number): FileStatus | null {
    const fd = this.#fd
    if (fd === null) return null
    const status = now - this.#foundAt < TRUSTED ? this.#statusOf(fd) : this.#statusAtPath(now)
    if (status?.ctimeMs === ctimeMs) {
      this.isUsed = true
      return status
    }
    this.release()
    return null
  }

  #statusOf (fd: number): FileStatus | undefined {
    try {
      const status = this.#disk.fstat(fd)
      return status.nlink > 0 ? status : undefined
    } catch {
      // The next attempt to open it by its path tells what is wrong.
      return undefined
    }
  }

  /** Costs half of what it does to open it again. */
  #statusAtPath (now: number): FileStatus | undefined {
    const status = this.#disk.lstat(this.#path)
    if (status?.ino !== this.#ino || birth(status) !== this.#born) return undefined
    this.#foundAt = now
    return status
  }

  #open (now: number): FileStatus {
    const { fd, status } = openToAppendNow(this.#disk, this.#path)
    this.#fd = fd
    this.#ino = status.ino
    this.#born = birth(status)
    this.#foundAt = now
    this.#isKept = descriptors.add(this)
    this.isUsed = true
    return status
  }
}
