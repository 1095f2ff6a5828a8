import { join } from 'node:path'
import { GRACE, type Clock } from '../clock'
import { asSessionError, type SessionError } from '../../errors'
import { BaseRecordStore } from '../record-store'
import { storedSize } from '../sealed-text'
import { checkedName } from '../session-id'
import { indexInUse } from '../session-index'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../session-record'
import type { ImmediateRecordStore } from '../store-abilities'
import type { Disk } from './disk'
import { FileCache } from './file-cache'
import { directoryName, sessionPath } from './file-names'
import { longestFile } from './file-reading'
import type { Appended, Immediate } from './immediate-file'
import type { JournalRecord } from './journal'
import { localDiskAt } from './local-disk'
import { newRecord } from './new-record'
import type { SettledFileStoreOptions } from './options'
import { PrivateDirectory } from './private-directory'
import { ListAges, SessionAges, type SessionView } from './session-age'
import { ENCRYPTED_LIMITS, LIMITS, type FileLimits } from './seen-file'
import { SessionFile } from './session-file'

/** Memory for what was read of the files, in bytes. */
const CACHE_SIZE = 32 * 1024 * 1024

/**
 * What a store that keeps each session in a file of its own knows, and what it does at once. The methods whose
 * names end in `Now` return `undefined` when they would have to wait: nothing has happened then. See {@link Immediate}.
 */
export abstract class ImmediateRecords extends BaseRecordStore implements ImmediateRecordStore {
  abstract override readonly features: ImmediateRecordStore['features']
  /** The directory of this appid. */
  protected readonly directory: string
  protected readonly disk: Disk
  protected readonly ages: SessionAges
  protected readonly privacy: PrivateDirectory
  /** Of each file, by `maxSize`. */
  protected readonly fileLimits: FileLimits
  protected readonly files = new FileCache(CACHE_SIZE)

  /** `listsName`: the directory of a store whose records are lists of an index. */
  constructor (
    protected readonly options: SettledFileStoreOptions, disk: Disk | undefined, protected readonly clock: Clock, listsName?: string
  ) {
    super(options)
    this.directory = join(options.sessionDir, listsName ?? directoryName(options.appid))
    this.disk = disk ?? localDiskAt(this.directory)
    this.privacy = new PrivateDirectory(this.directory, options.durability === 'fsync', this.disk.now)
    this.ages = listsName === undefined ? new SessionAges(options, clock) : new ListAges(options, clock)
    const isEncrypted = options.encryption !== false
    // Another process may encrypt.
    this.fileLimits = { ...isEncrypted ? ENCRYPTED_LIMITS : LIMITS, longest: longestFile(storedSize(options.maxSize, isEncrypted), ENCRYPTED_LIMITS) }
  }

  /** {@inheritDoc RecordStore.close} Files stay open for a few seconds after their last use. The store can be used on. */
  async close (): Promise<void> {
    this.files.release()
    await indexInUse(this)?.close()
    this.cipher.clear()
  }

  /** {@inheritDoc ImmediateRecordStore.readNow} @internal */
  readNow (name: string): StoredSession | null | undefined {
    const moment = performance.now()
    const view = this.privacy.checkNow(name, moment) ? this.files.peek(name)?.recall(moment) : undefined
    return view === undefined ? undefined : this.ages.stored(view)
  }

  /** Does what `create` does. */
  protected createNow (name: string, record: SessionRecord): Immediate<Creation> {
    const moment = performance.now()
    if (!this.privacy.checkNow(name, moment)) return undefined
    const now = this.clock.now()
    const first = this.newRecord(record, now, now)
    const file = this.file(name)
    return this.#ending('make a session', () => file.createNow(first, now, moment), outcome => {
      if (outcome === undefined) return undefined
      this.files.update(name, file)
      return { result: outcome, version: first.id }
    })
  }

  /** {@inheritDoc ImmediateRecordStore.replaceNow} @internal */
  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined {
    const moment = performance.now()
    const file = this.privacy.checkNow(name, moment) ? this.files.peek(name) : undefined
    if (file === undefined) return undefined
    const now = this.clock.now()
    const view = this.known(file, version, now)
    if (view === null || record.forgetEarlier === true || record.keepLastUse === true || this.ages.isTouchDue(view, now)) return undefined
    const next = this.newRecord(record, view.tip.createdAt, now)
    const outcome = this.#wrapping('save a session', () => file.appendNow(next, version, moment))
    if (outcome === undefined) return undefined
    this.files.update(name, file)
    return replacement(outcome, next)
  }

  /** Does what `remove` does. */
  protected removeNow (name: string, version: string): Immediate<Removal> {
    const moment = performance.now()
    const file = this.privacy.checkNow(name, moment) ? this.files.peek(name) : undefined
    if (file === undefined || this.known(file, version) === null) return undefined
    return this.#ending('remove a session', () => file.endNow(version, moment), outcome => {
      if (outcome !== undefined) this.files.update(name, file)
      return outcome
    })
  }

  protected wrapped (doing: string, error: unknown): SessionError {
    return asSessionError(doing, this.directory, error)
  }

  #wrapping<T> (doing: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.wrapped(doing, error)
    }
  }

  /** Does the work, and then what follows from its outcome: at once if the work was done at once. */
  #ending<T, R> (doing: string, work: () => Immediate<T>, end: (outcome: T | undefined) => R): R | Promise<R> {
    const outcome = this.#wrapping(doing, work)
    return outcome instanceof Promise ? outcome.then(end, error => { throw this.wrapped(doing, error) }) : end(outcome)
  }

  protected file (name: string): SessionFile {
    return this.files.get(name, () => {
      return new SessionFile(sessionPath(this.directory, checkedName(name)), this.disk, this.options.durability === 'fsync', { limits: this.fileLimits })
    })
  }

  /**
   * Returns the last view of the file if it is at this version and can take another record. It needs
   * no second look: the append finds out by itself. A caller that has the version got it when the
   * session was alive, perhaps a moment before its end.
   */
  protected known (file: SessionFile, version: string, now?: number): SessionView | null {
    const { view } = file
    return view?.tip?.id === version && !view.tip.seal ? this.ages.live(view, GRACE, now) : null
  }

  protected newRecord (record: SessionRecord, createdAt: number, now = this.clock.now()): JournalRecord {
    return newRecord(record, { createdAt, now, maxSize: this.options.maxSize })
  }
}

export function replacement (outcome: Appended, { id: version }: JournalRecord): Replacement {
  return outcome === 'replaced' ? { result: outcome, version } : { result: outcome }
}
