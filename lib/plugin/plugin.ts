import type { FastifyPluginAsync } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { SessionManager } from '../session/session-manager'
import { SessionFileStore } from '../store/files/session-file-store'
import { hasRecords, isOpenable, isReapable } from '../store/features'
import { indexOf } from '../store/session-index'
import { Availability } from './availability'
import { decorate, ensureCookies } from './decorators'
import type { FileSessionsOptions } from './file-sessions-options'
import { addSessionHooks } from './hooks'
import { checkIds, checkMadeIds } from './id-check'
import { LateChanges } from './late-changes'
import { pluginOptions } from './options'
import { OutsideSessions } from './outside-sessions'
import { Reaper } from './reaper'
import { reindexSessions } from './reindexing-sessions'
import { SessionCookie } from './session-cookie'
import { keepTickShape } from './tick-shape'
import { timesOutOfScale } from './time-scale'

const plugin: FastifyPluginAsync<FileSessionsOptions> = async (fastify, options) => {
  const settled = pluginOptions(options)
  const store = settled.store ?? new SessionFileStore(settled.fileStore)
  const manager = new SessionManager(store, settled)
  const cookie = new SessionCookie(store.sesAppid(), settled.cookie, settled)

  keepTickShape()
  await ensureCookies(fastify)
  cookie.check(fastify)

  const makesKeys = settled.encryption !== false
  if (hasRecords(store)) await checkIds(store, makesKeys)
  for (const warning of timesOutOfScale(settled)) fastify.log.warn(warning)

  const outside = new OutsideSessions(fastify, manager, cookie)
  const property = `request.${settled.sessionName}`
  const key = decorate(fastify, settled, {
    store,
    cookie,
    outside,
    reindex: signal => reindexSessions(store, settled.indexes, settled.codec, signal)
  })
  addSessionHooks(fastify, {
    hook: settled.hook,
    key,
    about: settled.about,
    manager,
    cookie,
    availability: new Availability(settled.onUnavailable, property, store.sesAppid()),
    lateChanges: new LateChanges(property)
  })
  if (isOpenable(store)) {
    fastify.addHook('onReady', async () => {
      await store.open()
      for (const warning of hasRecords(store) ? store.warnings ?? [] : []) fastify.log.warn(warning)
    })
    fastify.addHook('onClose', async () => { await store.close() })
  }
  // Once it is open: it makes its ids with its sessions.
  if (makesKeys && !hasRecords(store)) fastify.addHook('onReady', () => checkMadeIds(store))
  fastify.addHook('onReady', async () => { outside.isReady = true })
  const index = settled.indexes === null ? null : indexOf(store)
  if ((isReapable(store) || index !== null) && settled.reapInterval > 0) {
    const reaper = new Reaper(store, { interval: settled.reapInterval, log: fastify.log, index })
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
