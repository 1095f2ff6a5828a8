import { Clock, type Lifetimes } from '../clock'
import { isForwarding } from '../forwarding'
import { publishEnded } from '../session-events'
import { LONGEST_LIST, MARGIN } from '../index-lists'
import { indexOf } from '../session-index'
import { cannotOpenAll, isSealed } from '../sealed-text'
import { bodyOf } from '../session-header'
import type { Creation } from '../session-record'
import type {
  Companion, IndexableRecordStore, IterableSessionStore, PortableRecordStore, PortableSession, ReadableSessionStore, ReapableSessionStore,
  ReapCounts, SessionInfo
} from '../store-abilities'
import type { Disk } from './disk'
import { checkDisk, type DiskCheckOptions, type DiskSpace } from './disk-check'
import { probeDirectory } from './disk-probe'
import { importMemoryPath, indexDirectoryName } from './file-names'
import { FileRecords } from './file-records'
import { fileStoreOptions, type SessionFileStoreOptions } from './options'
import { platform as thisPlatform } from './platform'
import { portableSession } from './portable'
import { isSession, removeSessions, storedFiles, type ListedFile, type ListedSession } from './session-listing'
import { sweep } from './sweep'

/** All of the file store, on any disk and by any clock. */
export class FileStore extends FileRecords implements IterableSessionStore, ReadableSessionStore, ReapableSessionStore, PortableRecordStore, IndexableRecordStore {
  readonly features = { records: true, immediate: true, iterable: true, readable: true, reapable: true, portable: true, indexable: true } as const
  declare readonly lifetimes: Lifetimes
  #warnings: readonly string[] = []

  readonly #disk: Disk | undefined
  /** Not the lists of an index. */
  readonly #hasSessions: boolean

  constructor (
    options: SessionFileStoreOptions = {}, disk?: Disk, clock: Clock = new Clock(), protected readonly platform = thisPlatform, directoryName?: string
  ) {
    super(fileStoreOptions(options, platform), disk, clock, directoryName)
    this.#disk = disk
    this.#hasSessions = directoryName === undefined
  }

  /** {@inheritDoc RecordStore.importMemory} */
  get importMemory (): string {
    return importMemoryPath(this.options.sessionDir, this.options.appid)
  }

  /** {@inheritDoc RecordStore.warnings} */
  get warnings (): readonly string[] {
    return this.#warnings
  }

  /** {@inheritDoc SessionFileStore.open} */
  async open (): Promise<void> {
    const { durability, allowUnsafeDirectory: allowUnsafe } = this.options
    await this.privacy.make()
    const warnings = await probeDirectory(this.directory, { durable: durability === 'fsync', allowUnsafe })
    this.#warnings = [...await this.platform.warningsOf(this.options.sessionDir), ...warnings]
  }

  /** {@inheritDoc SessionFileStore.checkDisk} */
  async checkDisk (options: DiskCheckOptions = {}): Promise<DiskSpace> {
    const { freeBytes = this.options.maxSize, freeFiles = 100 } = options
    return await checkDisk(this.directory, { freeBytes, freeFiles })
  }

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionFileError} */
  async * sessions (): AsyncGenerator<SessionInfo, void> {
    for await (const view of this.#views()) yield this.ages.info(view)
  }

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionFileError} */
  async * texts (): AsyncGenerator<string, void> {
    for await (const view of this.#views()) {
      if (isSealed(view.tip.text)) throw cannotOpenAll()
      yield bodyOf(view.tip.text)
    }
  }

  /** {@inheritDoc PortableRecordStore.exportSessions} @throws {SessionFileError} */
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    for await (const file of this.#files()) {
      if (this.#isLive(file)) yield portableSession(file)
      // A list of which nothing can be read is still one.
      else if (!this.#hasSessions && file.tip === null) yield { name: file.name, text: '', idleTimeout: undefined, createdAt: file.mtimeMs, lastAccess: file.mtimeMs }
    }
  }

  /**
   * {@inheritDoc PortableRecordStore.importSession} One that has expired is made as such: it is never
   * read, and goes with the next sweep.
   *
   * @throws {SessionFileError}
   */
  async importSession (session: PortableSession): Promise<Creation> {
    return await this.makeSession(session.name, session, session.lastAccess)
  }

  /** {@inheritDoc IterableSessionStore.clear} @throws {SessionFileError} */
  async clear (): Promise<number> {
    const count = await this.guard('remove all sessions', removeSessions(this.directory, this.disk, this.options.durability === 'fsync', this.fileLimits))
    await indexOf(this)?.clear()
    return count
  }

  /** {@inheritDoc ReapableSessionStore.reap} @throws {SessionFileError} */
  async reap (signal?: AbortSignal): Promise<ReapCounts> {
    const { directory, options: limits, clock, disk, fileLimits } = this
    const expired = (name: string): void => { if (this.#hasSessions) publishEnded(this.sesAppid(), name, 'expired') }
    return await this.guard('remove expired sessions', sweep({ directory, limits, clock, disk, fileLimits, signal, expired, keepsEmpty: !this.#hasSessions }))
  }

  /** {@inheritDoc IndexableRecordStore.companion} They are in a directory beside the appid's. */
  companion (): Companion {
    const { appid, sessionDir, durability, allowUnsafeDirectory, idleTimeout } = this.options
    const options = { appid, sessionDir, durability, allowUnsafeDirectory, idleTimeout: idleTimeout + MARGIN, maxSize: LONGEST_LIST }
    return { records: new FileStore(options, this.#disk, this.clock, this.platform, indexDirectoryName(appid)), idleTimeout, latest: name => this.read(name) }
  }

  async * #views (): AsyncGenerator<ListedSession, void> {
    for await (const file of this.#files()) if (this.#isLive(file)) yield file
  }

  #isLive (file: ListedFile): file is ListedSession {
    return isSession(file) && this.ages.timeLeft(file) > 0 && !isForwarding(file.tip.text)
  }

  async * #files (): AsyncGenerator<ListedFile, void> {
    const files = storedFiles(this.directory, this.disk, { limits: this.fileLimits, withDamaged: !this.#hasSessions })
    try {
      for (;;) {
        const next = await this.guard('list the sessions', files.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await files.return()
    }
  }
}
