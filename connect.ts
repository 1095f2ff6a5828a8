/** The stores, and the adapters to express-session and `@fastify/session`: nothing here needs Fastify. */

export { connectStore } from './lib/connect/connect-store'
export type { ConnectRequest, ConnectStore, ConnectStoreOptions } from './lib/connect/connect-store'
export type { ConnectCookie, ConnectSessionData } from './lib/connect/connect-cookie'
export { fromConnectStore } from './lib/connect/from-connect-store'
export type { ConnectSessionStore } from './lib/connect/from-connect-store'
export type { FromConnectStoreOptions } from './lib/connect/options'
export { importFromSessionFileStore } from './lib/connect/import-from-session-file-store'
export type { ImportOptions, ImportReport } from './lib/connect/import-from-session-file-store'
export type { SessionCodec } from './lib/session/codec'

export type { About } from './lib/store/index-about'
export type { OnLimit } from './lib/store/index-entry'
export type { IndexValue } from './lib/store/index-labels'
export type { FoundSession, IndexReapCounts, RevokeAllOptions, SessionFinder } from './lib/store/session-finder'
export { BaseRecordStore } from './lib/store/record-store'
export { SessionFileStore } from './lib/store/files/session-file-store'
export type { SessionFileStoreOptions } from './lib/store/files/options'
export { MovingSessionStore } from './lib/store/moving-store'
export type { MovingSessionStoreOptions } from './lib/store/moving-store'
export type { DiskCheckOptions, DiskSpace } from './lib/store/files/disk-check'
export type { Creation, Removal, Replacement, SessionRecord, StoredSession } from './lib/store/session-record'
export type { PutOptions, RecordStore, SessionStore, StoreFeatures } from './lib/store/session-store'
export type {
  Companion, DatedSession, DatedSessionStore, IndexableRecordStore, IterableSessionStore, OpenableSessionStore, PortableRecordStore,
  PortableSession, ReadableSessionStore, ReapableSessionStore, ReapCounts, SessionInfo
} from './lib/store/store-abilities'

export { SessionError, SessionFileError, SessionLimitError, SessionStoreError, SessionUnavailableError } from './lib/errors'
export type { EncryptionOptions } from './lib/store/encryption-options'
export type { SessionCipher } from './lib/store/session-cipher'
export { unopenedSessions } from './lib/unopened'
export type { UnopenedCause } from './lib/diagnostics'
export type { UnopenedCounts } from './lib/unopened'
