import type { Lifetimes } from '../clock'
import type {
  IndexableRecordStore, IterableSessionStore, PortableRecordStore, PortableSession, ReadableSessionStore, ReapableSessionStore, SessionInfo
} from '../store-abilities'
import type { SessionFinder } from '../session-finder'
import type { DiskCheckOptions, DiskSpace } from './disk-check'
import { FileStore } from './file-store'
import type { SessionFileStoreOptions } from './options'

/** What apps see of the file store. What it is made of is not a part of its type. */
interface PublicFileStore extends IterableSessionStore, ReadableSessionStore, ReapableSessionStore, PortableRecordStore, IndexableRecordStore, SessionFinder {
  readonly features: {
    readonly records: true, readonly iterable: true, readonly readable: true, readonly reapable: true, readonly portable: true, readonly indexable: true
  }

  /** {@inheritDoc RecordStore.lifetimes} */
  readonly lifetimes: Lifetimes

  /** {@inheritDoc RecordStore.importMemory} */
  readonly importMemory: string

  /** {@inheritDoc RecordStore.warnings} */
  readonly warnings: readonly string[]

  /**
   * Makes `sessionDir` (0700) if it is missing, makes sure that no other user can use it, and tries
   * out whether its file system can keep the promises of this package. The plugin calls this before
   * the app is ready.
   *
   * @throws {SessionFileError} when the directory cannot be made or used, is not private, or lies on a
   * file system that cannot keep the promises (see the option `allowUnsafeDirectory`)
   */
  open (): Promise<void>

  /** Closes the files that are open, which otherwise stay open for a few seconds after their last use. The store can be used on. */
  close (): Promise<void>

  /**
   * Whether sessions can be stored now: for a health check. Looks at the free space and writes a
   * little for trial.
   *
   * @throws {SessionFileError} that says what is wrong
   */
  checkDisk (options?: DiskCheckOptions): Promise<DiskSpace>

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionFileError} */
  sessions (): AsyncGenerator<SessionInfo, void>

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionFileError} */
  texts (): AsyncGenerator<string, void>

  /** {@inheritDoc PortableRecordStore.exportSessions} @throws {SessionFileError} */
  exportSessions (): AsyncGenerator<PortableSession, void>
}

type PublicClass = new (options?: SessionFileStoreOptions) => PublicFileStore

/**
 * Sessions in files, one each, under
 * `sessionDir/<appid, percent-encoded>/<2 hex digits>/<62 hex digits>`; the digits are the name of
 * the session, a hash of appid and id. Any string is safe as an id, and no name gives an id away.
 *
 * Any number of stores, in any number of processes of one machine, can work on one directory.
 *
 * @throws {SessionError} from the constructor, for an option that makes no sense.
 */
export class SessionFileStore extends (FileStore as PublicClass) {
  /** `sessionDir` is resolved here, once. */
  constructor (options: SessionFileStoreOptions = {}) {
    super(options)
  }
}
