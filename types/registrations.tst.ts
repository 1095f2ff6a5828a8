import type { FastifyInstance, FastifyRequest } from 'fastify'
import { expect, test } from 'tstyche'
import { sessionCookie, type FileSessionsOptions, type RequestSession, type Session, type SessionDraft, type SessionFileStore, type SessionStore } from '../index'

interface AdminData {
  role: 'editor' | 'owner'
}

interface OwnStore extends SessionStore {
  own (): void
}

declare module '../index' {
  interface SessionRegistrations {
    adminSession: { data: AdminData }
    guestSession: { data: { table: number, account: string }, store: OwnStore }
    plainSession: object
  }
}

declare const request: FastifyRequest
declare const app: FastifyInstance

test('one declaration types all that a second registration decorates', () => {
  expect(request.adminSession).type.toBe<RequestSession<AdminData>>()
  expect(request.adminSessionLoaded).type.toBe<boolean>()
  expect(app.adminSessionStore).type.toBe<SessionFileStore>()
  expect(app.loadAdminSession('')).type.toBe<Promise<RequestSession<AdminData> | null>>()
  expect(app.guestSessionStore).type.toBe<OwnStore>()
  expect(request.plainSession).type.toBe<RequestSession>()
  expect(request).type.not.toHaveProperty('otherSession')
})

test('its data are its own', () => {
  expect(request.adminSession.role).type.toBe<'editor' | 'owner' | undefined>()
  expect(request.adminSession).type.not.toHaveProperty('account')
  expect(request.session).type.not.toHaveProperty('role')
  expect(request.adminSession.get('role')).type.toBe<'editor' | 'owner' | undefined>()
  expect(request.adminSession.set).type.not.toBeCallableWith('role', 'reader')
  expect(request.adminSession.regenerate).type.toBeCallableWith(['role' as const])
  expect(request.adminSession.regenerate).type.not.toBeCallableWith(['account'])
  expect(request.adminSession.update(draft => {
    expect(draft).type.toBe<SessionDraft<AdminData>>()
    return draft.role
  })).type.toBe<Promise<'editor' | 'owner' | undefined>>()
})

test('sessionCookie takes the data of the registration that it names', () => {
  expect(sessionCookie(app, { visits: 1 })).type.toBe<Promise<string>>()
  expect(sessionCookie).type.toBeCallableWith(app, { role: 'owner' as const }, 'adminSession')
  expect(sessionCookie).type.not.toBeCallableWith(app, { role: 'owner' as const })
  expect(sessionCookie).type.not.toBeCallableWith(app, { visits: 1 }, 'adminSession')
  expect(sessionCookie).type.not.toBeCallableWith(app, {}, 'otherSession')
})

test('the functions of its indexes see its data', () => {
  const options: FileSessionsOptions = {
    sessionName: 'adminSession',
    indexes: {
      role: data => {
        expect(data.role).type.toBe<'editor' | 'owner' | undefined>()
        return data.role
      },
      table: ({ table }) => table,
      account: data => {
        expect(data.account).type.toBe<RequestSession['account']>()
        return data.account?.id
      }
    }
  }
  expect(options.indexes).type.not.toBe<undefined>()
  expect<FileSessionsOptions>().type.toBeAssignableFrom({ indexes: { role: (data: Partial<AdminData>) => data.role } })
  expect<Parameters<NonNullable<FileSessionsOptions['indexes']>[string]>[0]>().type.not.toHaveProperty('rôle')
})

test('a session of any registration is a Session', () => {
  expect<Session>().type.toBeAssignableFrom<RequestSession>()
  expect<Session>().type.toBeAssignableFrom<RequestSession<AdminData>>()
})
