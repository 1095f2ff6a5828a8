import type { FastifyPluginAsync } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Reaper } from './lib/ageing'
import { decorate, ensureCookies } from './lib/decorators'
import { addSessionHooks } from './lib/hooks'
import { pluginOptions, type FileSessionsOptions } from './lib/options'
import { SessionCookie } from './lib/session-cookie'
import { SessionManager } from './lib/session-manager'
import { SessionFileStore } from './lib/store/session-file-store'
import { isOpenable, isReapable } from './lib/store/session-store'

import './types/fastify'

export type { DiagnosticsEvents } from './lib/diagnostics'
export { SessionError, SessionFileError } from './lib/errors'
export { importSessionFileStore } from './lib/import'
export type { ImportOptions, ImportReport } from './lib/import'
export type {
  FileSessionsOptions, FromConnectStoreOptions, SessionCodec, SessionCookieOptions, SessionFileStoreOptions
} from './lib/options'
export type { RequestSession, Session, SessionDraft } from './lib/session'
export type { ConnectCookie, ConnectSessionData } from './lib/connect/connect-cookie'
export { connectStore } from './lib/connect/connect-store'
export type { ConnectRequest, ConnectStore, ConnectStoreOptions } from './lib/connect/connect-store'
export type { DiskCheckOptions, DiskSpace } from './lib/store/disk-check'
export { fromConnectStore } from './lib/connect/from-connect-store'
export type { ConnectSessionStore } from './lib/connect/from-connect-store'
export { SessionFileStore } from './lib/store/session-file-store'
export type {
  CreatedSession, CreateOptions, DatedSessionStore, IterableSessionStore, PutOptions, QuarantiningSessionStore, ReadableSessionStore,
  ReapableSessionStore, ReapCounts,
  Replacement, SessionInfo, SessionStore, StoredSession, TouchableSessionStore, VersionedSessionStore
} from './lib/store/session-store'
export * from './types/session-data'

const plugin: FastifyPluginAsync<FileSessionsOptions> = async (fastify, options) => {
  const settled = pluginOptions(options)
  const store = settled.store ?? new SessionFileStore(settled.fileStore)
  const manager = new SessionManager(store, settled.codec, settled.rolling)
  const cookie = new SessionCookie(store.sesAppid(), settled.cookie)

  await ensureCookies(fastify)
  cookie.check(fastify)

  const key = decorate(fastify, settled, store)
  addSessionHooks(fastify, settled.hook, key, manager, cookie)
  if (isOpenable(store)) fastify.addHook('onReady', async () => { await store.open() })
  if (store instanceof SessionFileStore) fastify.addHook('onClose', async () => { await store.close() })
  if (isReapable(store) && settled.reapInterval > 0) {
    const reaper = new Reaper(store, settled.reapInterval, fastify.log)
    fastify.addHook('onReady', async () => { reaper.start() })
    fastify.addHook('onClose', async () => { await reaper.stop() })
  }
}

/**
 * Sessions in files: `fastify.register(fileSessions, { appid: 'sid', sessionDir: './sessions' })`
 * is the whole set-up. Decorates requests with `session` and the instance with `sessionStore`.
 *
 * @throws {SessionError} while the app starts, for an option that makes no sense, and
 * {SessionFileError} for a directory that cannot be used or is open to others
 */
export const fileSessions = fastifyPlugin(plugin, { name: 'fastify-file-sessions', fastify: '5.x' })
export default fileSessions
