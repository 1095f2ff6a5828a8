import type { Disk, DiskCalls, DiskNow, FileStatus, Patience } from './disk'
import { readView } from './file-reading'
import { isSame, isWarm, wasAlive, type FileView, type ReadView, type SizeLimits } from './file-view'
import { HeldFile } from './held-file'
import { checkPrivateFile, openToRead } from './private-file'
import { find } from './second-look'

/**
 * When a file is rewritten, how long that may take, and the length (bytes) above which it is not read.
 * Of a text that has `patchFrom` UTF-16 code units or more, a record holds what changed; left out: none does.
 */
export type FileLimits = SizeLimits & Patience & { longest?: number, patchFrom?: number }

export const LIMITS: FileLimits = { size: 16 * 1024, fewestRecords: 8, stale: 2000, patience: 5, patchFrom: 64 }
/**
 * The same where sessions are encrypted. A short one is stored whole at each save, and 100 bytes are about 250 then: so a
 * file takes more bytes before it is rewritten, which costs as much as ten saves.
 */
export const ENCRYPTED_LIMITS: FileLimits = { ...LIMITS, size: 4 * LIMITS.size }
/** More bytes than this are not written at once. */
export const IMMEDIATE_SIZE = 64 * 1024

/**
 * What this process has seen of one session file. The last view stands while one `lstat` shows the
 * same inode, birth time and size: the file only ever grows, until another takes its place.
 */
export class SeenFile {
  #view: FileView | null
  #held: HeldFile | null = null

  readonly limits: FileLimits

  /** `known` is a view that was had before. */
  constructor (
    readonly path: string, readonly disk: Disk, readonly durable: boolean, { limits = LIMITS, known = null }: { limits?: FileLimits, known?: FileView | null } = {}
  ) {
    this.limits = limits
    this.#view = known
  }

  /** The last view; null when the file was never seen, or was not there. */
  get view (): FileView | null {
    return this.#view
  }

  /** Returns the file as it stands; undefined when the disk would have to be waited for. `now` is what `performance.now()` says. */
  recall (now = performance.now()): FileView | undefined {
    const known = this.#view
    const disk = this.disk.now
    if (known === null || !isWarm(known, now) || disk?.isReadyToRead(now) !== true) return undefined
    const status = this.hold(disk).status(known.ctimeMs, now)
    return status === undefined ? undefined : this.#confirm(known, status, now)
  }

  /** Returns the file as it stands; null when there is none. */
  async read (): Promise<FileView | null> {
    const known = this.#view
    if (known !== null) {
      const status = await this.find(() => this.disk.lstat(this.path))
      if (status === null) return this.forget()
      const confirmed = this.#confirm(known, status)
      if (confirmed !== undefined) return confirmed
    }
    this.release()
    const fd = await this.find(() => openToRead(this.disk, this.path))
    if (fd === null) return this.forget()
    try {
      return this.remember((await this.readView(fd, known)).view)
    } finally {
      await this.disk.close(fd)
    }
  }

  /** Closes what is kept open of the file, which can be used on. */
  release (): void {
    this.#held?.release()
  }

  protected async readView (fd: number, known: FileView | null, watched?: string): Promise<ReadView> {
    return await readView(this.disk, fd, known, watched, this.limits.longest)
  }

  /** Looks for the file; once more, if it was there before. */
  protected async find<T> (look: () => Promise<T>): Promise<T | null> {
    return await find(this, wasAlive(this.#view), look)
  }

  protected remember (view: FileView): FileView {
    this.#view = view
    return view
  }

  protected forget (): null {
    this.#view = null
    this.release()
    return null
  }

  protected hold (disk: DiskNow): HeldFile {
    this.#held ??= new HeldFile(this.path, disk)
    return this.#held
  }

  /** The disk for calls in a row, of which one may write so many bytes. */
  protected diskFor (size: number): DiskCalls {
    return this.durable || size > IMMEDIATE_SIZE ? this.disk : this.disk.eager ?? this.disk
  }

  /** Returns the view, if the status shows that it still stands. */
  #confirm (known: FileView, status: FileStatus, now = performance.now()): FileView | undefined {
    if (!isSame(known, status) || known.size !== status.size) return undefined
    known.seenAt = now
    const { atimeMs, mtimeMs, ctimeMs } = status
    if (known.ctimeMs === ctimeMs && known.atimeMs === atimeMs && known.mtimeMs === mtimeMs) return known
    checkPrivateFile(status)
    return this.remember({ ...known, atimeMs, mtimeMs, ctimeMs })
  }
}
