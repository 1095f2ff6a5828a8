import cookiePlugin from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import fileSessions, { type FileSessionsOptions } from '../../index'
import { MapStore, MemoryStore } from './map-store'
import { sessionDirectory } from './session-files'

declare module '../../index' {
  interface SessionData {
    account: { id: number, name: string }
  }
}

export const ADA = { id: 7, name: 'ada' }

/** An app that shows the session of a request. */
export async function accountApp (t: Test, options: FileSessionsOptions, secret?: string): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookiePlugin, secret === undefined ? {} : { secret })
  await app.register(fileSessions, options)
  app.get('/', async request => request.session.data())
  app.get('/id', async request => request.session.sessionId)
  return app
}

/** A store of each kind. */
export const STORES: Record<string, (t: Test) => FileSessionsOptions> = {
  files: t => ({ sessionDir: sessionDirectory(t) }),
  'a store with records': () => ({ store: new MemoryStore() }),
  'a store with five methods': () => ({ store: new MapStore() })
}
