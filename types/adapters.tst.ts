import type { Store as ExpressStore } from 'express-session'
import expressSession from 'express-session'
import { expect, test } from 'tstyche'
import {
  connectStore, fromConnectStore, importFromSessionFileStore, SessionFileStore, type ConnectSessionStore, type ConnectStore,
  type DatedSessionStore, type DiagnosticsEvents, type ImportReport, type RecordStore, type SessionStore
} from '../index'

declare module 'express-session' {
  interface SessionData {
    required: number
  }
}

// As @fastify/session has it; its own types cannot be loaded beside ours, as both say what request.session is.
interface FastifySessionData {
  cookie: { originalMaxAge: number | null, maxAge?: number, expires?: Date | null, secure?: boolean | 'auto' }
  user?: string
}
interface FastifySessionStore {
  set (sessionId: string, session: FastifySessionData, callback: (error?: unknown) => void): void
  get (sessionId: string, callback: (error: unknown, result?: FastifySessionData | null) => void): void
  destroy (sessionId: string, callback: (error?: unknown) => void): void
}

const files = new SessionFileStore({})

test('connectStore gives a store for express-session, whatever its sessions hold', () => {
  expect(connectStore(files)).type.toBe<ConnectStore>()
  expect<ConnectStore>().type.toBeAssignableTo<ExpressStore>()
  expect(expressSession).type.toBeCallableWith({ store: connectStore(files), secret: '' })
})

test('and for @fastify/session', () => {
  expect<ConnectStore>().type.toBeAssignableTo<FastifySessionStore>()
})

test('connectStore takes a store with records', () => {
  expect<Parameters<typeof connectStore>[0]>().type.toBe<RecordStore>()
  expect(connectStore).type.not.toBeCallableWith(fromConnectStore(new expressSession.MemoryStore()))
  expect(connectStore).type.not.toBeCallableWith(files, { ttl: 1 })
})

test('fromConnectStore takes any of their stores', () => {
  expect<ExpressStore>().type.toBeAssignableTo<ConnectSessionStore>()
  expect<FastifySessionStore>().type.toBeAssignableTo<ConnectSessionStore>()
  expect(fromConnectStore(new expressSession.MemoryStore(), { appid: 'sid', idleTimeout: 60 }))
    .type.toBe<DatedSessionStore>()
  expect<DatedSessionStore>().type.toBeAssignableTo<SessionStore>()
  expect(fromConnectStore).type.not.toBeCallableWith({})
})

test('the import reports', () => {
  expect(importFromSessionFileStore('old', files, { ttl: 3600 })).type.toBe<Promise<ImportReport>>()
})

test('diagnostics events are described', () => {
  expect<DiagnosticsEvents['load']['duration']>().type.toBe<number>()
  expect<DiagnosticsEvents['commit']['kind']>().type.toBe<'create' | 'replace' | 'update'>()
})
