import { fileSessions } from './lib/plugin/plugin'

import './types/fastify'

export { fileSessions }
export default fileSessions
export type { ReindexCounts } from './lib/session/reindexing'
export type { IndexOptions } from './lib/session/index-options'
export type { FileSessionsOptions } from './lib/plugin/file-sessions-options'

export type { RequestSession, Session, SessionDraft } from './lib/session/session'
export type { SessionCookieOptions } from './lib/session/cookie-options'
export * from './types/session-data'
export type { RegisteredData, RegisteredName, RegisteredStore, SessionLoader, SessionReindexer } from './types/registrations'
export { sessionCookie } from './lib/plugin/logged-in'
export { requireFresh, type NotFreshProblem, type RequireFreshOptions } from './lib/plugin/require-fresh'
export type { DiagnosticsEvents } from './lib/diagnostics'

export * from './connect'
