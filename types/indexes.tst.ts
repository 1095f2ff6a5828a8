import type { FastifyInstance, FastifyRequest } from 'fastify'
import { expect, test } from 'tstyche'
import {
  SessionFileStore, SessionLimitError, type About, type FileSessionsOptions, type FoundSession, type IndexOptions, type IndexReapCounts, type RequestSession,
  type SessionError, type SessionFinder, type SessionStore
} from '../index'
import { MovingSessionStore } from '../connect'
import { PostgresSessionStore } from '../postgres'
import { RedisSessionStore } from '../redis'

interface Data { user?: { id: number, email: string }, sid?: string }

declare const app: FastifyInstance
declare const store: SessionFinder
declare const session: RequestSession

test('every store of this package finds and ends sessions, and one with five methods does not', () => {
  expect<SessionFinder>().type.toBeAssignableFrom<SessionFileStore>()
  expect<SessionFinder>().type.toBeAssignableFrom<RedisSessionStore>()
  expect<SessionFinder>().type.toBeAssignableFrom<PostgresSessionStore>()
  expect<SessionFinder>().type.toBeAssignableFrom<MovingSessionStore>()
  expect<SessionStore>().type.not.toBeAssignableTo<SessionFinder>()
  expect(app.sessionStore).type.toBeAssignableTo<SessionFinder>()
})

test('sessionsOf takes a string or a number, and streams what it finds', () => {
  expect(store.sessionsOf).type.toBeCallableWith('user', 42)
  expect(store.sessionsOf).type.toBeCallableWith('user', '42')
  expect(store.sessionsOf).type.not.toBeCallableWith('user')
  expect(store.sessionsOf).type.not.toBeCallableWith('user', undefined)
  expect(store.sessionsOf).type.not.toBeCallableWith('user', { id: 42 })
  expect(store.sessionsOf('user', 42)).type.toBe<AsyncIterable<FoundSession>>()
  expect<FoundSession>().type.toBe<{
    readonly handle: string
    readonly createdAt: number | undefined
    readonly lastUsed: number | undefined
    readonly expiresAt: number | undefined
    readonly about: About | undefined
  }>()
  expect<About[string]>().type.toBe<unknown>()
})

test('revoke, revokeAll and reapIndexes', () => {
  expect(store.revoke('handle')).type.toBe<Promise<boolean>>()
  expect(store.revoke).type.not.toBeCallableWith(undefined)
  expect(store.revokeAll('user', 42)).type.toBe<Promise<number>>()
  expect(store.revokeAll).type.toBeCallableWith('user', 42, { except: 'handle' })
  expect(store.revokeAll).type.toBeCallableWith('user', 42, { except: session })
  expect(store.revokeAll).type.toBeCallableWith('user', 42, { except: undefined })
  expect(store.revokeAll).type.not.toBeCallableWith('user', 42, { except: 7 })
  expect(store.revokeAll).type.not.toBeCallableWith('user', 42, 'handle')
  expect(store.reapIndexes(AbortSignal.timeout(1))).type.toBe<Promise<IndexReapCounts>>()
})

test('session.handle is there once the session is stored, and cannot be set', () => {
  expect<Pick<RequestSession, 'handle'>>().type.toBe<{ readonly handle: string | undefined }>()
})

test('the options', () => {
  expect<FileSessionsOptions>().type.toBeAssignableFrom({
    indexes: { account: (data: { account?: { id: number } }) => data.account?.id, sid: () => null },
    about: (request: FastifyRequest) => ({ agent: request.headers['user-agent'] }),
    maxPerValue: { account: 5 },
    onLimit: 'refuse' as const
  })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ indexes: { user: () => ({ id: 42 }) } })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ indexes: { user: async () => 42 } })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ about: () => 'a browser' })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ maxPerValue: 5 })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ onLimit: 'end-newest' })
})

test('the functions of the indexes see the declared data, and may not change them', () => {
  const options: IndexOptions<Data> = {
    indexes: {
      user: data => {
        expect(data).type.toBe<Readonly<Data>>()
        return data.user?.id
      },
      sid: data => data.sid
    }
  }
  expect(options.maxPerValue).type.toBe<Readonly<Record<string, number>> | undefined>()
  expect<IndexOptions<Data>>().type.not.toBeAssignableFrom({ indexes: { user: (data: { user: string }) => data.user } })
})

test('a login that is one too many', () => {
  expect(new SessionLimitError('no')).type.toBeAssignableTo<SessionError>()
})
