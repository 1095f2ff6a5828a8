import type { Removal, Replacement } from '../session-record'
import type { DiskNow, FileNumber, FileStatus } from './disk'
import { removeTombstone, takeOutNow, tombstone } from './ending'
import { isNext, isOpen, isWarm, knownBytes, mustSeal, readOn, viewOf, type FileView, type ReadView } from './file-view'
import type { HeldFile } from './held-file'
import { encodeRecord, NO_RECORD, type JournalRecord } from './journal'
import { makeFileNow, TOLERANCE } from './new-file'
import { IMMEDIATE_SIZE, SeenFile } from './seen-file'

/** `conflict`: another record was first, read again. `gone`: the session has ended. */
export type Appended = Replacement['result']

/**
 * `undefined`: nothing has happened, and the caller goes the slow way. A promise: the disk became slow meanwhile, and
 * calls through the pool go on at the stage that was reached.
 */
export type Immediate<T> = T | undefined | Promise<T | undefined>

/**
 * What is done with a session file at once, without a promise. Each method returns undefined when
 * there is anything to wait for, such as a sync, a seal, a slow disk, many bytes, or a second look for
 * a file that is missing. Nothing has happened then, and the caller goes the slow way.
 *
 * The methods throw the system's errors. `now` is what `performance.now()` says.
 */
export class ImmediateFile extends SeenFile {
  /** Makes the file with its first record, as one that was last used at `lastAccess` by the store's clock. */
  createNow (record: JournalRecord, lastAccess: number, now: number): Immediate<'created'> {
    const disk = this.#diskNow(now)
    if (disk === undefined) return undefined
    const bytes = encodeRecord(record, NO_RECORD)
    if (bytes.length > IMMEDIATE_SIZE) return undefined
    const { path, durable } = this
    const status = makeFileNow(disk, { path, bytes, disk: this.diskFor(bytes.length), durable, lastAccess, tolerance: TOLERANCE })
    const made = (status: FileStatus | undefined): 'created' | undefined => {
      if (status === undefined) return undefined
      this.remember(viewOf(status, record, bytes.length, false, 0, now))
      return 'created'
    }
    return status instanceof Promise ? status.then(made) : made(status)
  }

  /** Appends a record that replaces the one with the id `previous`, to a file that was in use moments ago. */
  appendNow (record: JournalRecord, previous: string, now = performance.now()): Appended | undefined {
    const known = this.#inUse(now)
    const disk = this.#diskNow(now)
    if (known === null || disk === undefined || mustSeal(known, record, this.limits)) return undefined
    const bytes = this.encode(record, previous)
    if (bytes.length > IMMEDIATE_SIZE) return undefined
    const held = this.hold(disk)
    try {
      const status = held.append(bytes, known.ctimeMs, now)
      if (status === undefined) return undefined
      if (!isNext(known, status, previous, bytes)) return this.judge(readOn(known, status, held.read(knownBytes(known, status), status.size), record.id))
      this.remember(viewOf(status, record, status.size, known.torn, 0, now))
      return 'replaced'
    } finally {
      held.rest()
    }
  }

  /** Ends the session if `previous` is still its last record, and removes the file, which was in use moments ago. */
  endNow (previous: string, now: number): Immediate<Removal> {
    const known = this.#inUse(now)
    const disk = this.#diskNow(now)
    if (known === null || disk === undefined) return undefined
    const held = this.hold(disk)
    try {
      const outcome = this.#endBy(disk, held, known, previous, now)
      if (outcome !== undefined && outcome !== 'conflict') this.forget()
      return outcome
    } finally {
      held.rest()
    }
  }

  #endBy (disk: DiskNow, held: HeldFile, known: FileView, previous: string, now: number): Removal | undefined | Promise<Removal> {
    const record = tombstone()
    const bytes = encodeRecord(record, previous)
    const status = held.append(bytes, known.ctimeMs, now)
    if (status === undefined) return undefined
    if (!isNext(known, status, previous, bytes)) {
      const { view, won } = readOn(known, status, held.read(knownBytes(known, status), status.size), record.id)
      if (!won) return view.tip?.ended === true ? 'gone' : 'conflict'
    }
    return this.#takeOutEnded(disk, record, status.ino)
  }

  /** What cannot be removed now holds no session, and is left to the sweep. */
  #takeOutEnded (disk: DiskNow, record: JournalRecord, ino: FileNumber): Removal | Promise<Removal> {
    const pooled = this.diskFor(0)
    const removed = (): Removal => 'removed'
    try {
      const rest = disk.isQuick() ? takeOutNow(disk, pooled, this.path, ino) : removeTombstone(pooled, this.path, record)
      return rest === undefined ? 'removed' : rest.then(removed, removed)
    } catch {
      return 'removed'
    }
  }

  /** Returns the last view of a file that was in use moments ago and that a record can be appended to. */
  #inUse (now: number): FileView | null {
    const { view } = this
    return view !== null && isOpen(view) && isWarm(view, now) ? view : null
  }

  #diskNow (now: number): DiskNow | undefined {
    const disk = this.durable ? undefined : this.disk.now
    return disk?.isReady(now) === true ? disk : undefined
  }

  protected encode (record: JournalRecord, previous: string): Buffer {
    const tip = this.view?.tip
    const isPatched = tip?.id === previous && record.text.length >= (this.limits.patchFrom ?? Infinity)
    return encodeRecord(record, previous, isPatched ? tip : undefined)
  }

  /** What became of a record that was appended. */
  protected judge ({ view, won, nlink }: ReadView): Appended {
    if (won ? isOpen(view) && nlink === 0 : view.tip?.ended === true) return this.gone()
    this.remember(view)
    return won ? 'replaced' : 'conflict'
  }

  protected gone (): 'gone' {
    this.forget()
    return 'gone'
  }
}
