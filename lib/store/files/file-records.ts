import { join } from 'node:path'
import { GRACE, type Clock } from '../clock'
import { asSessionError, hasCode, type SessionError } from '../../errors'
import { checkRecord } from '../record-options'
import { storedSize } from '../sealed-text'
import { BaseRecordStore } from '../record-store'
import { checkedName } from '../session-id'
import { indexInUse } from '../session-index'
import type {
  Creation, ImmediateRecordStore, Removal, Replacement, SessionRecord, StoredSession
} from '../session-store'
import type { Disk } from './disk'
import { FileCache } from './file-cache'
import { directoryName, sessionPath } from './file-names'
import { longestFile } from './file-reading'
import { keepLastUse } from './last-use'
import type { FileView } from './file-view'
import type { JournalRecord } from './journal'
import { localDiskAt } from './local-disk'
import { newRecord } from './new-record'
import type { SettledFileStoreOptions } from './options'
import { PrivateDirectory } from './private-directory'
import { holdsSession, ListAges, SessionAges, type SessionView } from './session-age'
import { ENCRYPTED_LIMITS, LIMITS, type FileLimits } from './seen-file'
import { SessionFile, type Appended } from './session-file'

/** Memory for what was read of the files, in bytes. */
const CACHE_SIZE = 32 * 1024 * 1024

/** The verbs of a store that keeps each session in a file of its own. */
export abstract class FileRecords extends BaseRecordStore implements ImmediateRecordStore {
  abstract override readonly features: ImmediateRecordStore['features']
  /** The directory of this appid. */
  protected readonly directory: string
  protected readonly disk: Disk
  protected readonly ages: SessionAges
  protected readonly privacy: PrivateDirectory
  /** Of each file, by `maxSize`. */
  protected readonly fileLimits: FileLimits
  readonly #files = new FileCache(CACHE_SIZE)

  /** `listsName`: the directory of a store whose records are lists of an index. */
  constructor (
    protected readonly options: SettledFileStoreOptions, disk: Disk | undefined, protected readonly clock: Clock, listsName?: string
  ) {
    super(options)
    this.directory = join(options.sessionDir, listsName ?? directoryName(options.appid))
    this.privacy = new PrivateDirectory(this.directory, options.durability === 'fsync')
    this.disk = disk ?? localDiskAt(this.directory)
    this.ages = listsName === undefined ? new SessionAges(options, clock) : new ListAges(options, clock)
    const isEncrypted = options.encryption !== false
    // Another process may encrypt.
    this.fileLimits = { ...isEncrypted ? ENCRYPTED_LIMITS : LIMITS, longest: longestFile(storedSize(options.maxSize, isEncrypted), ENCRYPTED_LIMITS) }
  }

  /** {@inheritDoc RecordStore.close} Files stay open for a few seconds after their last use. The store can be used on. */
  async close (): Promise<void> {
    this.#files.release()
    await indexInUse(this)?.close()
    this.cipher.clear()
  }

  /** {@inheritDoc ImmediateRecordStore.readNow} @internal */
  readNow (name: string): StoredSession | null | undefined {
    const moment = performance.now()
    const view = this.privacy.checkNow(name, moment) ? this.#files.peek(name)?.recall(moment) : undefined
    return view === undefined ? undefined : this.ages.stored(view)
  }

  /** {@inheritDoc RecordStore.read} @throws {SessionFileError} */
  async read (name: string): Promise<StoredSession | null> {
    const file = await this.#privateFile(name)
    return this.ages.stored(file.recall() ?? await this.#look(name, file))
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionFileError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    return await this.makeSession(name, record)
  }

  /** Does what `create` does, for a session that was last used at `lastAccess`, if that is given: in milliseconds since 1970. */
  protected async makeSession (name: string, record: SessionRecord, lastAccess?: number): Promise<Creation> {
    const now = this.clock.now()
    const first = this.#newRecord(record, now, now)
    const file = await this.#privateFile(name)
    while (!await this.#make(name, file, first, lastAccess)) {
      const view = await this.#look(name, file)
      if (view === null) continue
      if (!this.ages.isOver(view)) return { result: 'taken' }
      await this.guard('remove an expired session', file.removeJudged(view))
    }
    return { result: 'created', version: first.id }
  }

  /** {@inheritDoc ImmediateRecordStore.replaceNow} @internal */
  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined {
    const moment = performance.now()
    const file = this.privacy.checkNow(name, moment) ? this.#files.peek(name) : undefined
    if (file === undefined) return undefined
    const now = this.clock.now()
    const view = this.#known(file, version, now)
    if (view === null || record.forgetEarlier === true || record.keepLastUse === true || this.ages.isTouchDue(view, now)) return undefined
    const next = this.#newRecord(record, view.tip.createdAt, now)
    let outcome: Appended | undefined
    try {
      outcome = file.appendNow(next, version, moment)
    } catch (error) {
      throw this.wrapped('save a session', error)
    }
    if (outcome === undefined) return undefined
    this.#files.update(name, file)
    return replacement(outcome, next)
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    checkRecord(record, this.options.maxSize)
    const file = await this.#privateFile(name)
    const isUse = record.keepLastUse !== true
    // A view that is kept may not show the last use.
    const view = (isUse ? this.#known(file, version) : null) ?? await this.#open(name, file)
    if (view === null) return { result: 'gone' }
    if (view.tip.id !== version) return { result: 'conflict' }
    const next = this.#newRecord(record, view.tip.createdAt)
    const outcome = await this.guard('save a session', file.append(next, version, record.forgetEarlier)).finally(() => { this.#files.update(name, file) })
    // A process that goes by the access time alone, such as `find -amin`, must see that the session
    // was used. The text is stored in any case.
    if (outcome === 'replaced' && isUse && this.#isTouchDue(file)) await file.touch(this.clock.now()).catch(() => undefined)
    if (outcome === 'replaced' && !isUse) await keepLastUse(file, view).catch(() => undefined)
    return replacement(outcome, next)
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionFileError} */
  async remove (name: string, version?: string): Promise<Removal> {
    const file = await this.#privateFile(name)
    try {
      if (version === undefined) return await this.guard('remove a session', file.remove()) ? 'removed' : 'gone'
      const view = this.#known(file, version) ?? await this.#open(name, file)
      if (view === null) {
        await this.guard('remove a session', file.syncEnd())
        return 'gone'
      }
      if (view.tip.id !== version) return 'conflict'
      return await this.guard('remove a session', file.end(version))
    } finally {
      this.#files.update(name, file)
    }
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionFileError} */
  async touch (name: string): Promise<void> {
    const file = await this.#privateFile(name)
    // Looked at anew: one that has expired stays so, and the modification time that is kept is the newest.
    const view = file.recall() ?? await this.#look(name, file)
    const session = view === null ? null : this.ages.live(view, GRACE)
    if (session === null || this.ages.isJustTouched(session)) return
    await this.guard('touch a session', file.touch(this.clock.now()))
  }

  /** {@inheritDoc RecordStore.setAside} @throws {SessionFileError} */
  async setAside (name: string, version?: string): Promise<void> {
    const file = await this.#privateFile(name)
    if (version !== undefined) {
      const view = file.recall() ?? await this.#look(name, file)
      if (view?.tip?.id !== version) return
    }
    await this.guard('set a session aside', file.setAside(this.clock.now()))
    this.#files.update(name, file)
  }

  protected async guard<T> (doing: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw this.wrapped(doing, error)
    }
  }

  protected wrapped (doing: string, error: unknown): SessionError {
    return asSessionError(doing, this.directory, error)
  }

  /** Returns the file of a session, once the directories above it were found private. */
  async #privateFile (name: string): Promise<SessionFile> {
    const file = this.#file(name)
    if (!this.privacy.checkNow(name)) await this.guard('use the session directory', this.privacy.check(name))
    return file
  }

  #file (name: string): SessionFile {
    return this.#files.get(name, () => {
      return new SessionFile(sessionPath(this.directory, checkedName(name)), this.disk, this.options.durability === 'fsync', null, this.fileLimits)
    })
  }

  async #look (name: string, file: SessionFile): Promise<FileView | null> {
    return await this.guard('read a session', file.read()).finally(() => { this.#files.update(name, file) })
  }

  /**
   * Returns the last view of the file if it is at this version and can take another record. It needs
   * no second look: the append finds out by itself. A caller that has the version got it when the
   * session was alive, perhaps a moment before its end.
   */
  #known (file: SessionFile, version: string, now?: number): SessionView | null {
    const { view } = file
    return view?.tip?.id === version && !view.tip.seal ? this.ages.live(view, GRACE, now) : null
  }

  /** Returns the live view of the file, once the file that stands there can take another record. */
  async #open (name: string, file: SessionFile): Promise<SessionView | null> {
    for (;;) {
      const view = file.recall() ?? await this.#look(name, file)
      const session = view === null ? null : this.ages.live(view, GRACE)
      if (session?.tip.seal !== true) return session
      await this.guard('rewrite a session', file.rewrite())
    }
  }

  /** Whether the session that was just saved is due to be touched. Another request of this process may have ended it since. */
  #isTouchDue ({ view }: SessionFile): boolean {
    return view !== null && holdsSession(view) && this.ages.isTouchDue(view)
  }

  /** Makes the file, and its directory if need be. Returns false when there is a file already. */
  async #make (name: string, file: SessionFile, record: JournalRecord, lastAccess?: number): Promise<boolean> {
    const now = this.clock.now()
    const times: [number, number?] = lastAccess === undefined ? [now] : [Math.min(lastAccess, now), 0]
    try {
      await file.create(record, ...times).catch(async error => {
        if (!hasCode(error, 'ENOENT')) throw error
        await this.privacy.makeShard(name)
        await file.create(record, ...times)
      })
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false
      throw this.wrapped('make a session', error)
    }
    this.#files.update(name, file)
    return true
  }

  #newRecord (record: SessionRecord, createdAt: number, now = this.clock.now()): JournalRecord {
    return newRecord(record, { createdAt, now, maxSize: this.options.maxSize })
  }
}

function replacement (outcome: Appended, { id: version }: JournalRecord): Replacement {
  return outcome === 'replaced' ? { result: outcome, version } : { result: outcome }
}
