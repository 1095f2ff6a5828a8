import { dirname } from 'node:path'
import { endAt, endSealed, isStill, removeJudged } from './ending'
import { checkWhole, syncDirectory, unlessMissing, type Disk, type DiskCalls, type DiskNow, type FileStatus } from './disk'
import { readView } from './file-reading'
import {
  isNext, isOpen, isSame, isWarm, knownBytes, mustSeal, readOn, viewOf, wasAlive, type FileView, type ReadView, type SizeLimits
} from './file-view'
import { HeldFile } from './held-file'
import { encodeRecord, newRecordId, NO_RECORD, type JournalRecord } from './journal'
import { takeLockAway, type Patience } from './lock'
import { makeFile } from './new-file'
import { checkPrivate, openToAppend, openToRead } from './private-file'
import { replaceSealed, takeAway, type Sealed } from './seal'
import { find } from './second-look'
import { syncWhole } from './whole-sync'

/** When a file is rewritten, how long that may take, and the length (bytes) above which it is not read. */
export type FileLimits = SizeLimits & Patience & { longest?: number }

export const LIMITS: FileLimits = { size: 16 * 1024, fewestRecords: 8, stale: 2000, patience: 5 }
/** More bytes than this are not written at once. */
const IMMEDIATE_SIZE = 64 * 1024

/** `lost`: another record was first, read again. `gone`: the session has ended. */
export type Appended = 'won' | 'lost' | 'gone'

/**
 * One session file: reads it, appends to it, removes it, while other processes do the same. It
 * remembers its last view of the file, which stands while one `lstat` shows the same inode, birth
 * time and size: the file only ever grows, until another takes its place.
 *
 * Methods reject with the system's own errors, and with a SessionFileError for a file of a newer
 * version. A file that is missing is an answer.
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

  /** Returns the file as it stands; undefined when the disk would have to be waited for. */
  recall (): FileView | undefined {
    const known = this.#view
    const disk = this.disk.now
    const now = performance.now()
    if (known === null || !isWarm(known, now) || disk?.isReady() !== true) return undefined
    const status = this.#hold(disk).status(known.ctimeMs, now)
    return status === undefined ? undefined : this.#confirm(known, status, now)
  }

  /** Returns the file as it stands; null when there is none. */
  async read (): Promise<FileView | null> {
    const known = this.#view
    if (known !== null) {
      const status = await this.#find(() => this.disk.lstat(this.path))
      if (status === null) return this.#forget()
      const confirmed = this.#confirm(known, status)
      if (confirmed !== undefined) return confirmed
    }
    this.release()
    const fd = await this.#find(() => openToRead(this.disk, this.path))
    if (fd === null) return this.#forget()
    try {
      return this.#remember((await this.#readView(fd, known)).view)
    } finally {
      await this.disk.close(fd)
    }
  }

  /**
   * Makes the file with its first record; `now` is the time by the store's clock. Rejects with
   * EEXIST when there is one, with ENOENT when the directory is missing; leaves nothing behind when
   * it fails.
   */
  async create (record: JournalRecord, now = record.createdAt): Promise<void> {
    const { path, durable } = this
    const bytes = encodeRecord(record, NO_RECORD)
    const status = await makeFile({ path, bytes, disk: this.#diskFor(bytes.length), durable, now })
    this.#remember(viewOf(status, record, bytes.length, false, this.#syncedTo(bytes.length)))
  }

  /**
   * Appends a record that replaces the one with the id `previous`. It has won if and only if it is
   * in the chain of the file that it was written to: the file is never created here, so a session
   * that has ended stays so.
   *
   * When the file has become too long, or holds bytes that belong to no record, the winner is a
   * seal: it ends this file, and a new one that starts with the same record takes its place.
   */
  async append (record: JournalRecord, previous: string): Promise<Appended> {
    const known = this.#view
    record.seal = known !== null && mustSeal(known, record, this.limits)
    const bytes = encodeRecord(record, previous)
    // What may have to wait goes through the pool: here also the opening of a file that was not in use.
    const disk: DiskCalls = known !== null && isWarm(known, performance.now()) ? this.#diskFor(bytes.length) : this.disk
    const fd = await this.#find(() => openToAppend(disk, this.path))
    if (fd === null) return this.#gone()
    let outcome: Appended
    try {
      outcome = await this.#write(disk, fd, record, previous, bytes)
    } finally {
      await disk.close(fd)
    }
    return outcome === 'won' && record.seal ? await this.#sealed() : outcome
  }

  /**
   * Does the same at once, for a file that was in use moments ago. Returns undefined, and has done
   * nothing, when there is anything to wait for: a sync, a seal, a slow disk, many bytes, a second
   * look for a file that is missing.
   *
   * @throws the system's errors
   */
  appendNow (record: JournalRecord, previous: string): Appended | undefined {
    const known = this.#view
    const disk = this.disk.now
    const now = performance.now()
    if (known === null || this.durable || !isOpen(known) || !isWarm(known, now) || disk?.isReady() !== true) return undefined
    if (mustSeal(known, record, this.limits)) return undefined
    const bytes = encodeRecord(record, previous)
    if (bytes.length > IMMEDIATE_SIZE) return undefined
    const held = this.#hold(disk)
    try {
      const status = held.append(bytes, known.ctimeMs, now)
      if (status === undefined) return undefined
      if (!isNext(known, status, previous, bytes)) {
        return this.#judge(readOn(known, status, held.read(knownBytes(known, status), status.size), record.id))
      }
      this.#remember(viewOf(status, record, status.size, known.torn, 0, now))
      return 'won'
    } finally {
      held.rest()
    }
  }

  /** Ends the session if `previous` is still its last record, and removes the file. */
  async end (previous: string): Promise<Appended> {
    const outcome = await endAt(this.#by(this.#diskFor(0)), this.#view, previous)
    if (outcome === 'lost') return outcome
    this.#forget()
    if (outcome === 'won') await this.#syncDirectory()
    return outcome
  }

  /**
   * Ends the session, whatever its last record is, and removes the file. Returns whether it was this
   * call that ended it. Where no tombstone can be written, on a full disk for example, the file is
   * taken away without.
   */
  async remove (): Promise<boolean> {
    const file = this.#by(this.#diskFor(0))
    let isRemoved = false
    try {
      isRemoved = await this.#removeLast()
      await takeLockAway(file)
    } catch {
      isRemoved = await takeAway(file, () => file.disk.unlink(this.path))
    }
    this.#forget()
    await this.#syncDirectory()
    return isRemoved
  }

  /** Removes the file if its session is over, as `view` shows it, or if it never held one. Returns whether this call has removed it. */
  async removeJudged (view: FileView): Promise<boolean> {
    this.#forget()
    const isRemoved = await removeJudged(this.#by(this.#diskFor(0)), view)
    if (isRemoved) await this.#syncDirectory()
    return isRemoved
  }

  /** Moves the file out of the way, to a name that no session has. */
  async setAside (name: string): Promise<void> {
    this.#forget()
    const disk = this.#diskFor(0)
    await takeAway(this.#by(disk), () => disk.rename(this.path, `${this.path}.${name}.aside`))
  }

  /** When the file ends in a seal, puts the file that follows in its place, or sees that done. */
  async unseal (): Promise<void> {
    const view = this.recall() ?? await this.read()
    if (view?.tip?.seal !== true) return
    const disk = this.#diskFor(Buffer.byteLength(view.tip.text))
    const first = { ...view.tip, seal: false }
    const file = this.#by(disk)
    const installed = await replaceSealed(file, first, view.born, async () => await isStill(file, view))
    this.release()
    if (installed !== null) this.#remember(viewOf(installed, first, installed.size, false, this.#syncedTo(installed.size)))
  }

  /**
   * Sets the access time and keeps the modification time, but for one that lies in the future.
   * A file that is gone meanwhile is left gone.
   */
  async touch (now: number): Promise<void> {
    const view = this.#view ?? await this.read()
    if (view === null) return
    await unlessMissing(this.#diskFor(0).lutimes(this.path, now / 1000, Math.min(view.mtimeMs, now) / 1000))
  }

  /** Closes what is kept open of the file, which can be used on. */
  release (): void {
    this.#held?.release()
  }

  async #write (disk: DiskCalls, fd: number, record: JournalRecord, previous: string, bytes: Buffer): Promise<Appended> {
    const known = this.#view
    checkWhole(await disk.write(fd, bytes), bytes)
    const status = await disk.fstat(fd)
    let view: FileView
    if (known !== null && isNext(known, status, previous, bytes)) {
      view = this.#remember(viewOf(status, record, status.size, known.torn, known.synced))
    } else {
      const read = await this.#readView(fd, known, record.id)
      const outcome = this.#judge(read)
      if (outcome !== 'won') return outcome
      view = read.view
    }
    if (!this.durable) return 'won'
    try {
      await syncWhole(disk, this.path, fd, view, bytes.length)
    } catch (error) {
      if (known?.tip?.id === previous) await this.#undo(disk, fd, record, known.tip).catch(() => undefined)
      throw error
    }
    const now = this.#view
    if (now !== null && now.ino === view.ino && now.born === view.born) this.#remember({ ...now, synced: Math.max(now.synced, view.size) })
    return 'won'
  }

  /** Takes a record back whose save fails, by the record before it, unless another request has built on it or it is a seal. */
  async #undo (disk: DiskCalls, fd: number, record: JournalRecord, before: JournalRecord): Promise<void> {
    await disk.write(fd, encodeRecord({ ...before, id: newRecordId() }, record.id))
  }

  async #readView (fd: number, known: FileView | null, watched?: string): Promise<ReadView> {
    return await readView(this.disk, fd, known, watched, this.limits.longest)
  }

  /** What became of a record that was appended. */
  #judge ({ view, won, nlink }: ReadView): Appended {
    if (won ? isOpen(view) && nlink === 0 : view.tip?.ended === true) return this.#gone()
    this.#remember(view)
    return won ? 'won' : 'lost'
  }

  async #sealed (): Promise<Appended> {
    // The record is stored. If the new file cannot be made now, the next process that saves makes it.
    await this.unseal().catch(() => undefined)
    return this.#view === null ? 'gone' : 'won'
  }

  async #removeLast (): Promise<boolean> {
    const file = this.#by(this.#diskFor(0))
    for (;;) {
      const view = this.recall() ?? await this.read()
      if (view === null) return false
      if (view.tip?.seal === true) {
        // Not waited for: a process that is about to put another file in its place finds the session ended.
        await takeLockAway(file)
        if (await endSealed(file, view)) return true
        continue
      }
      if (view.tip === null || view.tip.ended) {
        await removeJudged(file, view)
        return false
      }
      const outcome = await endAt(file, view, view.tip.id)
      if (outcome !== 'lost') return outcome === 'won'
    }
  }

  /** Looks for the file; once more, if it was there before. */
  async #find<T> (look: () => Promise<T>): Promise<T | null> {
    return await find(this, wasAlive(this.#view), look)
  }

  /** With fsync: makes the end of a file survive a power loss. */
  async #syncDirectory (): Promise<void> {
    if (this.durable) await unlessMissing(syncDirectory(this.disk, dirname(this.path)))
  }

  /** Returns the view, if the status shows that it still stands. */
  #confirm (known: FileView, status: FileStatus, now = performance.now()): FileView | undefined {
    if (!isSame(known, status) || known.size !== status.size) return undefined
    known.seenAt = now
    const { atimeMs, mtimeMs, ctimeMs } = status
    if (known.ctimeMs === ctimeMs && known.atimeMs === atimeMs && known.mtimeMs === mtimeMs) return known
    checkPrivate(status)
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

  #gone (): 'gone' {
    this.#forget()
    return 'gone'
  }

  #hold (disk: DiskNow): HeldFile {
    this.#held ??= new HeldFile(this.path, disk)
    return this.#held
  }

  #syncedTo (size: number): number {
    return this.durable ? size : 0
  }

  /** The disk for calls in a row, of which one may write so many bytes. */
  #diskFor (size: number): DiskCalls {
    return this.durable || size > IMMEDIATE_SIZE ? this.disk : this.disk.eager ?? this.disk
  }

  /** This file, by way of that disk. */
  #by (disk: DiskCalls): Sealed {
    return { path: this.path, disk, durable: this.durable, limits: this.limits }
  }
}
