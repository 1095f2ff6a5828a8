import type { CookieSerializeOptions } from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { expect, test } from 'tstyche'
import fileSessions, {
  fileSessions as named, requireFresh, SessionError, SessionFileError, SessionFileStore, type FileSessionsOptions, type IndexableRecordStore, type IterableSessionStore, type OpenableSessionStore,
  type PortableRecordStore, type RecordStore, type ReindexCounts, type RequestSession, type Session, type SessionCodec, type SessionData, type SessionDraft, type SessionFileStoreOptions,
  type SessionCookieOptions, type SessionFinder, type SessionInfo, type SessionStore
} from '../index'

declare module '../index' {
  interface SessionData {
    account: { id: number, name: string }
    visits: number
  }
}

declare const request: FastifyRequest
declare const session: RequestSession
declare const app: FastifyInstance

test('request.session has what SessionData declares, and each may be missing', () => {
  expect<FastifyRequest['session']>().type.toBe<RequestSession>()
  expect(request.session.account).type.toBe<{ id: number, name: string } | undefined>()
  expect(request.session.visits).type.toBe<number | undefined>()
  expect<keyof SessionData>().type.toBe<'account' | 'visits'>()
  expect(request.session).type.not.toHaveProperty('undeclared')
  expect(request).type.toHaveProperty('sessionLoaded')
  expect(request.sessionLoaded).type.toBe<boolean>()
})

test('an assignment is checked', () => {
  expect<RequestSession>().type.toBeAssignableTo<{ account?: { id: number, name: string } }>()
  expect<{ account: { id: string, name: string } }>().type.not.toBeAssignableTo<Pick<RequestSession, 'account'>>()
  session.account = { id: 1, name: 'ann' }
  delete session.visits
})

test('the session itself cannot be replaced, nor its members', () => {
  expect<Pick<FastifyRequest, 'session'>>().type.toBe<{ readonly session: RequestSession }>()
  expect<Pick<Session, 'sessionId' | 'isNew' | 'changed' | 'deleted'>>().type.toBe<{
    readonly sessionId: string | undefined, readonly isNew: boolean, readonly changed: boolean, readonly deleted: boolean
  }>()
})

test('get: declared names have their type, others are unknown, never any', () => {
  expect(session.get('account')).type.toBe<{ id: number, name: string } | undefined>()
  expect(session.get('visits')).type.toBe<number | undefined>()
  expect(session.get('other')).type.toBe<unknown>()
  expect(session.get('save')).type.toBe<unknown>()
  expect(session.get).type.not.toBeCallableWith(1)
  expect(session.get).type.not.toBeCallableWith()
})

test('set: declared names take their type, others anything', () => {
  expect(session.set('visits', 1)).type.toBe<void>()
  expect(session.set).type.toBeCallableWith('visits', undefined)
  expect(session.set).type.toBeCallableWith('other', new Date())
  expect(session.set).type.not.toBeCallableWith('visits', 'many')
  expect(session.set).type.not.toBeCallableWith('account', { id: 1 })
  expect(session.set).type.not.toBeCallableWith('visits')
})

test('data and the draft of update', () => {
  expect(session.data().account).type.toBe<{ id: number, name: string } | undefined>()
  expect(session.data().other).type.toBe<unknown>()
  expect<SessionDraft['account']>().type.toBe<{ id: number, name: string } | undefined>()
  expect<SessionDraft['visits']>().type.toBe<number | undefined>()
  expect<SessionDraft>().type.not.toHaveProperty('other')
  expect(session.update(draft => {
    expect(draft).type.toBe<SessionDraft>()
    draft.visits = (draft.visits ?? 0) + 1
    return draft.visits
  })).type.toBe<Promise<number | undefined>>()
  expect(session.update(async () => 'x')).type.toBe<Promise<string | undefined>>()
  expect(session.update(() => {})).type.toBe<Promise<void | undefined>>()
  expect(session.update).type.not.toBeCallableWith()
})

test('promise or callback, not both', () => {
  const callback = (error?: Error | null): void => { expect(error).type.toBe<Error | null | undefined>() }
  expect(session.save()).type.toBe<Promise<void>>()
  expect(session.save(callback)).type.toBe<void>()
  expect(session.reload()).type.toBe<Promise<void>>()
  expect(session.reload(callback)).type.toBe<void>()
  expect(session.destroy()).type.toBe<Promise<void>>()
  expect(session.destroy(callback)).type.toBe<void>()
  expect(session.regenerate()).type.toBe<Promise<void>>()
  expect(session.regenerate(['account'])).type.toBe<Promise<void>>()
  expect(session.regenerate(['account', 'visits'] as const)).type.toBe<Promise<void>>()
  expect(session.regenerate(callback)).type.toBe<void>()
  expect(session.regenerate(['account'], callback)).type.toBe<void>()
  expect(session.regenerate(undefined, callback)).type.toBe<void>()
  expect(session.regenerate).type.not.toBeCallableWith('account')
  expect(session.regenerate).type.not.toBeCallableWith(['undeclared'])
  expect(session.regenerate).type.not.toBeCallableWith(callback, ['account'])
})

test('the cookie\'s options are those of @fastify/cookie', () => {
  expect<SessionCookieOptions>().type.toBeAssignableTo<CookieSerializeOptions>()
  expect<Omit<CookieSerializeOptions, 'encode'>>().type.toBeAssignableTo<SessionCookieOptions>()
  expect<keyof SessionCookieOptions>().type.toBe<Exclude<keyof CookieSerializeOptions, 'encode'>>()
})

test('how fresh a session is', () => {
  expect(session.freshAt).type.toBe<number | undefined>()
  expect(session.isFresh(600)).type.toBe<boolean>()
  expect(session.authenticated()).type.toBe<Promise<void>>()
  expect(session.authenticated(['account'])).type.toBe<Promise<void>>()
  expect(session.authenticated).type.not.toBeCallableWith(['undeclared'])
  expect(app.post).type.toBeCallableWith('/order', { preHandler: requireFresh(600) }, async () => '')
  expect(requireFresh).type.not.toBeCallableWith('600')
})

test('the rest of the session', () => {
  expect(session.isModified()).type.toBe<boolean>()
  expect(session.isSaved()).type.toBe<boolean>()
  expect(session.delete()).type.toBe<void>()
  expect(session.touch()).type.toBe<void>()
  expect(session.skipSave()).type.toBe<void>()
  expect(session.options).type.toBeCallableWith({ maxAge: 60, sameSite: 'strict' as const, secure: 'auto' as const })
  expect(session.options).type.not.toBeCallableWith({ maxAge: '60' })
  expect(session.options).type.not.toBeCallableWith({ maxage: 60 })
})

test('fastify.sessionStore', () => {
  expect(app.sessionStore).type.toBe<SessionFileStore>()
  expect<Pick<FastifyInstance, 'sessionStore'>>().type.toBe<{ readonly sessionStore: SessionFileStore }>()
  expect(app.sessionStore.checkDisk).type.toBeCallableWith({ freeBytes: 1 })
  expect(app.sessionStore.sessions()).type.toBeAssignableTo<AsyncIterable<SessionInfo>>()
  expect(app.sessionStore.clear()).type.toBe<Promise<number>>()
  expect(app.loadSession('sid=x')).type.toBe<Promise<RequestSession | null>>()
  expect(app.loadSession).type.toBeCallableWith(undefined)
  expect(app.reindexSessions).type.toBe<(signal?: AbortSignal) => Promise<ReindexCounts>>()
  expect(app.sessionStore.getSession('x')).type.toBe<Promise<string | null>>()
})

test('route option', () => {
  expect(app.get).type.toBeCallableWith('/', { config: { session: false } }, () => 'x')
  expect(app.get).type.not.toBeCallableWith('/', { config: { session: 'no' } }, () => 'x')
})

test('the plugin and its options', () => {
  const fastify = Fastify()
  expect(fileSessions).type.toBe<typeof named>()
  expect(fastify.register).type.toBeCallableWith(fileSessions)
  expect(fastify.register).type.toBeCallableWith(fileSessions, { appid: 'sid', sessionDir: './sessions' })
  expect<FileSessionsOptions>().type.toBeAssignableFrom({})
  expect<FileSessionsOptions>().type.toBeAssignableFrom({
    appid: 'sid',
    sessionDir: './sessions',
    hook: 'onRequest' as const,
    cookie: { secure: 'auto' as const, signed: true, maxAge: 60 },
    idleTimeout: 1,
    absoluteTimeout: undefined,
    rolling: false,
    reapInterval: 0,
    durability: 'fsync' as const,
    maxSize: 1,
    sessionName: 'admin',
    idGenerator: () => 'x',
    codec: { encode: JSON.stringify, decode: (text: string) => JSON.parse(text) as Record<string, unknown> }
  })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ hook: 'onSend' })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ durability: 'maybe' })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ cookie: { maxAge: '60' } })
  expect<FileSessionsOptions['store']>().type.toBe<SessionStore | undefined>()
  expect<FileSessionsOptions>().type.toBeAssignableTo<SessionFileStoreOptions>()
  expect<SessionCodec['encode']>().type.not.toBeAssignableFrom<() => Promise<string>>()
})

test('stores', () => {
  expect(SessionFileStore).type.toBeConstructableWith({ appid: 'sid', sessionDir: './sessions' })
  expect(SessionFileStore).type.not.toBeConstructableWith({ hook: 'onRequest' })
  expect<SessionStore>().type.toBeAssignableFrom<SessionFileStore>()
  expect<ReturnType<IterableSessionStore['sessions']>>().type.toBe<AsyncIterable<SessionInfo>>()
  class FiveMethods implements SessionStore {
    sesAppid (): string { return 'sid' }
    async getSession (): Promise<string | null> { return null }
    async newSession (): Promise<string> { return '' }
    async putSession (): Promise<void> {}
    async delSession (): Promise<void> {}
  }
  expect<FileSessionsOptions>().type.toBeAssignableFrom({ store: new FiveMethods() })
  expect<FileSessionsOptions>().type.not.toBeAssignableFrom({ store: new Map() })
  class Openable extends FiveMethods implements OpenableSessionStore {
    readonly features: OpenableSessionStore['features'] = { openable: true }
    async open (): Promise<void> {}
    async close (): Promise<void> {}
  }
  expect<FileSessionsOptions>().type.toBeAssignableFrom({ store: new Openable() })
  class Iterable extends FiveMethods {
    readonly features = { iterable: true } as const
    async * sessions (): AsyncGenerator<SessionInfo> {}
    async clear (): Promise<number> { return 0 }
  }
  expect<FileSessionsOptions>().type.toBeAssignableFrom({ store: new Iterable() })
  expect<IterableSessionStore>().type.toBeAssignableFrom<Iterable>()
  expect<RecordStore>().type.toBeAssignableFrom<SessionFileStore>()
  expect<RecordStore>().type.not.toBeAssignableFrom<FiveMethods>()
})

test('the file store shows what it promises, and nothing of what it is made of', () => {
  expect<keyof SessionFileStore>().type.toBe<
    keyof IndexableRecordStore | keyof PortableRecordStore | keyof SessionFinder | 'warnings' | 'sessions' | 'clear' | 'texts' | 'reap' | 'checkDisk'
  >()
  // A class with protected or private members cannot be assigned from a plain object of the same shape.
  expect<SessionFileStore>().type.toBeAssignableFrom<Pick<SessionFileStore, keyof SessionFileStore>>()
  expect<ConstructorParameters<typeof SessionFileStore>>().type.toBe<[options?: SessionFileStoreOptions | undefined]>()
  expect<SessionFileStore['features']>().type.not.toHaveProperty('immediate')
})

test('errors', () => {
  const error = new SessionFileError('no')
  expect(error).type.toBeAssignableTo<SessionError>()
  expect(error.code).type.toBe<string>()
  expect(error.statusCode).type.toBe<number>()
})
