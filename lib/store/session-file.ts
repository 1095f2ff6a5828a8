import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { birth, syncDirectory, unlessMissing, type Disk, type FileStatus } from './disk'
import { encodeRecord, fold, NO_RECORD, type JournalRecord } from './journal'
import { replaceSealed, takeLockAway, type Patience } from './seal'

export interface FileLimits extends Patience {
  /** A file that is longer than this (bytes), and than so many of its records, is sealed and rewritten. */
  size: number
  fewestRecords: number
}

const LIMITS: FileLimits = { size: 16 * 1024, fewestRecords: 4, stale: 2000, patience: 5 }

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** What was seen of the file at one moment. Never changed, only replaced by a later view. */
export interface FileView {
  /** Null when the file holds no whole record. */
  tip: JournalRecord | null
  /** Milliseconds since 1970, as set or as the last read or write left them. */
  atimeMs: number
  mtimeMs: number
  /** Which file this is, and how much of it was read. */
  ino: number
  born: number
  size: number
  end: number
  torn: boolean
  /** With `durability: 'fsync'`: whether this process has synced the directory entry of the file. */
  entrySynced: boolean
}

/** `lost`: another record was first, read again. `gone`: the session was destroyed. */
export type Appended = 'won' | 'lost' | 'gone'

/**
 * One session file: reads it, appends to it, removes it, all as fits many processes doing so at
 * once. Given the last view of the file it goes on from there: a view stands while one `lstat`
 * shows the same inode, birth time and size, for the file only ever grows, until another takes its
 * place.
 *
 * Methods reject with the system's own errors; a file that is missing is an answer.
 */
export class SessionFile {
  #view: FileView | null

  constructor (
    readonly path: string, readonly disk: Disk, readonly durable: boolean, known: FileView | null = null,
    readonly limits: FileLimits = LIMITS
  ) {
    this.#view = known
  }

  /** The last view; null when the file was never seen, or was not there. */
  get view (): FileView | null {
    return this.#view
  }

  /** The file as it stands; null when there is none. */
  async read (): Promise<FileView | null> {
    const known = this.#view
    if (known !== null) {
      const status = await unlessMissing(this.disk.lstat(this.path))
      if (status === null) return this.#forget()
      if (isSame(known, status) && known.size === status.size) {
        if (known.atimeMs === status.atimeMs && known.mtimeMs === status.mtimeMs) return known
        return this.#remember({ ...known, atimeMs: status.atimeMs, mtimeMs: status.mtimeMs })
      }
    }
    const fd = await unlessMissing(this.disk.open(this.path, O_RDONLY | O_NOFOLLOW))
    if (fd === null) return this.#forget()
    try {
      return this.#remember((await this.#readFrom(fd, known)).view)
    } finally {
      await this.disk.close(fd)
    }
  }

  /**
   * Makes the file with its first record. Rejects with EEXIST when there is one, with ENOENT when
   * the directory is missing; leaves nothing behind when it fails.
   */
  async create (record: JournalRecord): Promise<void> {
    const bytes = encodeRecord(record, NO_RECORD)
    const fd = await this.disk.open(this.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await this.#write(fd, bytes)
      if (this.durable) await syncDirectory(this.disk, dirname(this.path))
      const status = await this.disk.fstat(fd)
      this.#remember(viewOf(status, record, bytes.length, false, this.durable))
    } catch (error) {
      await unlessMissing(this.disk.unlink(this.path))
      throw error
    } finally {
      await this.disk.close(fd)
    }
  }

  /**
   * Appends a record that replaces the one with the id `previous`. It has won if and only if it is
   * in the chain of the file that it was written to: the file is never created here, so a session
   * that was destroyed stays so.
   *
   * When the file has become too long, or holds bytes that are no record, the winner is a seal: it
   * ends this file, and a new one that starts with the same record takes its place.
   */
  async append (record: JournalRecord, previous: string): Promise<Appended> {
    const fd = await unlessMissing(this.disk.open(this.path, O_RDWR | O_APPEND | O_NOFOLLOW))
    if (fd === null) {
      this.#forget()
      return 'gone'
    }
    let outcome: Appended
    try {
      outcome = await this.#appendTo(fd, record, previous)
    } finally {
      await this.disk.close(fd)
    }
    if (outcome === 'won' && record.seal) {
      // The record is stored. If the new file cannot be made now, whoever saves next will.
      await this.unseal().catch(() => undefined)
    }
    return outcome
  }

  async #appendTo (fd: number, record: JournalRecord, previous: string): Promise<Appended> {
    const known = this.#view
    record.seal = known !== null && mustSeal(known, record, this.limits)
    const bytes = encodeRecord(record, previous)
    await this.#write(fd, bytes)

    const status = await this.disk.fstat(fd)
    if (known?.tip?.id === previous && isSame(known, status) && known.end === known.size &&
        status.size === known.size + bytes.length && status.nlink > 0) {
      // Nobody wrote since that view, so there is nothing to read: the record follows its tip.
      await this.#syncEntry(known.entrySynced)
      this.#remember(viewOf(status, record, status.size, known.torn, this.durable))
      return 'won'
    }

    const { view, won } = await this.#readFrom(fd, known, record.id)
    if (won && view.tip?.seal === false && status.nlink === 0) {
      this.#forget()
      return 'gone'
    }
    if (won) await this.#syncEntry(view.entrySynced)
    this.#remember({ ...view, entrySynced: view.entrySynced || (this.durable && won) })
    return won ? 'won' : 'lost'
  }

  /** When the file ends in a seal, puts the file that follows in its place, or sees that done. */
  async unseal (): Promise<void> {
    const view = await this.read()
    if (view?.tip?.seal !== true) return
    await replaceSealed(this, { ...view.tip, seal: false }, view.born, async () => {
      const now = await unlessMissing(this.disk.lstat(this.path))
      return now !== null && isSame(view, now)
    })
  }

  /**
   * Sets the access time and keeps the modification time.
   * A file that is gone meanwhile is left gone.
   */
  async touch (now: number): Promise<void> {
    const view = this.#view ?? await this.read()
    if (view === null) return
    await unlessMissing(this.disk.lutimes(this.path, now / 1000, view.mtimeMs / 1000))
  }

  /** Removes the file for good: nothing under way elsewhere brings it back. */
  async remove (): Promise<void> {
    this.#forget()
    await this.#takeAway(() => this.disk.unlink(this.path))
  }

  /** Moves the file out of the way, to a name that no session has. */
  async setAside (name: string): Promise<void> {
    this.#forget()
    await this.#takeAway(() => this.disk.rename(this.path, `${this.path}.${name}.aside`))
  }

  /**
   * A process may be about to put a new file in place of a sealed one. Its lock is taken away
   * first, so that its rename fails; and again, until nothing was there in two rounds: one that
   * got between must have left either its lock or its file to be found.
   */
  async #takeAway (take: () => Promise<void>): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const tookLock = await takeLockAway(this)
      const tookFile = await unlessMissing(take().then(() => true)) ?? false
      quiet = tookLock || tookFile ? 0 : quiet + 1
    }
  }

  async #readFrom (fd: number, known: FileView | null, watched?: string): Promise<{ view: FileView, won: boolean }> {
    const status = await this.disk.fstat(fd)
    const same = known !== null && isSame(known, status) && known.end <= status.size
    const start = same ? known.end : 0
    const bytes = await readAll(this.disk, fd, start, status.size - start)
    const { tip, end, torn, won } = fold(bytes, start, same ? known.tip : null, watched)
    const view = viewOf(status, tip, end, torn || (same && known.torn), same && known.entrySynced)
    return { view: { ...view, size: start + bytes.length }, won }
  }

  /** One write. A short one is an error: what it left behind is no record, and so ignored. */
  async #write (fd: number, bytes: Buffer): Promise<void> {
    const written = await this.disk.write(fd, bytes)
    if (written < bytes.length) {
      throw Object.assign(new Error(`ENOSPC: short write, ${written} of ${bytes.length} bytes`),
        { code: 'ENOSPC', syscall: 'write' })
    }
    if (this.durable) await this.disk.fdatasync(fd)
  }

  /** A file that this process did not make may have been put there by a rename not yet on the disk. */
  async #syncEntry (synced: boolean): Promise<void> {
    if (this.durable && !synced) await syncDirectory(this.disk, dirname(this.path))
  }

  #remember (view: FileView): FileView {
    this.#view = view
    return view
  }

  #forget (): null {
    this.#view = null
    return null
  }
}

function viewOf (status: FileStatus, tip: JournalRecord | null, end: number, torn: boolean, entrySynced: boolean): FileView {
  return {
    tip,
    end,
    torn,
    entrySynced,
    ino: status.ino,
    born: birth(status),
    size: status.size,
    atimeMs: status.atimeMs,
    mtimeMs: status.mtimeMs
  }
}

/** Inode numbers are used again at once, so the birth time must agree as well. */
function isSame (view: FileView, status: FileStatus): boolean {
  return view.ino === status.ino && view.born === birth(status)
}

function mustSeal (view: FileView, record: JournalRecord, { size, fewestRecords }: FileLimits): boolean {
  const length = Buffer.byteLength(record.text)
  return view.torn || view.size + length > Math.max(size, fewestRecords * length)
}

async function readAll (disk: Disk, fd: number, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = await disk.read(fd, bytes.subarray(filled), start + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
