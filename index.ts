import { fileSessions } from './lib/plugin/plugin'

import './types/fastify'

export { fileSessions }
export default fileSessions
export type { FileSessionsOptions } from './lib/plugin/options'

export type { RequestSession, Session, SessionDraft } from './lib/session/session'
export type { SessionCodec } from './lib/session/codec'
export type { SessionCookieOptions } from './lib/session/cookie-options'
export * from './types/session-data'

export { SessionFileStore } from './lib/store/files/session-file-store'
export type { SessionFileStoreOptions } from './lib/store/files/options'
export type { DiskCheckOptions, DiskSpace } from './lib/store/files/disk-check'
export type {
  CreatedSession, CreateOptions, DatedSessionStore, IterableSessionStore, PutOptions, QuarantiningSessionStore, ReadableSessionStore,
  ReapableSessionStore, ReapCounts,
  Replacement, SessionInfo, SessionStore, StoredSession, TouchableSessionStore, VersionedSessionStore
} from './lib/store/session-store'

export { connectStore } from './lib/connect/connect-store'
export type { ConnectRequest, ConnectStore, ConnectStoreOptions } from './lib/connect/connect-store'
export type { ConnectCookie, ConnectSessionData } from './lib/connect/connect-cookie'
export { fromConnectStore } from './lib/connect/from-connect-store'
export type { ConnectSessionStore } from './lib/connect/from-connect-store'
export type { FromConnectStoreOptions } from './lib/connect/options'
export { importSessionFileStore } from './lib/connect/import-session-file-store'
export type { ImportOptions, ImportReport } from './lib/connect/import-session-file-store'

export { SessionError, SessionFileError } from './lib/errors'
export type { DiagnosticsEvents } from './lib/diagnostics'
