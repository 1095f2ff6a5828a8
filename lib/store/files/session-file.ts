import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from '../../errors'
import { syncDirectory, unlessMissing, type Disk, type FileStatus, type ImmediateDisk } from './disk'
import { isNext, isSame, isWarm, mustSeal, viewOf, type FileView, type SizeLimits } from './file-view'
import { openToRead, readView } from './file-reading'
import { HeldFile, TO_APPEND } from './held-file'
import { encodeRecord, NO_RECORD, type JournalRecord } from './journal'
import { replaceSealed, takeAway, type Patience, type Sealed } from './seal'

/** When a file is rewritten, and how long that may take. */
export type FileLimits = SizeLimits & Patience

const LIMITS: FileLimits = { size: 16 * 1024, fewestRecords: 8, stale: 2000, patience: 5 }
/** More bytes than this are not written at once. */
const IMMEDIATE_SIZE = 64 * 1024

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** `lost`: another record was first, read again. `gone`: the session was destroyed. */
export type Appended = 'won' | 'lost' | 'gone'

/**
 * One session file: reads it, appends to it, removes it, all as fits many processes doing so at
 * once. It remembers its last view of the file, which stands while one `lstat` shows the same
 * inode, birth time and size: the file only ever grows, until another takes its place.
 *
 * Methods reject with the system's own errors; a file that is missing is an answer.
 */
export class SessionFile {
  #view: FileView | null
  #held: HeldFile | null = null

  /** `known` is a view that was had before. */
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

  /** The file as it stands, if that can be said without waiting; otherwise undefined. */
  recall (): FileView | undefined {
    const known = this.#view
    const { immediate } = this.disk
    const now = performance.now()
    if (known === null || !isWarm(known, now) || immediate?.isReady() !== true) return undefined
    const status = this.#hold(immediate).status(known.ctimeMs, now)
    return status === undefined ? undefined : this.#confirm(known, status, now)
  }

  /** The file as it stands; null when there is none. */
  async read (): Promise<FileView | null> {
    const known = this.#view
    if (known !== null) {
      const status = await unlessMissing(this.disk.lstat(this.path))
      if (status === null) return this.#forget()
      const confirmed = this.#confirm(known, status)
      if (confirmed !== undefined) return confirmed
    }
    this.release()
    const fd = await unlessMissing(openToRead(this.disk, this.path))
    if (fd === null) return this.#forget()
    try {
      return this.#remember((await readView(this.disk, fd, known)).view)
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
    const disk = this.#diskFor(bytes.length)
    const fd = await disk.open(this.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await this.#write(disk, fd, bytes)
      if (this.durable) await syncDirectory(disk, dirname(this.path))
      const status = await disk.fstat(fd)
      this.#remember(viewOf(status, record, bytes.length, false, this.durable))
    } catch (error) {
      await unlessMissing(disk.unlink(this.path))
      throw error
    } finally {
      await disk.close(fd)
    }
  }

  /**
   * Appends a record that replaces the one with the id `previous`. It has won if and only if it is
   * in the chain of the file that it was written to: the file is never created here, so a session
   * that was destroyed stays so.
   *
   * When the file has become too long, or holds bytes that are no record, the winner is a seal: it
   * ends this file, and a new one that starts with the same record takes its place.
   *
   * Answers at once when nothing has to be waited for, and may then throw.
   */
  append (record: JournalRecord, previous: string): Appended | Promise<Appended> {
    const known = this.#view
    record.seal = known !== null && mustSeal(known, record, this.limits)
    const bytes = encodeRecord(record, previous)
    const { immediate } = this.disk
    const now = performance.now()
    const isQuick = known !== null && isWarm(known, now) && !this.durable && bytes.length <= IMMEDIATE_SIZE
    const appended = isQuick && immediate?.isReady() === true
      ? this.#appendNow(immediate, now, known, record, previous, bytes)
      : this.#appendLater(known, record, previous, bytes)
    return record.seal ? this.#sealed(appended) : appended
  }

  async #sealed (appended: Appended | Promise<Appended>): Promise<Appended> {
    const outcome = await appended
    if (outcome !== 'won') return outcome
    // The record is stored. If the new file cannot be made now, whoever saves next will.
    await this.unseal().catch(() => undefined)
    return this.#view === null ? 'gone' : 'won'
  }

  #appendNow (
    disk: ImmediateDisk, now: number, known: FileView, record: JournalRecord, previous: string, bytes: Buffer
  ): Appended | Promise<Appended> {
    const held = this.#hold(disk)
    let fd: number
    try {
      fd = held.descriptor(known.ctimeMs, now)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#forget()
      return 'gone'
    }
    try {
      checkWhole(disk.write(fd, bytes), bytes)
      const status = disk.fstat(fd)
      if (isNext(known, status, previous, bytes)) {
        this.#remember(viewOf(status, record, status.size, known.torn, false, now))
        return 'won'
      }
      held.handOver()
    } finally {
      held.rest()
    }
    return this.#lookBack(fd, known, record).finally(() => { disk.close(fd) })
  }

  async #appendLater (
    known: FileView | null, record: JournalRecord, previous: string, bytes: Buffer
  ): Promise<Appended> {
    const fd = await unlessMissing(this.disk.open(this.path, TO_APPEND))
    if (fd === null) {
      this.#forget()
      return 'gone'
    }
    let outcome: Appended = 'won'
    try {
      await this.#write(this.disk, fd, bytes)
      const status = await this.disk.fstat(fd)
      if (known !== null && isNext(known, status, previous, bytes)) {
        await this.#syncEntry(known.entrySynced)
        this.#remember(viewOf(status, record, status.size, known.torn, this.durable))
      } else {
        outcome = await this.#lookBack(fd, known, record)
      }
    } finally {
      await this.disk.close(fd)
    }
    return outcome
  }

  /** Reads what became of a record that was appended. */
  async #lookBack (fd: number, known: FileView | null, record: JournalRecord): Promise<Appended> {
    const { view, won, nlink } = await readView(this.disk, fd, known, record.id)
    if (won && view.tip?.seal === false && nlink === 0) {
      this.#forget()
      return 'gone'
    }
    if (won) await this.#syncEntry(view.entrySynced)
    this.#remember({ ...view, entrySynced: view.entrySynced || (this.durable && won) })
    return won ? 'won' : 'lost'
  }

  /** When the file ends in a seal, puts the file that follows in its place, or sees that done. */
  async unseal (): Promise<void> {
    const view = this.recall() ?? await this.read()
    if (view?.tip?.seal !== true) return
    const disk = this.#diskFor(Buffer.byteLength(view.tip.text))
    const first = { ...view.tip, seal: false }
    const installed = await replaceSealed(this.#by(disk), first, view.born, async () => {
      const now = await unlessMissing(disk.lstat(this.path))
      return now !== null && isSame(view, now)
    })
    this.release()
    if (installed !== null) this.#remember(viewOf(installed, first, installed.size, false, this.durable))
  }

  /**
   * Sets the access time and keeps the modification time.
   * A file that is gone meanwhile is left gone.
   */
  async touch (now: number): Promise<void> {
    const view = this.#view ?? await this.read()
    if (view === null) return
    await unlessMissing(this.#diskFor(0).lutimes(this.path, now / 1000, view.mtimeMs / 1000))
  }

  /** Removes the file for good: nothing under way elsewhere brings it back. */
  async remove (): Promise<void> {
    this.#forget()
    const disk = this.#diskFor(0)
    await takeAway(this.#by(disk), () => disk.unlink(this.path))
    if (this.durable) await unlessMissing(syncDirectory(this.disk, dirname(this.path)))
  }

  /** Moves the file out of the way, to a name that no session has. */
  async setAside (name: string): Promise<void> {
    this.#forget()
    const disk = this.#diskFor(0)
    await takeAway(this.#by(disk), () => disk.rename(this.path, `${this.path}.${name}.aside`))
  }

  /** Closes what is kept open of the file, which can be used on. */
  release (): void {
    this.#held?.release()
  }

  async #write (disk: Disk, fd: number, bytes: Buffer): Promise<void> {
    checkWhole(await disk.write(fd, bytes), bytes)
    if (this.durable) await disk.fdatasync(fd)
  }

  /** A file that this process did not make may have been put there by a rename not yet on the disk. */
  async #syncEntry (synced: boolean): Promise<void> {
    if (this.durable && !synced) await syncDirectory(this.disk, dirname(this.path))
  }

  /** The view, if the status shows that it still stands. */
  #confirm (known: FileView, status: FileStatus, now = performance.now()): FileView | undefined {
    if (!isSame(known, status) || known.size !== status.size) return undefined
    known.seenAt = now
    const { atimeMs, mtimeMs, ctimeMs } = status
    if (known.ctimeMs === ctimeMs && known.atimeMs === atimeMs && known.mtimeMs === mtimeMs) return known
    return this.#remember({ ...known, atimeMs, mtimeMs, ctimeMs })
  }

  #remember (view: FileView): FileView {
    this.#view = view
    return view
  }

  #forget (): null {
    this.#view = null
    this.release()
    return null
  }

  #hold (disk: ImmediateDisk): HeldFile {
    this.#held ??= new HeldFile(this.path, disk)
    return this.#held
  }

  /** The disk for calls in a row, of which one may write so many bytes. */
  #diskFor (size: number): Disk {
    return this.durable || size > IMMEDIATE_SIZE ? this.disk : this.disk.immediate?.prompt ?? this.disk
  }

  /** This file, by way of that disk. */
  #by (disk: Disk): Sealed {
    return { path: this.path, disk, durable: this.durable, limits: this.limits }
  }
}

/** A short write is an error. What it left behind is no record, and so ignored. */
function checkWhole (written: number, bytes: Buffer): void {
  if (written === bytes.length) return
  throw Object.assign(new Error(`ENOSPC: short write, ${written} of ${bytes.length} bytes`),
    { code: 'ENOSPC', syscall: 'write' })
}
