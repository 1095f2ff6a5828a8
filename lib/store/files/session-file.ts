import { dirname } from 'node:path'
import type { Removal } from '../session-record'
import { checkWhole, syncDirectory, unlessMissing, type DiskCalls } from './disk'
import { endAt, endSealed, isStill, removeJudged } from './ending'
import { asidePath } from './file-names'
import { isNext, isWarm, mustSeal, viewOf, type FileView } from './file-view'
import { ImmediateFile, type Appended } from './immediate-file'
import { encodeRecord, newRecordId, NO_RECORD, type JournalRecord } from './journal'
import { takeLockAway } from './lock'
import { makeFile, TOLERANCE } from './new-file'
import { openToAppend } from './private-file'
import { replaceSealed, takeAway, type Sealed } from './seal'
import { syncWhole } from './whole-sync'

/**
 * One session file: reads it, appends to it, removes it, while other processes do the same.
 *
 * Methods reject with the system's own errors, and with a SessionFileError for a file of a newer
 * version, or one that is not private. A file that is missing is an answer.
 */
export class SessionFile extends ImmediateFile {
  /**
   * Makes the file with its first record, as one that was last used at `lastAccess` by the store's
   * clock. Rejects with EEXIST when there is one, with ENOENT when the directory is missing; leaves
   * nothing behind when it fails.
   */
  async create (record: JournalRecord, lastAccess = record.createdAt, tolerance = TOLERANCE): Promise<void> {
    const { path, durable } = this
    const bytes = encodeRecord(record, NO_RECORD)
    const status = await makeFile({ path, bytes, disk: this.diskFor(bytes.length), durable, lastAccess, tolerance })
    this.remember(viewOf(status, record, bytes.length, false, this.#syncedTo(bytes.length)))
  }

  /**
   * Appends a record that replaces the one with the id `previous`. It has won if and only if it is
   * in the chain of the file that it was written to: the file is never created here, so a session
   * that has ended stays so.
   *
   * When the file has become too long, or holds bytes that belong to no record, the winner is a
   * seal: it ends this file, and a new one that starts with the same record takes its place. So it is
   * when `forgetEarlier` says that the records before it must not stay on the disk.
   */
  async append (record: JournalRecord, previous: string, forgetEarlier = false): Promise<Appended> {
    const known = this.view
    record.seal = forgetEarlier || (known !== null && mustSeal(known, record, this.limits))
    const bytes = this.encode(record, previous)
    // What may have to wait goes through the pool: here also the opening of a file that was not in use.
    const disk: DiskCalls = known !== null && isWarm(known, performance.now()) ? this.diskFor(bytes.length) : this.disk
    const fd = await this.find(() => openToAppend(disk, this.path))
    if (fd === null) return this.gone()
    let outcome: Appended
    try {
      outcome = await this.#write(disk, fd, record, previous, bytes)
    } finally {
      await disk.close(fd)
    }
    return outcome === 'replaced' && record.seal ? await this.#sealed() : outcome
  }

  /** Ends the session if `previous` is still its last record, and removes the file. */
  async end (previous: string): Promise<Removal> {
    const outcome = await endAt(this.#by(this.diskFor(0)), this.view, previous)
    if (outcome === 'conflict') return outcome
    this.forget()
    // A caller that is told that the session has ended relies on it as the one that ended it does.
    await this.syncEnd()
    return outcome
  }

  /**
   * Ends the session, whatever its last record is, and removes the file. Returns whether it was this
   * call that ended it. Where no tombstone can be written, on a full disk for example, the file is
   * taken away without.
   */
  async remove (): Promise<boolean> {
    const file = this.#by(this.diskFor(0))
    let isRemoved = false
    try {
      isRemoved = await this.#removeLast()
      await takeLockAway(file)
    } catch {
      isRemoved = await takeAway(file, () => file.disk.unlink(this.path)) || isRemoved
    }
    this.forget()
    await this.syncEnd()
    return isRemoved
  }

  /** Removes the file if its session is over, as `view` shows it, or if it never held one. Returns whether this call has removed it. */
  async removeJudged (view: FileView): Promise<boolean> {
    this.forget()
    const isRemoved = await removeJudged(this.#by(this.diskFor(0)), view)
    if (isRemoved) await this.syncEnd()
    return isRemoved
  }

  /** Moves the file out of the way, to a name that no session has. */
  async setAside (moment: number): Promise<void> {
    this.forget()
    const disk = this.diskFor(0)
    await takeAway(this.#by(disk), () => disk.rename(this.path, asidePath(this.path, moment)))
  }

  /** When the file ends in a seal, puts the file that follows in its place, or sees that done. */
  async rewrite (): Promise<void> {
    const view = this.recall() ?? await this.read()
    if (view?.tip?.seal !== true) return
    const disk = this.diskFor(Buffer.byteLength(view.tip.text))
    const first = { ...view.tip, seal: false }
    const file = this.#by(disk)
    const installed = await replaceSealed(file, first, view, async () => await isStill(file, view))
    this.release()
    if (installed !== null) this.remember(viewOf(installed, first, installed.size, false, this.#syncedTo(installed.size)))
  }

  /**
   * Sets the access time and keeps the modification time, but for one that lies in the future.
   * A file that is gone meanwhile is left gone.
   */
  async touch (now: number): Promise<void> {
    const view = this.view ?? await this.read()
    if (view === null) return
    await unlessMissing(this.diskFor(0).lutimes(this.path, now / 1000, Math.min(view.mtimeMs, now) / 1000))
  }

  async #write (disk: DiskCalls, fd: number, record: JournalRecord, previous: string, bytes: Buffer): Promise<Appended> {
    const known = this.view
    checkWhole(await disk.write(fd, bytes), bytes)
    const status = await disk.fstat(fd)
    let view: FileView
    if (known !== null && isNext(known, status, previous, bytes)) {
      view = this.remember(viewOf(status, record, status.size, known.torn, known.synced))
    } else {
      const read = await this.readView(fd, known, record.id)
      const outcome = this.judge(read)
      if (outcome !== 'replaced') return outcome
      view = read.view
    }
    if (!this.durable) return 'replaced'
    try {
      await syncWhole(disk, this.path, fd, view, bytes.length)
    } catch (error) {
      if (known?.tip?.id === previous) await this.#undo(disk, fd, record, known.tip).catch(() => undefined)
      throw error
    }
    const now = this.view
    if (now !== null && now.ino === view.ino && now.born === view.born) this.remember({ ...now, synced: Math.max(now.synced, view.size) })
    return 'replaced'
  }

  /** Takes a record back whose save fails, by the record before it, unless another request has built on it or it is a seal. */
  async #undo (disk: DiskCalls, fd: number, record: JournalRecord, before: JournalRecord): Promise<void> {
    await disk.write(fd, encodeRecord({ ...before, id: newRecordId() }, record.id))
  }

  async #sealed (): Promise<Appended> {
    // The record is stored. If the new file cannot be made now, the next process that saves makes it.
    await this.rewrite().catch(() => undefined)
    return this.view === null ? 'gone' : 'replaced'
  }

  async #removeLast (): Promise<boolean> {
    const file = this.#by(this.diskFor(0))
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
      if (outcome !== 'conflict') return outcome === 'removed'
    }
  }

  /** With fsync: makes the end of a file survive a power loss, whichever process removed it. */
  async syncEnd (): Promise<void> {
    if (this.durable) await unlessMissing(syncDirectory(this.disk, dirname(this.path)))
  }

  #syncedTo (size: number): number {
    return this.durable ? size : 0
  }

  /** This file, by way of that disk. */
  #by (disk: DiskCalls): Sealed {
    return { path: this.path, disk, durable: this.durable, limits: this.limits }
  }
}
