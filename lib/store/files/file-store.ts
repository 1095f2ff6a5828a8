import { Clock, type Lifetimes } from '../clock'
import { cannotOpenAll, isSealed } from '../sealed-text'
import type {
  Creation, IterableSessionStore, PortableRecordStore, PortableSession, ReadableSessionStore, ReapableSessionStore, ReapCounts, SessionInfo
} from '../session-store'
import type { Disk } from './disk'
import { checkDisk, type DiskCheckOptions, type DiskSpace } from './disk-check'
import { probeDirectory } from './disk-probe'
import { FileRecords } from './file-records'
import { fileStoreOptions, type SessionFileStoreOptions } from './options'
import { platform as thisPlatform } from './platform'
import { portableSession } from './portable'
import { removeSessions, storedSessions, type ListedSession } from './session-listing'
import { sweep } from './sweep'

/** All of the file store, on any disk and by any clock. */
export class FileStore extends FileRecords implements IterableSessionStore, ReadableSessionStore, ReapableSessionStore, PortableRecordStore {
  readonly features = { records: true, immediate: true, iterable: true, readable: true, reapable: true, portable: true } as const
  #warnings: readonly string[] = []

  constructor (options: SessionFileStoreOptions = {}, disk?: Disk, clock: Clock = new Clock(), protected readonly platform = thisPlatform) {
    super(fileStoreOptions(options, platform), disk, clock)
  }

  /** {@inheritDoc RecordStore.lifetimes} */
  get lifetimes (): Lifetimes {
    const { idleTimeout, absoluteTimeout } = this.options
    return { idleTimeout, absoluteTimeout }
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
      yield view.tip.text
    }
  }

  /** {@inheritDoc PortableRecordStore.exportSessions} @throws {SessionFileError} */
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    for await (const view of this.#views()) yield portableSession(view)
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
    return await this.guard('remove all sessions', removeSessions(this.directory, this.disk, this.options.durability === 'fsync', this.fileLimits))
  }

  /** {@inheritDoc ReapableSessionStore.reap} @throws {SessionFileError} */
  async reap (signal?: AbortSignal): Promise<ReapCounts> {
    const { directory, options: limits, clock, disk, fileLimits } = this
    return await this.guard('remove expired sessions', sweep({ directory, limits, clock, disk, fileLimits, signal }))
  }

  async * #views (): AsyncGenerator<ListedSession, void> {
    const views = storedSessions(this.directory, this.disk, { limits: this.fileLimits })
    try {
      for (;;) {
        const next = await this.guard('list the sessions', views.next())
        if (next.done === true) return
        if (this.ages.timeLeft(next.value) > 0) yield next.value
      }
    } finally {
      await views.return()
    }
  }
}
